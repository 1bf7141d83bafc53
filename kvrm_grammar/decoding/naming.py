"""Which operation it is: names are compared whole, not token by token.

In: the choices along a name, each with what else was allowed there. Out: the name that is the most
probable as a whole, and its share of all that the language has. Masking token by token walks into
dead ends: the probability of a name that a text cannot have stays on its first token, which another
name shares, and behind it that one is normalised alone (see https://arxiv.org/abs/2405.21047). Here
a name keeps the probability that it has among *all* names, the impossible ones too. The greedy name
is looked at first, so a draft saves as much as ever; what was passed by is looked at wherever it
could be more probable.
"""

import math
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Naming", "Path", "Siblings"]


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
        log_rest: Of what follows the name, each token among what was allowed there.
        drafted: Token IDs that were accepted from a draft.
        margin: Smallest difference of the two best scores behind the name.
        named: Whether the name is written.
        ended: Whether the answer is.
    """

    state: int
    accepted: list[int]
    log_name: float = 0.0
    log_rest: float = 0.0
    drafted: int = 0
    margin: float = math.inf
    named: bool = False
    ended: bool = False


@dataclass(eq=False)
class _Passed:
    """A place that a path went through."""

    before: tuple[int, ...]
    state: int
    log_before: float
    taken: int
    siblings: Siblings


@dataclass
class Naming:
    """The names of one row, as far as they were looked at. Mutable, owned by it."""

    _named: list[Path] = field(default_factory=list)
    _passed: list[_Passed] = field(default_factory=list)
    _open: list[tuple[float, tuple[int, ...], int, int]] = field(default_factory=list)
    _rival: float = -math.inf  # most that a name could have which was passed by

    def passes(self, path: Path, token_id: int, second: float, siblings: Siblings) -> None:
        """Note what a path leaves aside, before it takes a token.

        Args:
            path: As it is yet.
            token_id: What it takes.
            second: Logarithm of the probability of the next best.
            siblings: All that was allowed.
        """
        self._passed.append(
            _Passed(tuple(path.accepted), path.state, path.log_name, token_id, siblings)
        )
        self._rival = max(self._rival, path.log_name + second)

    def found(self, path: Path) -> None:
        """Note that a path's name is written."""
        self._named.append(path)

    @property
    def best(self) -> Path | None:
        """The path with the most probable name; None where another could be more probable."""
        best = max(self._named, key=lambda path: path.log_name)
        return best if self._rival <= best.log_name else None

    def other(self) -> tuple[int, tuple[int, ...], int, float]:
        """What to look at next: a state, the tokens before it, one that follows, its logarithm."""
        for place in self._passed:
            ids, logs = place.siblings.token_ids.tolist(), place.siblings.log_probabilities.tolist()
            for token_id, own in zip(ids, logs, strict=True):
                if token_id != place.taken:
                    heappush(
                        self._open,
                        (-place.log_before - own, place.before, token_id, place.state),
                    )
        self._passed.clear()
        cost, before, token_id, state = heappop(self._open)
        self._rival = -self._open[0][0] if self._open else -math.inf
        return state, before, token_id, -cost

    def share(self, path: Path) -> tuple[float, float]:
        """How sure a name is.

        Returns:
            Natural logarithm of its probability among the names that the language has, and
            by how much it is above the next one's.
        """
        others = [one.log_name for one in self._named if one is not path]
        margin = path.log_name - max([self._rival, *others])
        others += [place.log_before + place.siblings.log_others for place in self._passed]
        others += [-cost for cost, *_ in self._open]
        odds = sum(math.exp(min(own - path.log_name, 700.0)) for own in others)
        return -math.log1p(odds), margin
