"""A model's folder in our own format: its files and their headers, weights as fp32 or int8, and its card."""
