"""Code for a process of its own in which nothing of the extra `torch` can be imported."""

__all__ = ["WITHOUT_TORCH"]

WITHOUT_TORCH = """
import sys
from importlib.abc import MetaPathFinder

BLOCKED = {"torch", "transformers", "peft", "outlines", "accelerate"}

class Refuse(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked")
        return None

sys.meta_path.insert(0, Refuse())
"""
"""Begins with the imports that are refused; ``BLOCKED`` names them."""
