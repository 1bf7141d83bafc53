"""All words of a finite expression.

In: an expression as Python reads it. Out: its words, exactly, by way of its automaton.
"""

import re

from kvrm_grammar.errors import TokenIndexError
from kvrm_grammar.language.automaton import compile_automaton

__all__ = ["finite_words"]

_MOST_WORDS, _LONGEST_WORD = 10_000, 64
# At the end of a word nothing follows, so what must not follow never does.
_NOT_BEHIND = re.compile(r"\(\?!\[(?:\\.|[^\]\\])*\]\)(?=\)*\Z)")


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
