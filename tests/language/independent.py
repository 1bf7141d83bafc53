"""The answers' language once more, byte by byte, written from a table by hand.

In: a table of an instruction set, nothing of the package. Out: :class:`Oracle`, a deterministic
automaton over bytes whose states are small tuples. It shares no code and no data with the
constraint, and proofs compare the two.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import cast

from tests.language.tables import Label, Table, Whole

__all__ = ["Oracle", "State"]

# A part is bytes that must come, or an operand as its place in the table's list of operands.
Part = bytes | int
Tail = tuple[Part, ...]
State = tuple[object, ...]
# Smallest and largest number that the digits to come may write, and what those before them leave
# when they are divided by the step.
Span = tuple[int, int, int]
# A span for each number of digits to come, from none on; None where so many may not come.
Spans = tuple[Span | None, ...]
# Characters so far, what is left of each reserved name, and whether a letter of a family or one
# and digits is all that there is.
Written = tuple[int, tuple[str, ...], str]


class Oracle:
    """The automaton. A state is what may still come, so equal futures are equal states.

    Args:
        table: Which instruction set.
    """

    start: State
    step: Callable[[State, int], State | None]
    """Follow one byte; None where no text goes on with it."""

    def __init__(self, table: Table) -> None:
        every = (one for operands in table.operations.values() for _, one in operands)
        self._operands = list(dict.fromkeys(every))
        self.start = ("any", tuple(self._tail(key, table) for key in table.operations), 0)
        self.step = cache(self._step)

    def accepts(self, state: State) -> bool:
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

    def _tail(self, key: str, table: Table) -> Tail:
        parts: list[Part] = [f'{{"key":"{key}","params":{{'.encode()]
        for place, (name, operand) in enumerate(table.operations[key]):
            parts += [f'{"," if place else ""}"{name}":'.encode(), self._operands.index(operand)]
        return (*parts, b"}}")

    def _step(self, state: State, byte: int) -> State | None:
        kind = state[0]
        if kind == "any":
            return self._first(cast("tuple[Tail, ...]", state[1]), cast(int, state[2]), byte)
        if kind == "end":
            return None
        tail = cast(Tail, state[1])
        if kind == "literal":
            return self._after(tail, 1) if cast(bytes, tail[0])[0] == byte else None
        if kind == "operand":
            return self._operand(tail, byte)
        if kind == "quoted":
            return self._quoted(tail, state[2:], byte)
        return self._number(tail, state[2:], byte)

    def _first(self, tails: tuple[Tail, ...], offset: int, byte: int) -> State | None:
        """All operations begin alike: several remain possible until their names part."""
        left = tuple(tail for tail in tails if cast(bytes, tail[0])[offset] == byte)
        if len(left) == 1:
            return self._after(left[0], offset + 1)
        return ("any", left, offset + 1) if left else None

    def _after(self, tail: Tail, offset: int) -> State:
        """Behind a byte of a literal: more of it, or the next part. Only what may come is kept."""
        literal = cast(bytes, tail[0])[offset:]
        return self._begin((literal, *tail[1:]) if literal else tail[1:])

    def _begin(self, tail: Tail) -> State:
        if not tail:
            return ("end",)
        return ("literal" if isinstance(tail[0], bytes) else "operand", tail)

    def _operand(self, tail: Tail, byte: int) -> State | None:
        """The first byte of an operand tells what it is."""
        place, rest = cast(int, tail[0]), tail[1:]
        names, whole, label = (one := self._operands[place]).names, one.whole, one.label
        if byte == ord('"') and (names or label):
            return ("quoted", rest, place, names, label and (0, tuple(sorted(label.reserved)), ""))
        if whole is None:
            return None
        if byte == ord("-"):
            spans = _spans(max(1, -whole.high), -whole.low, whole.step)
            return ("number", rest, place, True, spans) if any(spans) else None
        spans = _spans(max(0, whole.low), whole.high, whole.step)
        # Nothing may follow a zero in front.
        spans = spans[:2] if byte == ord("0") else spans
        return self._number(rest, (place, True, spans), byte)

    def _number(self, tail: Tail, state: State, byte: int) -> State | None:
        """A digit, or what stands behind the number."""
        place, first, spans = cast(int, state[0]), cast(bool, state[1]), cast(Spans, state[2])
        if byte in b"0123456789":
            left = _behind(spans, byte - ord("0"), cast(Whole, self._operands[place].whole).step)
            return ("number", tail, place, False, left) if left else None
        return self.step(self._begin(tail), byte) if spans[0] and not first else None

    def _quoted(self, tail: Tail, state: State, byte: int) -> State | None:
        """A name or a label: what is left of each name, and how far a label may still go."""
        place, names = cast(int, state[0]), cast("tuple[str, ...]", state[1])
        written = cast("Written | None", state[2])
        if byte == ord('"'):
            is_label = written is not None and written[0] > 0 and not _is_reserved(written)
            return self._begin(tail) if is_label or "" in names else None
        names = _left(names, chr(byte))
        if written is not None:
            written = _longer(written, cast(Label, self._operands[place].label), chr(byte))
        return ("quoted", tail, place, names, written) if names or written else None


def _spans(low: int, high: int, step: int) -> Spans:
    """All numbers from ``low`` to ``high``, none of them with a zero in front."""
    spans: list[Span | None] = [None]
    for count in range(1, len(str(high)) + 1):
        least = 10 ** (count - 1) if count > 1 else 0
        spans.append(_span(max(low, least), min(high, 10**count - 1), 0, step))
    return tuple(spans)


def _behind(spans: Spans, digit: int, step: int) -> Spans:
    """What may still come behind one more digit; nothing where no number has it there."""
    left: list[Span | None] = []
    for count, span in enumerate(spans[1:]):  # so many digits will come behind this one
        if span is None:
            left.append(None)
            continue
        low, high, remainder = span
        own = digit * 10**count
        low, high = max(low - own, 0), min(high - own, 10**count - 1)
        left.append(_span(low, high, (remainder + own) % step, step))
    return tuple(left) if any(left) else ()


def _span(low: int, high: int, remainder: int, step: int) -> Span | None:
    """None where no number of the two and between them makes a multiple of the step."""
    return (low, high, remainder) if low + -(low + remainder) % step <= high else None


def _left(words: Iterable[str], character: str) -> tuple[str, ...]:
    """What is left of the words that go on with a character."""
    return tuple(word[1:] for word in words if word.startswith(character))


def _is_reserved(written: Written) -> bool:
    _, reserved, family = written
    return "" in reserved or family == "digits"


def _longer(written: Written, rule: Label, character: str) -> Written | None:
    """A label with one more character; None where it can become none any more."""
    length, reserved, family = written
    if length == rule.longest or character not in (rule.rest if length else rule.first):
        return None
    if length == 0:
        family = "letter" if character in rule.families else "none"
    elif family != "none":
        family = "digits" if character.isdigit() else "none"
    longer = (length + 1, _left(reserved, character), family)
    # A reserved name becomes a label only if another character may follow.
    return None if length + 1 == rule.longest and _is_reserved(longer) else longer
