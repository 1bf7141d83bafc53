"""The oracle: what the grammar says one line of text means.

In: one line of the strict dialect. Out: its ``Operation``, and for a refused
line the reason. The grammar alone decides, plus the ranges of integers; the
reason is looked for only after the decision, by a simple tokenisation that
cannot change it.

Nothing that is later measured against this module is imported here.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from kvrm_grammar.errors import LineTooLongError
from kvrm_grammar.isa.binding import Isa, Opcode, OperandKind, accepts, compile_grammar, load_isa
from kvrm_grammar.isa.operations import INVALID, Operation, from_fields

__all__ = ["MAX_LINE_LENGTH", "LineParts", "Verdict", "explain", "line_parts", "parse"]

MAX_LINE_LENGTH = 256

_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "\\": 92, "'": 39}
_PHRASES: dict[OperandKind, str] = {
    "register": "a register",
    "immediate": "an immediate",
    "target": "an unsigned address or a label",
}
_LINE_END = re.compile(r"(?:\r\n|\r|\n)\Z")
# Up to the comment, as the grammar draws that line: see _COMMENT there.
_CODE = re.compile(r"(?:'(?:[^'\\]|\\.)'|(?<=[ \t,])#(?=[-+0-9'])|(?!;|//|#).)*", re.DOTALL)
_WORD = re.compile(r",|(?:'(?:[^'\\]|\\.)'|[^ \t,])+", re.DOTALL)
_LABEL_SHAPE = re.compile(r"[A-Za-z_.][A-Za-z0-9_.$]*")
_LABEL_DEF = re.compile(rf"{_LABEL_SHAPE.pattern}:")


@dataclass(frozen=True)
class Verdict:
    """What a line means. Immutable.

    Attributes:
        operation: The operation, ``OP_INVALID`` where the line was refused.
        reason: Why it was refused, for a person; None where it was accepted.
    """

    operation: Operation
    reason: str | None


@dataclass(frozen=True)
class LineParts:
    """The frame of a source line: the label it defines, if any, and whether more is left."""

    label: str | None
    has_instruction: bool


def parse(text: str) -> Operation:
    r"""Parse one line.

    Args:
        text: The line; one line end after it is ignored.

    Returns:
        The operation; ``OP_INVALID`` where the dialect refuses the line.

    Raises:
        LineTooLongError: More than ``MAX_LINE_LENGTH`` characters, the line end not counted.

    >>> parse("loop: sub r5, R3 r1 ; comment\n").params.dest
    'R5'
    """
    return explain(text).operation


def explain(text: str) -> Verdict:
    """Parse one line and say why it is refused, if it is.

    Args:
        text: The line; one line end after it is ignored.

    Returns:
        The operation and, for a refusal, the reason.

    Raises:
        LineTooLongError: More than ``MAX_LINE_LENGTH`` characters, the line end not counted.

    >>> explain("ADD R1, R9, R2").reason
    'R9 is not a register (R0\u2013R7)'
    """
    length = len(_LINE_END.sub("", text))
    if length > MAX_LINE_LENGTH:
        raise LineTooLongError(length, MAX_LINE_LENGTH)
    isa = load_isa()
    parser = compile_grammar(isa.grammar)
    try:
        tree = parser.parse(text, start="line")
    except UnexpectedInput:
        return Verdict(INVALID, _Diagnosis(isa, parser).of_line(text))
    return _interpret(isa, *_Reader().transform(tree))


def line_parts(text: str) -> LineParts:
    """Split a source line into label definition and instruction, whatever the latter is worth.

    Args:
        text: One source line of any length, with or without its line end.

    Returns:
        The parts; text that the grammar cannot split counts as an instruction.

    >>> line_parts("loop: fly away ; comment")
    LineParts(label='loop', has_instruction=True)
    """
    try:
        tree = compile_grammar(load_isa().grammar).parse(text, start="source_line")
    except UnexpectedInput:
        return LineParts(None, has_instruction=True)
    tokens = {token.type: str(token) for token in tree.children if isinstance(token, Token)}
    label = tokens.get("LABEL_DEF")
    return LineParts(label and label.removesuffix(":"), "REST" in tokens)


@dataclass(frozen=True)
class _Literal:
    """An operand: its value, and the text that a reason quotes."""

    value: int | str
    text: str


class _Reader(Transformer[Token, Any]):
    """Turns the tree of a ``line`` into its key and its operands in order."""

    def line(self, children: list[Any]) -> tuple[str, tuple[_Literal, ...]]:
        key, operands = children[-1]  # a label definition may come first
        return key, operands

    def register(self, children: list[Token]) -> _Literal:
        return _Literal(children[0].upper(), str(children[0]))

    def immediate(self, children: list[Token]) -> _Literal:
        text = "".join(children)
        if children[-1].type == "CHARACTER":
            body = text[1:-1]
            return _Literal(ord(body) if len(body) == 1 else _ESCAPES[body[1]], text)
        return _Literal(_integer(text), text)

    def target(self, children: list[Token]) -> _Literal:
        text = str(children[0])
        return _Literal(text if children[0].type == "LABEL" else _integer(text), text)

    def __default__(self, data: str, children: list[Any], meta: object) -> Any:
        # Every other rule is an op_*: its mnemonic, then its operands.
        return str(data).upper(), tuple(children[1:])


def _integer(text: str) -> int:
    # Base 0 reads the notations of NUMBER. The line limit keeps the string far
    # below the 4300 digits at which Python refuses to convert.
    return int(text, 0)


def _interpret(isa: Isa, key: str, literals: tuple[_Literal, ...]) -> Verdict:
    opcode = next(opcode for opcode in isa.opcodes if opcode.key == key)
    ranges = {"immediate": isa.immediate, "target": isa.address}
    for operand, literal in zip(opcode.operands, literals, strict=True):
        if isinstance(literal.value, int):
            low, high = ranges[operand.kind]
            if not low <= literal.value <= high:
                bounds = f"{low}\N{HORIZONTAL ELLIPSIS}{high}".replace("-", "\N{MINUS SIGN}")
                return Verdict(INVALID, f"{_shown(literal.text)} is outside {bounds}")
    names = (operand.name for operand in opcode.operands)
    values = (literal.value for literal in literals)
    return Verdict(from_fields(key, dict(zip(names, values, strict=True))), None)


class _Diagnosis:
    """Finds the reason for a line that the grammar has refused already."""

    def __init__(self, isa: Isa, parser: Lark) -> None:
        self._isa = isa
        self._parser = parser

    def of_line(self, text: str) -> str:
        line = _LINE_END.sub("", text)
        if "\n" in line or "\r" in line:
            return "more than one line"
        code = _code(line)
        foreign = next((c for c in code if not (" " <= c <= "~" or c == "\t")), None)
        if foreign is not None:
            return f"character U+{ord(foreign):04X} is not allowed"
        label, colon, _ = re.split(r"[ \t]", code, maxsplit=1)[0].partition(":")
        if colon:
            code = _code(code[len(label) + 1 :])
            if not accepts(self._parser, "target", label) or not _LABEL_SHAPE.match(label):
                return self._label(label) or f"{_shown(label + colon)} is not a label definition"
            if not code:
                return "a label definition alone is not an instruction"
            if _LABEL_DEF.match(code):
                return "more than one label definition"
        return self._instruction(code) if code else "empty instruction"

    def _instruction(self, code: str) -> str:
        mnemonic, *words = _WORD.findall(code)
        candidates = [op for op in self._isa.opcodes if op.mnemonic == mnemonic.upper()]
        if not candidates:
            return f"{_shown(mnemonic)} is not a mnemonic"
        if words[:1] == [","]:
            return "comma before the first operand"
        if (",", ",") in pairwise(words):
            return "double comma"
        if words[-1:] == [","]:
            return "comma after the last operand"
        return self._operands(candidates, [word for word in words if word != ","])

    def _operands(self, candidates: list[Opcode], words: list[str]) -> str:
        mnemonic = candidates[0].mnemonic
        counts = sorted({len(opcode.operands) for opcode in candidates})
        if len(words) not in counts:
            wanted = " or ".join(str(count or "no") for count in counts)
            plural = "" if counts == [1] else "s"
            return f"{mnemonic} takes {wanted} operand{plural}, got {len(words)}"
        fitting = [opcode for opcode in candidates if len(opcode.operands) == len(words)]
        for place, word in enumerate(words):
            kinds = [opcode.operands[place].kind for opcode in fitting]
            if not any(accepts(self._parser, kind, word) for kind in kinds):
                wanted = " or ".join(_PHRASES[kind] for kind in dict.fromkeys(kinds))
                expected = f"{mnemonic} takes {wanted} as operand {place + 1}"
                return self._operand(word, kinds) or f"{expected}, got {_shown(word)}"
        return "not an instruction of this dialect"

    def _operand(self, word: str, kinds: list[OperandKind]) -> str | None:
        """Name what is wrong with the word itself; None where it only is of the wrong kind."""
        if "target" in kinds and (reason := self._label(word)):
            return reason
        if any(accepts(self._parser, kind, word) for kind in _PHRASES):
            return None
        if "register" in kinds and (reason := self._register(word)):
            return reason
        return _number(word) if {"immediate", "target"} & set(kinds) else None

    def _register(self, word: str) -> str | None:
        names = self._isa.registers
        stems = {re.escape(name.rstrip("0123456789")) for name in names}
        if not re.fullmatch(rf"(?:{'|'.join(stems)})-?[0-9]+", word, re.IGNORECASE):
            return None
        return f"{_shown(word)} is not a register ({names[0]}\N{EN DASH}{names[-1]})"

    def _label(self, word: str) -> str | None:
        if not _LABEL_SHAPE.fullmatch(word):
            return None
        if len(word) > self._isa.label_max_length:
            limit = self._isa.label_max_length
            return f"label of {len(word)} characters, at most {limit} are allowed"
        return f"{_shown(word)} is reserved for registers and cannot be a label"


def _code(line: str) -> str:
    """Cut off the comment and the blanks around the rest."""
    match = _CODE.match(line.lstrip(" \t"))
    return match.group().rstrip(" \t") if match else ""


def _number(word: str) -> str | None:
    if re.fullmatch(r"#?[+-]?0[0-9]+", word):
        return f"{_shown(word)} has leading zeros"
    if re.match(r"#?'", word):
        return f"{_shown(word)} is not a character literal"
    if re.match(r"#?[+-]?[0-9]", word):
        return f"{_shown(word)} is not an integer"
    return None


def _shown(word: str) -> str:
    word = word.replace("\t", "\\t")
    return word if len(word) <= 40 else word[:39] + "\N{HORIZONTAL ELLIPSIS}"
