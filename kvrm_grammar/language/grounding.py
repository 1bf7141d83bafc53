"""Instruction -> a narrower constraint: operands come from its own text.

In: what one instruction's text mentions. Out: a :class:`GroundedLanguage`, a finite subset of the
schema's language, all of its members listed: operands are names, integers and labels that the text
mentions, each used once at most, or values that a word of it implies for them. Values are the
decimal renderings of the literals in the text, so the model chooses a number and never converts
one. Nothing is invented: an operation of which the text does not mention enough has no member.
Which operation it is, which operand has which role, and whether the text is an instruction at all,
is left to the model.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.isa import (
    INVALID,
    INVALID_KEY,
    InstructionSet,
    Mentions,
    operation_to_json,
)
from kvrm_grammar.language.candidates import Candidates
from kvrm_grammar.language.index import TokenIndex
from kvrm_grammar.language.vocabulary import TokenVocabulary

__all__ = ["GroundedLanguage", "Grounding"]

_KEPT = 20_000  # rests of answers whose tokens are kept, about 10 MB
_State = tuple[int, int, int, int]  # first and last of a range, bytes written, bytes shared
_REFUSAL = operation_to_json(INVALID).encode()
_LAST = b"\xff"  # sorts behind every byte of JSON in ASCII


@dataclass(frozen=True, eq=False)
class Grounding:
    """What grounding needs of an instruction set and a vocabulary. Immutable, shared.

    Attributes:
        isa: The instruction set.
        index: The schema's language over the vocabulary.
        vocabulary: The bytes of the token IDs.
        shorthand: Whether one mention of a name may stand for two of three operands,
            the destination being the first source too.
    """

    isa: InstructionSet
    index: TokenIndex
    vocabulary: TokenVocabulary
    shorthand: bool = False

    def language(self, found: Mentions) -> "GroundedLanguage":
        """Ground one instruction.

        Args:
            found: What its text mentions and implies.

        Returns:
            Its language; never empty, ``OP_INVALID`` is always in it.
        """
        return GroundedLanguage(self, self._candidates.of(found))

    def tokens_of(self, rest: bytes) -> npt.NDArray[np.int64]:
        """Token IDs that a text may go on with, of which this rest is not written yet.

        The end token alone where nothing is left. Kept: answers begin and end alike.
        """
        found = self._kept.get(rest)
        if found is None:
            ids: list[int] = [] if rest else [self.vocabulary.eos_token_id]
            for end in range(1, len(rest) + 1):
                if rest[:end] not in self.vocabulary.beginnings:
                    break
                ids += self.vocabulary.ids_by_bytes.get(rest[:end], ())
            found = np.array(sorted(ids), dtype=np.int64)
            found.flags.writeable = False
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[rest] = found
        return found

    def written(self, rest: bytes) -> tuple[int, ...] | None:
        """A text in tokens, each the longest that fits; None where that comes to no end."""
        beginnings, ids_by_bytes = self.vocabulary.beginnings, self.vocabulary.ids_by_bytes
        found: list[int] = []
        start = 0
        while start < len(rest):
            longest = start
            for end in range(start + 1, len(rest) + 1):
                piece = rest[start:end]
                if piece not in beginnings:
                    break
                if piece in ids_by_bytes:
                    longest = end
            if longest == start:
                return None
            found.append(min(ids_by_bytes[rest[start:longest]]))
            start = longest
        return tuple(found)

    def is_told(self, written: bytes) -> bool:
        """Whether the beginning of an answer tells its operation from all others of the set."""
        low = bisect_left(self._names, written)
        return bisect_right(self._names, written + _LAST, low) - low < 2

    @cached_property
    def _names(self) -> list[bytes]:
        keys = [INVALID_KEY, *(opcode.key for opcode in self.isa.opcodes)]
        return sorted(f'{{"key":"{key}"'.encode() for key in keys)

    @cached_property
    def _kept(self) -> dict[bytes, npt.NDArray[np.int64]]:
        return {}

    @cached_property
    def _candidates(self) -> Candidates:
        return Candidates(self.isa, self.shorthand)


class GroundedLanguage:
    """The answers that one instruction's own text allows, as an automaton.

    The texts are sorted, so those that share a beginning are neighbours: a state is a range
    of them, how far into them it is, and how far they are the same. Mutable inside: states are
    numbered as they are met. Belongs to one request.

    Args:
        grounding: The shared tables.
        members: The texts, at least one, each in the schema's language; none begins another.
    """

    def __init__(self, grounding: Grounding, members: Sequence[str]) -> None:
        self._grounding = grounding
        self._texts = sorted({text.encode() for text in members})
        self._states = [self._state(0, len(self._texts), 0)]
        self._following: dict[tuple[int, int], int | None] = {}
        self._allowed: dict[int, npt.NDArray[np.int64]] = {}
        self._rests: dict[int, tuple[int, ...] | None] = {}
        self._in_schema: dict[int, int] = {}  # of states within a name
        self._note(0, grounding.index.initial_state)

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
    def texts(self) -> tuple[str, ...]:
        """All members, sorted."""
        return tuple(text.decode() for text in self._texts)

    @property
    def is_single(self) -> bool:
        """Whether there is one member only, so that nothing is left to choose."""
        return len(self._texts) == 1

    def allowed(self, state: int) -> npt.NDArray[np.int64]:
        """Token IDs that may come next, ascending, shape (n,)."""
        found = self._allowed.get(state)
        if found is None:
            low, high, depth, shared = self._states[state]
            rest = self._texts[low][depth:shared]
            if high - low == 1 or (rest and rest not in self._grounding.vocabulary.beginnings):
                found = self._grounding.tokens_of(rest)  # no token goes beyond what is shared
            else:
                found = np.array(sorted(self._search(low, high, depth)), dtype=np.int64)
            self._allowed[state] = found
        return found

    def next_state(self, state: int, token_id: int) -> int | None:
        """The state after a token; None where it is not allowed."""
        key = (state, token_id)
        if key not in self._following:
            after = self._following[key] = self._follow(state, token_id)
            if after is not None and state in self._in_schema:
                before = self._in_schema[state]
                self._note(after, self._grounding.index.next_state(before, token_id))
        return self._following[key]

    def naming(self, state: int) -> npt.NDArray[np.int64] | None:
        """What the schema allows, until the operation's name is told from all others of the set."""
        in_schema = self._in_schema.get(state)
        return None if in_schema is None else self._grounding.index.allowed(in_schema)

    def rest(self, state: int) -> tuple[int, ...] | None:
        """What is left to write where only one text is, in its longest tokens.

        None where there are several texts, where the set has other names that begin as that one's
        does so far, or where the longest tokens come to no end.
        """
        low, high, depth, _ = self._states[state]
        if high - low > 1:
            return None
        # The refusal alone takes along the names that begin as it does and that the text cannot
        # have: that one of those is meant speaks for it.
        only = self.is_single or self._texts[low] == _REFUSAL
        if not only and state in self._in_schema:
            return None
        if state not in self._rests:
            self._rests[state] = self._grounding.written(self._texts[low][depth:])
        return self._rests[state]

    def _note(self, state: int, in_schema: int | None) -> None:
        """Keep the schema's state beside one where an operation's name is still open."""
        low, _, depth, _ = self._states[state]
        if in_schema is not None and not self._grounding.is_told(self._texts[low][:depth]):
            self._in_schema[state] = in_schema

    def _search(self, low: int, high: int, depth: int) -> list[int]:
        """All tokens that a live text goes on with."""
        texts, beginnings = self._texts, self._grounding.vocabulary.beginnings
        ids_by_bytes = self._grounding.vocabulary.ids_by_bytes
        found: list[int] = []
        pending = [(low, high, depth)]
        while pending:
            low, high, end = pending.pop()
            if end == len(texts[low]):  # it begins no other, so it is alone
                if end == depth:
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

    def _follow(self, state: int, token_id: int) -> int | None:
        low, high, depth, shared = self._states[state]
        data = self._grounding.vocabulary.tokens.get(token_id)
        if data is None:  # the end token, or one that writes no text
            return None
        end = depth + len(data)
        if end <= shared:
            if self._texts[low][depth:end] != data:
                return None
            self._states.append((low, high, end, shared))
            return len(self._states) - 1
        written = self._texts[low][:depth] + data
        first = bisect_left(self._texts, written, low, high)
        behind = bisect_right(self._texts, written + _LAST, first, high)
        if first == behind:
            return None
        self._states.append(self._state(first, behind, end))
        return len(self._states) - 1

    def _state(self, low: int, high: int, depth: int) -> _State:
        """A range of texts, how many bytes of them are written, and how many they share."""
        first, last = self._texts[low], self._texts[high - 1]
        if high - low == 1:
            return low, high, depth, len(first)
        following = zip(first[depth:], last[depth:], strict=False)
        differing = (place for place, (one, other) in enumerate(following, depth) if one != other)
        return low, high, depth, next(differing)  # there is one, as none begins another
