"""A regular expression as an automaton over single bytes, to be walked from outside.

In: an expression without lookaround. Out: an :class:`Automaton`, which later comparisons walk, and
all words of a finite expression.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from outlines_core import Index, Vocabulary

from kvrm_grammar.errors import TokenIndexError

__all__ = ["Automaton", "compile_automaton", "finite_words"]

_END = 0
_MOST_WORDS, _LONGEST_WORD = 10_000, 64
# At the end of a word nothing follows, so what must not follow never does.
_NOT_BEHIND = re.compile(r"\(\?!\[(?:\\.|[^\]\\])*\]\)(?=\)*\Z)")


@dataclass(frozen=True, eq=False)
class Automaton:
    """States and what each byte leads to. Immutable.

    Attributes:
        initial: The state before the first byte.
        steps: By state and byte the next state; each state leads to an end.
        finals: Where a text may end.
    """

    initial: int
    steps: Mapping[int, Mapping[int, int]]
    finals: frozenset[int]

    def follow(self, state: int | None, text: str) -> int | None:
        """The state after a text; None where it is not allowed."""
        for byte in text.encode("utf-8", "surrogatepass"):
            if state is None:
                return None
            state = self.steps[state].get(byte)
        return state

    def accepts(self, text: str) -> bool:
        """Whether a text is in the language."""
        return self.follow(self.initial, text) in self.finals


def compile_automaton(regex: str) -> Automaton:
    """Compile an expression; no member may be the beginning of another.

    Args:
        regex: Without lookaround. (Outlines drops the way from a complete text to a longer one.)

    Raises:
        TokenIndexError: The expression is beyond Outlines' automaton.
    """
    vocabulary = Vocabulary(_END, {bytes([byte]): [byte + 1] for byte in range(256)})
    try:
        index = Index(regex, vocabulary)
    except ValueError as error:
        raise TokenIndexError(f"no automaton for {regex!r:.80}: {error}") from error
    steps = {
        state: {token - 1: after for token, after in following.items() if token != _END}
        for state, following in index.get_transitions().items()
    }
    return Automaton(index.get_initial_state(), steps, frozenset(index.get_final_states()))


def finite_words(pattern: str) -> frozenset[str] | None:
    """All words of an expression, exactly.

    The automaton is that of the expression without what must not follow a word; each word found is
    then asked of the expression itself.

    Args:
        pattern: As Python's :mod:`re` reads it.

    Returns:
        The words; None where there are more than 10,000, one is longer than 64 bytes, or the
        expression has other lookaround.

    >>> sorted(finite_words("(?:a|abc)(?![a-z])") or ())
    ['a', 'abc']
    """
    try:
        automaton = compile_automaton(f"(?:{_without_ends(pattern)})\n")
    except TokenIndexError:
        return None
    found: set[str] = set()
    pending = [(automaton.initial, b"")]
    while pending:
        state, written = pending.pop()
        if len(found) + len(pending) > _MOST_WORDS or len(written) > _LONGEST_WORD:
            return None
        for byte, after in automaton.steps[state].items():
            if byte == ord("\n") and after in automaton.finals:
                found.add(written.decode("utf-8"))
            else:
                pending.append((after, written + bytes([byte])))
    return frozenset(word for word in found if re.fullmatch(pattern, word))


def _without_ends(pattern: str) -> str:
    """The expression without what must not follow a word: no fewer words, perhaps more."""
    while (shorter := _NOT_BEHIND.sub("", pattern)) != pattern:
        pattern = shorter
    return pattern
