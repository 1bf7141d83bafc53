"""Base models and adapters: fetched, checked and loaded.

In: names and folders. Out: models ready to run. Knows no instruction set.
"""
