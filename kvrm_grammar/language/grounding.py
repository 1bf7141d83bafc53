"""Instruction -> a narrower constraint: operands come from its own text.

In: what one instruction's text mentions. Out: a :class:`GroundedLanguage`, a subset of the schema's
language: names, integers and labels that the text mentions, each mention used once at
most. Values are the decimal renderings of the literals in the text, so the model chooses a
number and never converts one. An operand kind that the text does not mention at all keeps the
schema's freedom; one that it mentions only as the dialect forbids (``R9``, ``067``, a number
out of range) has no members, so nothing is invented in its place. An operation is left out
where the schema's freedom in one operand would go on into another that the text does mention. Which
operation it is, which operand has which role, and whether the text is an instruction at all, is
left to the model.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kvrm_grammar.isa import InstructionSet, Mentions
from kvrm_grammar.language.candidates import Candidates
from kvrm_grammar.language.index import TokenIndex
from kvrm_grammar.language.vocabulary import TokenVocabulary

__all__ = ["GroundedLanguage", "Grounding"]

_LAST = b"\xff"  # sorts behind every byte of JSON in ASCII


@dataclass(frozen=True, eq=False)
class Grounding:
    """What grounding needs of an instruction set and a vocabulary. Immutable, shared.

    Attributes:
        isa: The instruction set.
        index: The schema's language over the vocabulary.
        vocabulary: The bytes of the token IDs.
        shorthand: Whether two mentions of names may stand for three operands, the
            destination being the first source too.
    """

    isa: InstructionSet
    index: TokenIndex
    vocabulary: TokenVocabulary
    shorthand: bool = False

    def language(self, found: Mentions) -> "GroundedLanguage":
        """Ground one instruction.

        Args:
            found: What its text mentions, by domain.

        Returns:
            Its language; never empty, ``OP_INVALID`` is always in it.
        """
        return GroundedLanguage(self, *self._texts(found))

    def _texts(self, found: Mentions) -> tuple[list[str], list[str]]:
        return self._candidates.of(found)

    @cached_property
    def _candidates(self) -> Candidates:
        return Candidates(self.isa, self.shorthand)


class GroundedLanguage:
    """The answers that one instruction's own text allows, as an automaton.

    The texts are sorted, so those that share a beginning are neighbours: a state is a range
    of them and how far into them it is. Mutable inside: states are numbered as they are
    met. Belongs to one request.

    Args:
        grounding: The shared tables.
        whole: The texts, at least one.
        beginnings: Where the schema goes on; none is the beginning of another or of a text.
    """

    def __init__(
        self, grounding: Grounding, whole: Sequence[str], beginnings: Sequence[str] = ()
    ) -> None:
        self._grounding = grounding
        self._open = frozenset(text.encode() for text in beginnings)
        self._texts = sorted({*(text.encode() for text in whole), *self._open})
        # Index state, range of texts, depth in bytes; no range where the schema goes on alone.
        start = (grounding.index.initial_state, (0, len(self._texts)), 0)
        self._states: list[tuple[int, tuple[int, int] | None, int]] = [start]
        self._following: dict[tuple[int, int], int | None] = {}
        self._allowed: dict[int, npt.NDArray[np.int64]] = {}

    @property
    def eos_token_id(self) -> int:
        """The end token."""
        return self._grounding.index.eos_token_id

    @property
    def max_tokens(self) -> int:
        """No answer has more tokens, the end token included."""
        return self._grounding.index.max_tokens

    @property
    def initial_state(self) -> int:
        """The state before the first token."""
        return 0

    @property
    def texts(self) -> tuple[str, ...] | None:
        """All members, or None where the schema continues some of them."""
        return None if self._open else tuple(text.decode() for text in self._texts)

    @property
    def is_single(self) -> bool:
        """Whether there is one member only, so that nothing is left to choose."""
        return len(self._texts) == 1 and not self._open

    def allowed(self, state: int) -> npt.NDArray[np.int64]:
        """Token IDs that may come next, ascending, shape (n,)."""
        found = self._allowed.get(state)
        if found is None:
            index_state, live, depth = self._states[state]
            if live is None:
                found = self._grounding.index.allowed(index_state)
            else:
                found = np.array(sorted(self._search(index_state, live, depth)), dtype=np.int64)
            self._allowed[state] = found
        return found

    def next_state(self, state: int, token_id: int) -> int | None:
        """The state after a token; None where it is not allowed."""
        key = (state, token_id)
        if key not in self._following:
            self._following[key] = self._follow(state, token_id)
        return self._following[key]

    def _search(self, index_state: int, live: tuple[int, int], depth: int) -> list[int]:
        """All tokens that a live text goes on with."""
        texts, beginnings = self._texts, self._grounding.vocabulary.beginnings
        ids_by_bytes = self._grounding.vocabulary.ids_by_bytes
        found: list[int] = []
        pending = [(*live, depth)]
        while pending:
            low, high, end = pending.pop()
            text = texts[low]
            if end == len(text):  # it begins no other, so it is alone
                if text in self._open:
                    found += self._beyond(index_state, text[depth:])
                elif end == depth:
                    found.append(self.eos_token_id)
                continue
            while low < high:  # one round for each byte that may come next
                text = texts[low]
                piece = text[depth : end + 1]
                if texts[high - 1][end] == text[end]:
                    after = high
                else:
                    after = bisect_right(texts, text[: end + 1] + _LAST, low, high)
                if piece in beginnings:
                    found += ids_by_bytes.get(piece, ())
                    pending.append((low, after, end + 1))
                low = after
        return found

    def _beyond(self, index_state: int, rest: bytes) -> Iterable[int]:
        """Tokens that write the rest of a beginning and more, as the schema allows."""
        if not rest:
            yield from self._grounding.index.allowed(index_state).tolist()
            return
        tokens = self._grounding.vocabulary.tokens
        for token_id in self._grounding.index.allowed(index_state).tolist():
            data = tokens.get(token_id, b"")
            if len(data) > len(rest) and data.startswith(rest):
                yield token_id

    def _follow(self, state: int, token_id: int) -> int | None:
        index_state, live, depth = self._states[state]
        following = self._grounding.index.next_state(index_state, token_id)
        if following is None or token_id == self.eos_token_id:
            return None
        if live is None:
            return self._number(following, None, 0)
        texts = self._texts
        data = self._grounding.vocabulary.tokens[token_id]
        written = texts[live[0]][:depth] + data
        low = bisect_left(texts, written, *live)
        # A beginning that the token completes or goes beyond sorts at or just before it.
        for place in (low, low - 1):
            inside = live[0] <= place < live[1]
            if inside and texts[place] in self._open and written.startswith(texts[place]):
                return self._number(following, None, 0)
        high = bisect_right(texts, written + _LAST, low, live[1])
        return self._number(following, (low, high), depth + len(data)) if low < high else None

    def _number(self, index_state: int, live: tuple[int, int] | None, depth: int) -> int:
        self._states.append((index_state, live, depth))
        return len(self._states) - 1
