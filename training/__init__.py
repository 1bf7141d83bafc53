"""Data generation, training and evaluation of the adapters; not part of the package."""
