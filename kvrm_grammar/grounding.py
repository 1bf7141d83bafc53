"""Instruction -> a narrower constraint: operands come from its own text.

In: the text of one instruction. Out: a :class:`GroundedLanguage`, a subset of the schema's
language: registers, values and labels that the text mentions. Values are the decimal
renderings of the literals in the text, so the model chooses a number and never converts
one. An operand kind that the text does not mention at all keeps the schema's freedom; one
that it mentions only as the dialect forbids (``R9``, ``067``, a number out of range) has no
members, so nothing is invented in its place. Which operation it is, and whether the text is one,
is left to the model.
"""

import json
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from kvrm_grammar.index import TokenIndex
from kvrm_grammar.isa import Isa, OperandKind
from kvrm_grammar.operations import INVALID, operation_to_json
from kvrm_grammar.vocabulary import TokenVocabulary

__all__ = ["GroundedLanguage", "Grounding", "mentions"]

# A letter of another script is part of its word: no half of it is a name.
_WORD = re.compile(r"[A-Za-z0-9_.$\u0080-\U0010ffff]+")
_LABEL = re.compile(r"[A-Za-z_.][A-Za-z0-9_.$]*")
# What names the operation, behind an optional label definition, is no operand.
_OPERATION = re.compile(r"[ \t]*(?:[A-Za-z_.][A-Za-z0-9_.$]*:[ \t]*)?[A-Za-z]+")
_LITERAL = re.compile(
    r"'(?P<character>\\.|[^\\])'"
    r"|(?P<sign>[-+]?)(?<![A-Za-z0-9_.$])(?:0[xX](?P<hexadecimal>[0-9A-Fa-f]+)"
    r"|0[bB](?P<binary>[01]+)|0[oO](?P<octal>[0-7]+)|(?P<decimal>0|[1-9][0-9]*))(?![A-Za-z0-9_.$])"
)
_BASES = {"hexadecimal": 16, "binary": 2, "octal": 8, "decimal": 10}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", "'": "'"}


def mentions(text: str, isa: Isa) -> dict[OperandKind, tuple[str, ...] | None]:
    """List what an instruction's text mentions, as JSON values.

    Args:
        text: What the model sees of the instruction.
        isa: Gives registers and ranges.

    Returns:
        For each operand kind its JSON values, in order of appearance, without repetition,
        only those that the schema allows; None where the text has nothing of that kind.

    >>> from kvrm_grammar.isa import load_isa
    >>> mentions("mov r5, 0x1F", load_isa())["immediate"]
    ('31',)
    """
    operation = _OPERATION.match(text)
    operands = text[operation.end() :] if operation else text
    words = _WORD.findall(operands)
    literals = list(_LITERAL.finditer(operands))
    numbers = [number for match in literals for number in _numbers(match)]
    numeric = bool(literals) or any(word[0].isdigit() for word in words)
    names = {register.upper() for register in isa.registers}
    stems = {name.rstrip(string.digits) for name in names}
    registers = [word.upper() for word in words if _is_reserved(word, stems)]
    labels = [word for word in words if _is_label(word, stems, isa.label_max_length)]
    low, high = isa.immediate
    first, last = isa.address
    values = [str(number) for number in numbers if low <= number <= high]
    addresses = [str(number) for number in numbers if first <= number <= last]
    return {
        "register": _unique(json.dumps(r) for r in registers if r in names) if registers else None,
        "immediate": _unique(values) if numeric else None,
        "target": _unique([*map(json.dumps, labels), *addresses]) if labels or numeric else None,
    }


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    """The number of a literal; a signed one also without its sign."""
    character = match["character"]
    if character is not None:
        if len(character) == 1:
            return (ord(character),)
        escaped = _ESCAPES.get(character[1])
        return () if escaped is None else (ord(escaped),)
    for name, base in _BASES.items():
        digits = match[name]
        if digits is not None:
            if len(digits) > 40:  # out of every range, and slow to convert
                return ()
            number = int(digits, base)
            return (-number, number) if match["sign"] == "-" else (number,)
    return ()


def _is_reserved(word: str, stems: set[str]) -> bool:
    """Whether a word has the form of a register, existing or not."""
    return word[0].upper() in stems and word[1:].isdigit()


def _is_label(word: str, stems: set[str], longest: int) -> bool:
    fits = _LABEL.fullmatch(word) is not None and len(word) <= longest
    return fits and not _is_reserved(word, stems)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


@dataclass(frozen=True)
class _Text:
    """A text of the language, or the beginning of one that goes on as the schema allows."""

    data: bytes
    open: bool


@dataclass(frozen=True, eq=False)
class Grounding:
    """What grounding needs of an instruction set and a vocabulary. Immutable, shared.

    Attributes:
        isa: The instruction set.
        index: The schema's language over the vocabulary.
        vocabulary: The bytes of the token IDs.
    """

    isa: Isa
    index: TokenIndex
    vocabulary: TokenVocabulary

    def language(self, text: str) -> "GroundedLanguage":
        """Ground one instruction.

        Args:
            text: What the model sees of it.

        Returns:
            Its language; never empty, ``OP_INVALID`` is always in it.
        """
        return GroundedLanguage(self, tuple(self._texts(mentions(text, self.isa))))

    def _texts(self, found: Mapping[OperandKind, tuple[str, ...] | None]) -> Iterable[_Text]:
        registers = tuple(json.dumps(name) for name in self.isa.registers)
        for opcode in self.isa.opcodes:
            head, closed = f'{{"key":"{opcode.key}","params":{{', True
            slots: list[tuple[str, ...]] = []
            for place, operand in enumerate(opcode.operands):
                name = f'{"," if place else ""}"{operand.name}":'
                values = found[operand.kind]
                if values is None and operand.kind == "register":
                    values = registers
                if values is None:  # the schema goes on from here
                    slots.append((name,))
                    closed = False
                    break
                slots.append(tuple(name + value for value in values))
            for parts in product(*slots):
                text = head + "".join(parts) + ("}}" if closed else "")
                yield _Text(text.encode(), not closed)
        yield _Text(operation_to_json(INVALID).encode(), False)

    @cached_property
    def ids_by_bytes(self) -> dict[bytes, list[int]]:
        """Token IDs by what they write; ASCII only, as the language is."""
        table: dict[bytes, list[int]] = {}
        for token_id, data in self.vocabulary.tokens.items():
            if data.isascii():
                table.setdefault(data, []).append(token_id)
        return table

    @cached_property
    def beginnings(self) -> frozenset[bytes]:
        """Every beginning of every token: where a search for tokens may stop."""
        return frozenset(
            data[:length] for data in self.ids_by_bytes for length in range(1, len(data) + 1)
        )

    @cached_property
    def longest(self) -> int:
        """Bytes of the longest token."""
        return max(map(len, self.ids_by_bytes))


class GroundedLanguage:
    """The answers that one instruction's own text allows, as an automaton.

    Mutable inside: states are numbered as they are met. Belongs to one request.

    Args:
        grounding: The shared tables.
        texts: Whole texts, and beginnings that the schema continues.
    """

    def __init__(self, grounding: Grounding, texts: tuple[_Text, ...]) -> None:
        self._grounding = grounding
        self._texts = texts
        start = (grounding.index.initial_state, tuple(range(len(texts))), 0)
        self._states: list[tuple[int, tuple[int, ...] | None, int]] = [start]
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
        if any(text.open for text in self._texts):
            return None
        return tuple(text.data.decode() for text in self._texts)

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

    def _search(self, index_state: int, live: tuple[int, ...], depth: int) -> set[int]:
        """All tokens that a live text goes on with."""
        tables, found = self._grounding, set[int]()
        window = depth + tables.longest
        for rest in {self._texts[i].data[depth:window] for i in live}:
            if not rest:
                found.add(self.eos_token_id)
            for length in range(1, len(rest) + 1):
                piece = rest[:length]
                if piece not in tables.beginnings:
                    break
                found.update(tables.ids_by_bytes.get(piece, ()))
        for i in live:
            rest = self._texts[i].data[depth:]
            if self._texts[i].open and rest in tables.beginnings:
                found.update(self._beyond(index_state, rest))
        return found

    def _beyond(self, index_state: int, rest: bytes) -> Iterable[int]:
        """Tokens that write the rest of a beginning and more, as the schema allows."""
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
        data = self._grounding.vocabulary.tokens[token_id]
        kept, end = [], depth + len(data)
        for i in live:
            text = self._texts[i]
            if text.open and end >= len(text.data) and data.startswith(text.data[depth:]):
                return self._number(following, None, 0)
            if text.data.startswith(data, depth):
                kept.append(i)
        return self._number(following, tuple(kept), end) if kept else None

    def _number(self, index_state: int, live: tuple[int, ...] | None, depth: int) -> int:
        self._states.append((index_state, live, depth))
        return len(self._states) - 1
