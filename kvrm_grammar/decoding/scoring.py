"""Scores of allowed tokens for many places at once: the best of each, and how sure.

In: hidden states at places, and for each place the token IDs that are allowed there. Out: a
:class:`~kvrm_grammar.decoding.acceptance.Choice` or an error for each. One table of the tokens that
are allowed anywhere, one gather, one masked log-softmax, one best and second best; no array is made
for a single place. Sums are float64: a difference below float32's resolution is no difference.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kvrm_grammar.decoding.acceptance import Choice
from kvrm_grammar.decoding.protocol import Backend
from kvrm_grammar.errors import DecodeError

__all__ = ["best_choices", "log_softmax"]

_FEW = 512  # places with so many allowed tokens or fewer are scored together
TokenIds = npt.NDArray[np.int64]


def best_choices(
    backend: Backend, vectors: npt.NDArray[np.float32], allowed: Sequence[TokenIds]
) -> list[Choice | DecodeError]:
    """The best allowed token at every place.

    Args:
        backend: Scores tokens.
        vectors: Hidden states, shape (n, hidden).
        allowed: For each its allowed token IDs, ascending, at least two.

    Returns:
        In order, the choice, or the error of a place whose scores are not numbers.
    """
    found: list[Choice | DecodeError | None] = [None] * len(allowed)
    sizes = np.array([len(ids) for ids in allowed], dtype=np.int64)
    for group in (np.flatnonzero(sizes <= _FEW), np.flatnonzero(sizes > _FEW)):
        if len(group):
            numbers = group.tolist()
            chosen = _chosen(backend, vectors[group], [allowed[i] for i in numbers], sizes[group])
            for place, choice in zip(numbers, chosen, strict=True):
                found[place] = choice
    return [choice for choice in found if choice is not None]


def log_softmax(scores: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Natural logarithms of probabilities over the last axis; -inf keeps its probability of 0."""
    exact = scores.astype(np.float64)
    with np.errstate(invalid="ignore"):
        exact -= exact.max(axis=-1, keepdims=True)
        result: npt.NDArray[np.float64] = exact - np.log(np.exp(exact).sum(axis=-1, keepdims=True))
    return result


def _chosen(
    backend: Backend,
    vectors: npt.NDArray[np.float32],
    allowed: Sequence[TokenIds],
    sizes: npt.NDArray[np.int64],
) -> list[Choice | DecodeError]:
    columns, where = np.unique(np.concatenate(allowed), return_inverse=True)
    counts = np.arange(int(sizes.max())) < sizes[:, None]  # (n, widest): which cells are filled
    index = np.zeros(counts.shape, dtype=np.int64)
    index[counts] = where
    scores = backend.scores(vectors, columns)  # (n, columns)
    picked = np.take_along_axis(scores, index, axis=1)
    picked[~counts] = -np.inf
    log_probabilities = log_softmax(picked)
    place = np.arange(len(picked))
    first = picked.argmax(axis=1)
    best, certainty = picked[place, first].copy(), log_probabilities[place, first]
    picked[place, first] = -np.inf
    with np.errstate(invalid="ignore"):
        margins = best.astype(np.float64) - picked.max(axis=1)
    bad = ~np.isfinite(best) | np.isnan(certainty)
    token_ids = columns[index[place, first]]
    return [
        DecodeError(f"the model's scores are {score}, not numbers")
        if wrong
        else Choice(token_id, log_probability, margin)
        for wrong, score, token_id, log_probability, margin in zip(
            bad.tolist(),
            best.tolist(),
            token_ids.tolist(),
            certainty.tolist(),
            margins.tolist(),
            strict=True,
        )
    ]
