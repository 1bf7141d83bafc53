"""A regular expression as an automaton over single bytes, to be walked from outside.

In: an expression without lookaround. Out: an :class:`Automaton`, which comparisons walk
(:mod:`kvrm_grammar.agreement`) and from which grammars are written
(:mod:`kvrm_grammar.language.formats.gbnf`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from outlines_core import Index, Vocabulary

from kvrm_grammar.errors import TokenIndexError

__all__ = ["Automaton", "compile_automaton"]

_END = 0


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
