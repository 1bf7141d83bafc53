"""The answers' language once more, byte by byte, written from each set's table alone.

In: nothing of the package. Out: :class:`Oracle`, a deterministic automaton over bytes whose
states are small tuples, and a table for each set that tests know. It shares no code and no data
with the constraint: names, order, bounds and rules stand here a second time, and proofs compare
the two.
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

__all__ = ["KVRM", "SCAFFOLD", "TABLES", "ZETA", "Kind", "Oracle", "State", "Table"]

# A part is bytes that must come, or the name of an operand's kind.
Part = bytes | str
Tail = tuple[Part, ...]
State = tuple[object, ...]

_LETTERS = string.ascii_letters


@dataclass(frozen=True)
class Kind:
    """What one kind of operand may be."""

    names: tuple[str, ...] = ()
    low: int = 0
    high: int = -1  # below `low`: no integers
    step: int = 1
    longest_label: int = 0


@dataclass(frozen=True)
class Table:
    """One set: operations with their parameters in order, kinds, and what a label is."""

    operations: Mapping[str, tuple[tuple[str, str], ...]]
    kinds: Mapping[str, Kind]
    first: str
    rest: str
    reserved: frozenset[str] = frozenset()  # no label is one of these …
    stems: str = ""  # … or one of these letters with digits alone behind it


_ALU = (("dest", "register"), ("src1", "register"), ("src2", "register"))
KVRM = Table(
    operations={
        "OP_MOV_REG_IMM": (("dest", "register"), ("value", "immediate")),
        "OP_MOV_REG_REG": (("dest", "register"), ("src", "register")),
        "OP_ADD": _ALU,
        "OP_SUB": _ALU,
        "OP_MUL": _ALU,
        "OP_INC": (("dest", "register"),),
        "OP_DEC": (("dest", "register"),),
        "OP_CMP": (("src1", "register"), ("src2", "register")),
        "OP_JMP": (("addr", "target"),),
        "OP_JZ": (("addr", "target"),),
        "OP_JNZ": (("addr", "target"),),
        "OP_JS": (("addr", "target"),),
        "OP_JNS": (("addr", "target"),),
        "OP_HALT": (),
        "OP_NOP": (),
        "OP_INVALID": (),
    },
    kinds={
        "register": Kind(names=("R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7")),
        "immediate": Kind(low=-2147483648, high=2147483647),
        "target": Kind(low=0, high=2147483647, longest_label=64),
    },
    first=_LETTERS + "_.",
    rest=_LETTERS + string.digits + "_.$",
    stems="Rr",
)
ZETA = Table(
    operations={
        "OP_PLUS": (("rd", "register"), ("rs1", "register"), ("rs2", "register")),
        "OP_PLUSI": (("rd", "register"), ("rs1", "register"), ("imm", "imm12")),
        "OP_SHIFT": (("rd", "register"), ("rs1", "register"), ("shamt", "shamt")),
        "OP_FETCH": (("rd", "register"), ("offset", "imm12"), ("rs1", "register")),
        "OP_LINK": (("rd", "register"), ("target", "target")),
        "OP_BEEP": (),
        "OP_INVALID": (),
    },
    kinds={
        "register": Kind(names=("zero", "ra", "sp", "a0", "a1", "a2", "a3", "s0", "s1")),
        "imm12": Kind(low=-2048, high=2047),
        "shamt": Kind(low=0, high=31),
        "target": Kind(low=0, high=4294967294, step=2, longest_label=16),
    },
    first=_LETTERS + "_.",
    rest=_LETTERS + string.digits + "_.$",
    reserved=frozenset("zero ra sp a0 a1 a2 a3 s0 s1 fp x10 x0 x1".split()),
)
SCAFFOLD = Table(
    operations={
        "OP_ON": (("lamp", "lamp"),),
        "OP_DIM": (("lamp", "lamp"), ("level", "level")),
        "OP_AGAIN": (("place", "place"),),
        "OP_INVALID": (),
    },
    kinds={
        "lamp": Kind(names=("hall", "kitchen", "porch")),
        "level": Kind(low=0, high=100),
        "place": Kind(low=0, high=999, longest_label=16),
    },
    first=string.ascii_lowercase,
    rest=string.ascii_lowercase + string.digits + "_",
    reserved=frozenset("hall entrance kitchen porch".split()),
)
TABLES: Mapping[str, Table] = {"kvrm": KVRM, "zeta": ZETA, "scaffold": SCAFFOLD}


class Oracle:
    """The automaton of a table. A state is what may still come, so equal futures are equal."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.start: State = ("any", tuple(self._tail(key) for key in table.operations), 0)
        self.step = cache(self._step)
        self._alive = cache(self._can_end)

    def _tail(self, key: str) -> Tail:
        parts: list[Part] = [f'{{"key":"{key}","params":{{'.encode()]
        for place, (name, kind) in enumerate(self._table.operations[key]):
            parts += [f'{"," if place else ""}"{name}":'.encode(), kind]
        return (*parts, b"}}")

    @staticmethod
    def accepts(state: State) -> bool:
        """Whether a text that leads here is whole."""
        return state == ("end",)

    def walk(self, text: bytes) -> State | None:
        """Follow a text from the start."""
        state: State | None = self.start
        for byte in text:
            if state is None:
                return None
            state = self.step(state, byte)
        return state

    def _step(self, state: State, byte: int) -> State | None:
        """Follow one byte; None where no text goes on with it."""
        match state[0]:
            case "any":
                return self._first_literal(state[1], state[2], byte)  # type: ignore[arg-type]
            case "literal":
                _, tail, offset = state
                literal = tail[0]  # type: ignore[index]
                if literal[offset] != byte:
                    return None
                return self._after(tail, offset + 1)  # type: ignore[arg-type, operator]
            case "operand":
                return self._operand(state, byte)
            case "names":
                return self._names(state[1], state[2], state[3], byte)  # type: ignore[arg-type]
            case "number":
                return self._number(state, byte)
            case "label":
                return self._label(state, byte)
        return None  # the end

    def _first_literal(self, tails: tuple[Tail, ...], offset: int, byte: int) -> State | None:
        """All operations begin alike: several remain possible until their names part."""
        left = tuple(t for t in tails if t[0][offset] == byte)
        if not left:
            return None
        if len(left) == 1:
            return self._after(left[0], offset + 1)
        return ("any", left, offset + 1)

    def _after(self, tail: Tail, offset: int) -> State:
        """Behind a byte of a literal: more of it, or the next part. Only what may come is kept."""
        literal = tail[0]
        assert isinstance(literal, bytes)
        if offset < len(literal):
            return ("literal", (literal[offset:], *tail[1:]), 0)
        return self._begin(tail[1:])

    @staticmethod
    def _begin(tail: Tail) -> State:
        if not tail:
            return ("end",)
        if isinstance(tail[0], bytes):
            return ("literal", tail, 0)
        return ("operand", tail[1:], tail[0])

    def _operand(self, state: State, byte: int) -> State | None:
        """The first byte of an operand decides what it is: a name, a number or a label."""
        _, tail, kind = state
        own = self._table.kinds[str(kind)]
        if byte == ord('"'):
            if own.names:
                return ("names", tail, tuple(f'{name}"'.encode() for name in own.names), 0)
            return ("label", tail, kind, 0, "") if own.longest_label else None
        if byte == ord("-") and own.low < 0:
            return ("number", tail, kind, "-", "", 0, 0)
        return self._number(("number", tail, kind, "", "", 0, 0), byte)

    def _names(self, tail: Tail, left: tuple[bytes, ...], offset: int, byte: int) -> State | None:
        left = tuple(name for name in left if name[offset] == byte)
        if not left:
            return None
        if len(left) == 1 and offset + 1 == len(left[0]):
            return self._begin(tail)
        return ("names", tail, left, offset + 1)

    def _number(self, state: State, byte: int) -> State | None:
        """State: tail, kind, sign, comparison with the bound's beginning, digits, remainder."""
        _, tail, kind, sign, compared, count, remainder = state
        assert isinstance(tail, tuple) and isinstance(count, int) and isinstance(remainder, int)
        own = self._table.kinds[str(kind)]
        if byte not in b"0123456789":
            finished = count and remainder == 0
            return self.step(self._begin(tail), byte) if finished else None
        bound = str(-own.low if sign else own.high).encode()
        if compared == "zero" or count >= len(bound) or own.high < own.low:
            return None
        if count == 0 and byte == ord("0"):
            return None if sign else ("number", tail, kind, sign, "zero", 1, 0)
        if compared in ("", "equal"):
            limit = bound[count]
            compared = "less" if byte < limit else "equal" if byte == limit else "greater"
        if count + 1 == len(bound) and compared == "greater":
            return None
        remainder = (10 * remainder + byte - ord("0")) % own.step
        following: State = ("number", tail, kind, sign, compared, count + 1, remainder)
        return following if self._alive(following) else None

    def _can_end(self, state: State) -> bool:
        """Whether some digits more, or none, make a number that may stand here."""
        if state[6] == 0:
            return True
        return any(self._number(state, digit) is not None for digit in b"0123456789")

    def _label(self, state: State, byte: int) -> State | None:
        """State: tail, kind, length, and what is written while it could still be reserved."""
        _, tail, kind, length, shape = state
        assert isinstance(length, int) and isinstance(tail, tuple) and isinstance(shape, str)
        table, longest = self._table, self._table.kinds[str(kind)].longest_label
        if byte == ord('"'):
            return self._begin(tail) if length and not self._is_reserved(shape) else None
        if length == longest or chr(byte) not in (table.rest if length else table.first):
            return None
        written = shape + chr(byte) if shape != "free" else "free"
        if not self._may_be_reserved(written):
            written = "free"
        elif self._is_numbered(written):
            written = written[0] + "0"  # which digits they are does not matter
        if self._is_reserved(written) and length + 1 == longest:
            return None  # neither a closing quote nor another character may follow
        return ("label", tail, kind, length + 1, written)

    def _is_numbered(self, word: str) -> bool:
        return word[:1] in tuple(self._table.stems) and word[1:].isdigit()

    def _is_reserved(self, word: str) -> bool:
        return word in self._table.reserved or self._is_numbered(word)

    def _may_be_reserved(self, word: str) -> bool:
        begins = any(name.startswith(word) for name in self._table.reserved)
        return begins or word in tuple(self._table.stems) or self._is_numbered(word)
