"""Exactly which integers an automaton writes from a state on: a proof without listing them.

In: an automaton, a state and the step of a domain. Out: the integers as progressions, however many
they are. Numerals of ``n`` digits behind a state are the numerals of ``n - 1`` digits behind its
followers, moved by the first digit; sets of them are kept as runs in steps, which join.
"""

from dataclasses import dataclass, field

from kvrm_grammar.language.automaton import Automaton

__all__ = ["Numerals", "Run"]

Run = tuple[int, int]
"""First and last of a progression."""

_DIGITS = tuple(map(ord, "0123456789"))
_AFTER = frozenset(map(ord, ",}"))
_LONGEST = 80


@dataclass
class Numerals:
    """Reads numerals off an automaton. Mutable inside: what was read is kept.

    Attributes:
        automaton: Of JSON: behind a number comes a comma or a brace.
        step: Of the progressions.
    """

    automaton: Automaton
    step: int = 1
    _known: dict[tuple[int, int], tuple[Run, ...]] = field(default_factory=dict, repr=False)

    def integers(self, state: int) -> tuple[tuple[Run, ...], tuple[str, ...]]:
        """List the integers that can be written.

        Args:
            state: Where a JSON value begins.

        Returns:
            Runs in ascending order, and what is wrong with how some are written: leading zeros, a
            minus sign before zero, or characters that are no digits.
        """
        signs = ((1, state), (-1, self.automaton.steps[state].get(ord("-"))))
        runs, problems = list[Run](), list[str]()
        for sign, start in signs:
            if start is None:
                continue
            for length in range(1, _LONGEST):
                least = 10 ** (length - 1) if length > 1 else int(sign < 0)
                own = self._behind(start, length)
                if own and own[0][0] < least:
                    problems.append(f"a number of {length} digits may begin with 0")
                runs += [(a, b) if sign > 0 else (-b, -a) for a, b in own]
            problems += self._strange(start, is_value=sign > 0)
        return self._joined(runs), tuple(problems)

    def _behind(self, state: int, length: int) -> tuple[Run, ...]:
        """What exactly ``length`` digits write that are then complete."""
        key = (state, length)
        if key not in self._known:
            runs: list[Run] = []
            for digit, byte in enumerate(_DIGITS):
                after = self.automaton.steps[state].get(byte)
                if after is None:
                    continue
                if length == 1:
                    runs += [(digit, digit)] * bool(self.automaton.steps[after].keys() & _AFTER)
                    continue
                moved = digit * 10 ** (length - 1)
                runs += [(a + moved, b + moved) for a, b in self._behind(after, length - 1)]
            self._known[key] = self._joined(runs)
        return self._known[key]

    def _joined(self, runs: list[Run]) -> tuple[Run, ...]:
        """Runs that go on with one another made one; equal remainders alone can."""
        joined: dict[int, list[Run]] = {}
        for first, last in sorted(runs):
            own = joined.setdefault(first % self.step, [])
            if own and own[-1][1] + self.step == first:
                own[-1] = (own[-1][0], last)
            else:
                own.append((first, last))
        return tuple(sorted(run for own in joined.values() for run in own))

    def _strange(self, start: int, *, is_value: bool) -> list[str]:
        """What may be written in a number and is no digit."""
        seen, pending, strange = {start}, [start], set[int]()
        while pending:
            state = pending.pop()
            following = self.automaton.steps[state]
            is_first = state == start
            known = {*_DIGITS, *(map(ord, '-"') if is_first and is_value else ())}
            strange |= following.keys() - known - (frozenset() if is_first else _AFTER)
            for byte in _DIGITS:
                after = following.get(byte)
                if after is not None and after not in seen:
                    seen.add(after)
                    pending.append(after)
        return [f"{chr(byte)!r} may stand in a number" for byte in sorted(strange)]
