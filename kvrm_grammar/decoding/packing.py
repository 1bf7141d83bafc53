"""Texts of any lengths -> rows of one length: several short ones share a row.

In: token IDs of each text. Out: what a backend reads, and where each text begins in it. A text sees
itself and nothing else of its row, and its positions count from 0, so that its hidden states are
those of a row of its own, whatever stands beside it. Texts of like length stay one a row, which
needs no mask of its own.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kvrm_grammar.decoding.masks import additive

__all__ = ["Rows", "arrange"]

# Shared rows have another mask each and are as many more shapes to prepare for, so a little
# padding is cheaper. Rows of 1.5 times the longest text have less padding than rows of its length.
_WORTH = 0.9
_LONGER = 1.5


@dataclass(frozen=True, eq=False)
class Rows:
    """What :meth:`~kvrm_grammar.decoding.protocol.Backend.hidden` reads. Immutable.

    Attributes:
        ids: Token IDs, 0 where there is no text; int64, shape (rows, length).
        positions: Of each token in its own text, from 0; int64, shape (rows, length).
        mask: 0 or very negative; float32, shape (rows, 1, length, length). None where every row is
            one text, for which the causal mask is right.
        starts: Row and column of each text's first token, in the texts' order; int64, shape (n, 2).
    """

    ids: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    mask: npt.NDArray[np.float32] | None
    starts: npt.NDArray[np.int64]


def arrange(texts: Sequence[Sequence[int]], *, share: bool = True) -> Rows:
    """Put texts into rows.

    Args:
        texts: Token IDs of each, at least one text, none empty.
        share: Whether texts may share a row.

    Returns:
        One text a row, or fewer and somewhat longer rows where that saves a tenth of what is read.

    >>> arrange([[7, 8, 9], [5], [6]]).starts.tolist()
    [[0, 0], [0, 3], [1, 0]]
    """
    lengths = [len(text) for text in texts]
    longest = max(lengths)
    starts = _best_fit(lengths, int(_LONGER * longest))
    ends = starts[:, 1] + lengths
    rows, length = int(starts[:, 0].max()) + 1, int(ends.max())
    share = share and rows * length <= _WORTH * len(texts) * longest
    if not share:
        rows, length = len(texts), longest
        starts = np.array([(number, 0) for number in range(rows)], dtype=np.int64)
    ids = np.zeros((rows, length), dtype=np.int64)
    # Padding is behind every token that counts, so in a row of one text what is causal is right.
    positions = np.arange(length)[None].repeat(rows, axis=0)
    for text, (row, start) in zip(texts, starts.tolist(), strict=True):
        ids[row, start : start + len(text)] = text
        positions[row, start : start + len(text)] = np.arange(len(text))
    return Rows(ids, positions, _mask(starts, lengths, ids) if share else None, starts)


def _best_fit(lengths: Sequence[int], length: int) -> npt.NDArray[np.int64]:
    """Row and column of each text: the longest first, each where it leaves the least room."""
    starts = np.zeros((len(lengths), 2), dtype=np.int64)
    rooms: list[tuple[int, int]] = []  # what is left of a row, and the row; ascending
    count = 0
    for number in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        place = bisect_left(rooms, (lengths[number], 0))
        if place == len(rooms):
            room, row = length, count
            count += 1
        else:
            room, row = rooms.pop(place)
        starts[number] = row, length - room
        insort(rooms, (room - lengths[number], row))
    return starts


def _mask(
    starts: npt.NDArray[np.int64], lengths: Sequence[int], ids: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Each token sees its text up to itself; padding sees padding, for something must be seen."""
    owner = np.full(ids.shape, -1, dtype=np.int32)
    for number, ((row, start), length) in enumerate(zip(starts.tolist(), lengths, strict=True)):
        owner[row, start : start + length] = number
    own = owner[:, :, None] == owner[:, None, :]
    own &= np.tril(np.ones(own.shape[1:], dtype=bool))
    return additive(own)
