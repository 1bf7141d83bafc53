"""Which operation it is: names are compared whole, not token by token.

In: the choices along a name, each with what else was allowed there. Out: the name that is the most
probable as a whole, and how sure it is. Masking token by token walks into dead ends: what a name
that a text cannot have is given stays on its first token, which another name shares, and behind it
that one is normalised alone (see https://arxiv.org/abs/2405.21047). Here a name keeps the
probability that it has among *all* names, the impossible ones too. The greedy name is looked at
first, so that a draft saves what it saved; what was passed by is looked at wherever it could be
more probable. The order does not depend on the draft.
"""

import math
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kvrm_grammar.errors import DecodeError

__all__ = ["MAX_NAMES", "Naming", "Path", "Siblings"]

MAX_NAMES = 8
"""So many beginnings are looked at, at most; then the best name of those counts. For a trained
adapter it is nearly always the first; a model that finds all names alike would be asked about each
of them."""


class Siblings(NamedTuple):
    """All that was allowed at a place within a name. Immutable.

    Attributes:
        token_ids: Shape (n,), the chosen one included.
        log_probabilities: Natural logarithms, among all names, shape (n,).
        log_others: Of the sum of all but the chosen one; -inf where there is no other.
    """

    token_ids: npt.NDArray[np.int64]
    log_probabilities: npt.NDArray[np.float64]
    log_others: float


@dataclass(eq=False)
class Path:
    """A beginning of an answer. Mutable, owned by one row.

    Attributes:
        state: The language's state behind it.
        accepted: Its token IDs.
        log_name: Natural logarithm of its name's probability among all names, as far as written.
        doubts: Of all that the language has beside the name, along it: one for each choice.
        log_rest: Of what follows the name, each token among what was allowed there.
        drafted: Token IDs that were accepted from a draft.
        margin: Smallest difference of the two best scores behind the name.
        named: Whether the name is written, as far as it takes to tell it from all others.
        ended: Whether the answer is.
        error: Why there is none behind this name; within a name it is the whole request's.
    """

    state: int
    accepted: list[int]
    log_name: float = 0.0
    doubts: tuple[float, ...] = ()
    log_rest: float = 0.0
    drafted: int = 0
    margin: float = math.inf
    named: bool = False
    ended: bool = False
    error: DecodeError | None = None

    @property
    def log_share(self) -> float:
        """Of the name, beside all that begins otherwise and that the language has.

        What is not looked at counts as it begins, dead names included; so this does not depend on
        what was looked at, and is never more than the share among the names that there are. A
        language that ends a name early, as grounded ones do the refusal, has it count as it begins.
        """
        odds = sum(math.exp(min(doubt - self.log_name, 700.0)) for doubt in self.doubts)
        return -math.log1p(odds)


@dataclass(eq=False)
class _Place:
    """A place that a path went through."""

    path: Path  # as it was there
    taken: int
    siblings: Siblings

    def others(self) -> list[Path]:
        """The paths that it did not take, each with the token that is next for it."""
        before, (token_ids, logs, _) = self.path, self.siblings
        found = []
        for number, token_id in enumerate(token_ids.tolist()):
            if token_id == self.taken:
                continue
            doubt = before.log_name + float(np.logaddexp.reduce(np.delete(logs, number)))
            found.append(
                Path(
                    before.state,
                    [*before.accepted, token_id],
                    before.log_name + float(logs[number]),
                    (*before.doubts, doubt),
                    drafted=before.drafted,
                )
            )
        return found


@dataclass
class Naming:
    """The names of one row, as far as they were looked at. Mutable, owned by it."""

    _named: list[Path] = field(default_factory=list)
    _places: list[_Place] = field(default_factory=list)
    _open: list[tuple[float, int, Path]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)
    _rival: float = -math.inf  # most that a name could have which was not looked at
    _looked_at: int = 1

    def leaves(self, path: Path, token_id: int, second: float, siblings: Siblings) -> None:
        """Note what a path leaves aside, before it takes a token.

        Args:
            path: As it is yet.
            token_id: What it takes.
            second: Logarithm of the probability of the next best.
            siblings: All that was allowed.
        """
        before = Path(
            path.state, list(path.accepted), path.log_name, path.doubts, drafted=path.drafted
        )
        self._places.append(_Place(before, token_id, siblings))
        self._rival = max(self._rival, path.log_name + second)

    def finish(self, path: Path) -> None:
        """Note that a path's name is written."""
        self._named.append(path)

    def best(self) -> Path | None:
        """The path with the most probable name; None where another could be more probable."""
        best = max(self._named, key=lambda path: path.log_name)
        if self._rival <= best.log_name or self._looked_at >= MAX_NAMES:
            return best
        return None

    def other(self) -> Path:
        """What to look at next: a path whose last token is not followed yet."""
        for place in self._places:
            for path in place.others():
                heappush(self._open, (-path.log_name, next(self._numbers), path))
        self._places.clear()
        _, _, path = heappop(self._open)
        self._looked_at += 1
        self._rival = -self._open[0][0] if self._open else -math.inf
        return path

    def lead(self, path: Path) -> float:
        """By how much a name's logarithm is above that of the next beginning, at least.

        0 where one that was not looked at could be more probable.
        """
        others = [one.log_name for one in self._named if one is not path]
        return max(0.0, path.log_name - max([self._rival, *others]))
