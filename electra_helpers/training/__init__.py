"""One loop for pre-training and fine-tuning, and what it needs: optimizer, checkpoints, metrics, reports."""
