"""Scores of allowed tokens for many places at once: the best of each, and how sure.

In: hidden states at places, and for each place the token IDs that are allowed there and, within a
name, those that they are weighed among. Out: a :class:`~kvrm_grammar.decoding.acceptance.Choice` or
an error for each. One table of all these tokens, one gather, one sum for each row, one best and
second best; no array is made for a single place. Sums are float64: a difference below float32's
resolution is no difference.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kvrm_grammar.decoding.acceptance import Choice
from kvrm_grammar.decoding.naming import Siblings
from kvrm_grammar.decoding.protocol import Backend
from kvrm_grammar.errors import DecodeError

__all__ = ["best_choices", "log_softmax"]

_FEW = 512  # places with so many allowed tokens or fewer are scored together
TokenIds = npt.NDArray[np.int64]


def best_choices(
    backend: Backend,
    vectors: npt.NDArray[np.float32],
    allowed: Sequence[TokenIds],
    among: Sequence[TokenIds | None],
) -> list[Choice | DecodeError]:
    """The best allowed token at every place.

    Args:
        backend: Scores tokens.
        vectors: Hidden states, shape (n, hidden).
        allowed: For each its allowed token IDs, ascending.
        among: For each, within a name, the token IDs among which they are weighed, the allowed
            ones included, ascending; else None.

    Returns:
        In order, the choice, or the error of a place whose scores are not numbers.
    """
    found: list[Choice | DecodeError | None] = [None] * len(allowed)
    widest = (ids if own is None else own for ids, own in zip(allowed, among, strict=True))
    sizes = np.array([len(ids) for ids in widest], dtype=np.int64)
    for group in (np.flatnonzero(sizes <= _FEW), np.flatnonzero(sizes > _FEW)):
        if len(group):
            numbers = group.tolist()
            chosen = _chosen(
                backend, vectors[group], [allowed[i] for i in numbers], [among[i] for i in numbers]
            )
            for place, choice in zip(numbers, chosen, strict=True):
                found[place] = choice
    return [choice for choice in found if choice is not None]


def log_softmax(scores: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Natural logarithms of probabilities over the last axis; -inf keeps its probability of 0."""
    with np.errstate(invalid="ignore"):
        result: npt.NDArray[np.float64] = scores.astype(np.float64) - _log_sums(scores)[..., None]
    return result


def _chosen(
    backend: Backend,
    vectors: npt.NDArray[np.float32],
    allowed: Sequence[TokenIds],
    among: Sequence[TokenIds | None],
) -> list[Choice | DecodeError]:
    named = [place for place, ids in enumerate(among) if ids is not None]
    # Rows of tokens: what is allowed at each place, and behind them what names are weighed among,
    # where that is more.
    more = {i: ids for i, ids in enumerate(among) if ids is not None and len(ids) > len(allowed[i])}
    columns, index, filled = _table([*allowed, *more.values()])
    scores = backend.scores(vectors, columns)  # (n, columns)
    owners = np.array([*range(len(allowed)), *more])
    table = scores[owners[:, None], index]  # (rows, widest)
    table[~filled] = -np.inf
    totals = _log_sums(table)
    picked, weights = table[: len(allowed)], totals[: len(allowed)].copy()
    weights[list(more)] = totals[len(allowed) :]
    place = np.arange(len(picked))
    first = picked.argmax(axis=1)
    best = picked[place, first].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = picked[named].astype(np.float64) - weights[named, None]
        picked[place, first] = -np.inf
        margins = best - picked.max(axis=1)
        certainty = best - weights
        others = _log_sums(picked[named]) - weights[named]  # of all but the best
    siblings: list[Siblings | None] = [None] * len(allowed)
    for number, own, log_others in zip(named, inside, others.tolist(), strict=True):
        ids = allowed[number]
        siblings[number] = Siblings(ids, own[: len(ids)], log_others)
    bad = ~np.isfinite(best) | np.isnan(certainty)
    return [
        DecodeError(f"the model's scores are {score}, not numbers")
        if wrong
        else Choice(token_id, log_probability, margin, own)
        for wrong, score, token_id, log_probability, margin, own in zip(
            bad.tolist(),
            best.tolist(),
            columns[index[place, first]].tolist(),
            certainty.tolist(),
            margins.tolist(),
            siblings,
            strict=True,
        )
    ]


def _table(rows: Sequence[TokenIds]) -> tuple[TokenIds, TokenIds, npt.NDArray[np.bool_]]:
    """All tokens of some rows, ascending; where each row's are among them, and which are filled."""
    columns, where = np.unique(np.concatenate(rows), return_inverse=True)
    sizes = np.array([len(ids) for ids in rows])
    filled = np.arange(int(sizes.max())) < sizes[:, None]
    index = np.zeros(filled.shape, dtype=np.int64)
    index[filled] = where
    return columns, index, filled


def _log_sums(scores: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Natural logarithms of the sums of exponentials over the last axis."""
    exact = scores.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        most = exact.max(axis=-1, keepdims=True)
        most[most == -np.inf] = 0.0
        found: npt.NDArray[np.float64] = np.log(np.exp(exact - most).sum(axis=-1)) + most[..., 0]
    return found
