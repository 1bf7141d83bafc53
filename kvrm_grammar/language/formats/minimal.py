"""The smallest automaton of a finite language, as states that lead to earlier ones.

In: an expression whose language is finite. Out: :class:`State` after state, from which
:mod:`~kvrm_grammar.language.formats.gbnf` writes a rule each.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kvrm_grammar.errors import ConstraintError
from kvrm_grammar.language.automaton import Automaton, compile_automaton

__all__ = ["State", "minimal_states"]

# Stands behind every text, so that none is the beginning of another; and before it, because
# Outlines prepares for searching a text within another one too, which takes minutes where the
# beginning does not tell.
_LAST = ord("\n")


@dataclass(frozen=True)
class State:
    """What may follow a beginning of a text. Immutable and hashable.

    Attributes:
        ways: Bytes in ascending order, and the place of the state that all of them lead to; each
            state is led to once.
        may_end: Whether the text may end here.
    """

    ways: tuple[tuple[tuple[int, ...], int], ...]
    may_end: bool


def minimal_states(regex: str) -> tuple[State, ...]:
    """Find the states of the smallest deterministic automaton.

    Args:
        regex: Of a finite language without line ends.

    Returns:
        States, each leading to earlier ones alone: the first is the end, with no way on, the last
        is where a text begins. No two are equal.

    Raises:
        ConstraintError: The language is not finite.
        TokenIndexError: The expression is beyond Outlines' automaton.

    >>> minimal_states("(?:ab|b)")[-1].ways
    (((97,), 1), ((98,), 0))
    """
    automaton = compile_automaton(f"\n(?:{regex})\n")
    start = automaton.steps[automaton.initial][_LAST]
    places: dict[State, int] = {}
    place_of: dict[int, int] = {}
    for state in _each_after_those_behind_it(automaton, start):
        found = _merged(automaton.steps[state], place_of)
        place_of[state] = places.setdefault(found, len(places))
    return tuple(places)


def _each_after_those_behind_it(automaton: Automaton, start: int) -> Iterator[int]:
    """States that a text leads to, without the one behind its line end; not recursive."""
    waiting, entered, left = [start], set[int](), set[int]()
    while waiting:
        state = waiting[-1]
        if state not in entered:
            entered.add(state)
            behind = {after for byte, after in automaton.steps[state].items() if byte != _LAST}
            if any(after in entered and after not in left for after in behind):
                raise ConstraintError("a language without a longest text has no grammar here")
            waiting += behind - entered
            continue
        waiting.pop()
        if state not in left:
            left.add(state)
            yield state


def _merged(steps: Mapping[int, int], place_of: Mapping[int, int]) -> State:
    by_place: dict[int, list[int]] = {}
    for byte, after in sorted(steps.items()):
        if byte != _LAST:
            by_place.setdefault(place_of[after], []).append(byte)
    return State(tuple((tuple(own), place) for place, own in by_place.items()), _LAST in steps)
