"""What computes hidden states and scores: OpenVINO, or torch.

In: token IDs, positions, a mask. Out: see :class:`~kvrm_grammar.decoding.protocol.Backend`. The
engine knows nothing else of a model.
"""
