"""Base model and adapter in torch: for training, GPUs, and bases that no graph is built for.

In: folders. Out: a transformers model with PEFT's adapter on it. Needs the extra ``torch``; nothing
else in ``weights`` imports this folder's modules before a torch model is asked for.
"""
