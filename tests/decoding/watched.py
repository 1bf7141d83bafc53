"""A backend that tells what it reads, and a language that is listed: for tests of the engine."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kvrm_grammar.decoding.protocol import Backend

__all__ = ["Listed", "Watched"]


class Watched:
    """A backend that keeps what it is asked to read."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.shares_rows = backend.shares_rows
        self.scores = backend.scores
        self.read: list[tuple[int, int]] = []

    def hidden(self, ids: Any, positions: Any, mask: Any, places: Any) -> Any:
        self.read.append(ids.shape)
        return self._backend.hidden(ids, positions, mask, places)


class Listed:
    """A language of a few answers, all of the same length."""

    eos_token_id, max_tokens, initial_state = 0, 9, 0

    def __init__(self, members: Sequence[tuple[int, ...]]) -> None:
        self._beginnings: list[tuple[int, ...]] = [()]
        self._members = members
        for length in range(1, len(members[0]) + 1):
            self._beginnings += sorted({member[:length] for member in members})

    def allowed(self, state: int) -> Any:
        own = self._beginnings[state]
        after = {(*m, 0)[len(own)] for m in self._members if m[: len(own)] == own}
        return np.array(sorted(after))

    def next_state(self, state: int, token_id: int) -> int | None:
        longer = (*self._beginnings[state], token_id)
        return self._beginnings.index(longer) if longer in self._beginnings else None

    def naming(self, state: int) -> None:
        """Names are not told apart from what follows them."""

    def rest(self, state: int) -> tuple[int, ...] | None:
        own = self._beginnings[state]
        after = {member[len(own) :] for member in self._members if member[: len(own)] == own}
        return after.pop() if len(after) == 1 else None
