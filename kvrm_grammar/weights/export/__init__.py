"""Base model and adapter folded into one compiled graph, without torch.

In: folders. Out: a graph for OpenVINO in the user's cache, and what is needed beside it.
"""
