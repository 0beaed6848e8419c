"""Stands in for Colab's own module: what the notebooks and the package ask of it."""

from google.colab import files, output

__all__ = ["files", "output"]
