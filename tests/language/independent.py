"""The answers' language once more, byte by byte, written from the dialect's table alone.

In: nothing of the package. Out: :class:`Oracle`, a deterministic automaton over bytes whose
states are small tuples. It shares no code and no data with the constraint: names, order,
bounds and rules stand here a second time, and proofs compare the two.
"""

import string
from functools import cache

# A part is bytes that must come, or the name of an operand's kind.
Part = bytes | str
Tail = tuple[Part, ...]
State = tuple[object, ...]

_TABLE: dict[str, tuple[tuple[str, str], ...]] = {
    "OP_MOV_REG_IMM": (("dest", "register"), ("value", "immediate")),
    "OP_MOV_REG_REG": (("dest", "register"), ("src", "register")),
    "OP_ADD": (("dest", "register"), ("src1", "register"), ("src2", "register")),
    "OP_SUB": (("dest", "register"), ("src1", "register"), ("src2", "register")),
    "OP_MUL": (("dest", "register"), ("src1", "register"), ("src2", "register")),
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
}
_POSITIVE, _NEGATIVE = b"2147483647", b"2147483648"
_START = frozenset((string.ascii_letters + "_.").encode())
_GO_ON = frozenset((string.ascii_letters + string.digits + "_.$").encode())
_LONGEST = 64


def _tail(key: str) -> Tail:
    parts: list[Part] = [f'{{"key":"{key}","params":{{'.encode()]
    for place, (name, kind) in enumerate(_TABLE[key]):
        parts += [f'{"," if place else ""}"{name}":'.encode(), kind]
    return (*parts, b"}}")


class Oracle:
    """The automaton. A state is what may still come, so equal futures are equal states."""

    start: State = ("any", tuple(_tail(key) for key in _TABLE), 0)

    @staticmethod
    def accepts(state: State) -> bool:
        """Whether a text that leads here is whole."""
        return state == ("end",)

    @staticmethod
    @cache
    def step(state: State, byte: int) -> State | None:
        """Follow one byte; None where no text goes on with it."""
        kind = state[0]
        if kind == "any":
            _, tails, offset = state
            return _first_literal(tails, offset, byte)  # type: ignore[arg-type]
        if kind == "literal":
            _, tail, offset = state
            literal = tail[0]  # type: ignore[index]
            if literal[offset] != byte:
                return None
            return _after(tail, offset + 1)  # type: ignore[arg-type, operator]
        if kind == "register":
            return _register(state[1], state[2], byte)  # type: ignore[arg-type]
        if kind == "number":
            return _number(state, byte)
        if kind == "label":
            return _label(state, byte)
        return None  # the end

    @classmethod
    def walk(cls, text: bytes) -> State | None:
        """Follow a text from the start."""
        state: State | None = cls.start
        for byte in text:
            if state is None:
                return None
            state = cls.step(state, byte)
        return state


def _first_literal(tails: tuple[Tail, ...], offset: int, byte: int) -> State | None:
    """All operations begin alike: several remain possible until their names part."""
    left = tuple(t for t in tails if t[0][offset] == byte)
    if not left:
        return None
    if len(left) == 1:
        return _after(left[0], offset + 1)
    return ("any", left, offset + 1)


def _after(tail: Tail, offset: int) -> State:
    """Behind a byte of a literal: more of it, or the next part. Only what may come is kept."""
    literal = tail[0]
    assert isinstance(literal, bytes)
    if offset < len(literal):
        return ("literal", (literal[offset:], *tail[1:]), 0)
    return _begin(tail[1:])


def _begin(tail: Tail) -> State:
    if not tail:
        return ("end",)
    if isinstance(tail[0], bytes):
        return ("literal", tail, 0)
    if tail[0] == "register":
        return ("register", tail[1:], 0)
    return ("number", tail[1:], "immediate" if tail[0] == "immediate" else "target", "", "", 0)


def _register(tail: Tail, offset: int, byte: int) -> State | None:
    allowed = (b'"', b"R", b"01234567", b'"')[offset]
    if byte not in allowed:
        return None
    return ("register", tail, offset + 1) if offset < 3 else _begin(tail)


def _number(state: State, byte: int) -> State | None:
    """State: tail, kind, sign, comparison with the bound's beginning, digits so far."""
    _, tail, kind, sign, compared, count = state
    assert isinstance(tail, tuple) and isinstance(count, int)
    if count == 0 and not sign:
        if byte == ord('"') and kind == "target":
            return ("label", tail, 0, "")
        if byte == ord("-") and kind == "immediate":
            return ("number", tail, kind, "-", "", 0)
    if byte in b"0123456789":
        if compared == "zero" or (count == 0 and byte == ord("0") and sign):
            return None
        if count == 0 and byte == ord("0"):
            return ("number", tail, kind, sign, "zero", 1)
        bound = _NEGATIVE if sign else _POSITIVE
        if count >= len(bound):
            return None
        if compared in ("", "equal"):
            own = bound[count]
            compared = "less" if byte < own else "equal" if byte == own else "greater"
        if count + 1 == len(bound) and compared == "greater":
            return None
        return ("number", tail, kind, sign, compared, count + 1)
    if count == 0:
        return None
    following = _begin(tail)
    return Oracle.step(following, byte)


def _label(state: State, byte: int) -> State | None:
    """State: tail, length, and whether it could still be a reserved name."""
    _, tail, length, shape = state
    assert isinstance(length, int) and isinstance(tail, tuple)
    if byte == ord('"'):
        return _begin(tail) if length and shape != "reserved" else None
    if length == _LONGEST or byte not in (_GO_ON if length else _START):
        return None
    digit = byte in b"0123456789"
    if length == 0:
        shape = "r" if byte in b"Rr" else "free"
    elif shape in ("r", "reserved"):
        shape = "reserved" if digit else "free"
    if shape == "reserved" and length + 1 == _LONGEST:
        return None  # neither a closing quote nor another character may follow
    return ("label", tail, length + 1, shape)
