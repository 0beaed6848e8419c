"""Models from and for others: transformers, TensorFlow checkpoints, ONNX and the hub; and any folder loaded, whichever it is."""
