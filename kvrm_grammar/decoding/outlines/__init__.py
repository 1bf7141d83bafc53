"""The same answers by transformers' ``generate`` with an Outlines logits processor.

In: prompts and an index. Out: token IDs. A second way, to compare with.
"""
