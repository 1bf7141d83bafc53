"""The oracle: what the grammar says one line of text means.

In: one line of the strict dialect. Out: its ``Operation``, and for a refused
line the reason. The grammar alone decides, plus the ranges of integers; the
reason is looked for only after the decision, by a simple tokenisation that
cannot change it.

Nothing that is later measured against this module is imported here.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lark import Token, Transformer
from lark.exceptions import UnexpectedInput

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.errors import LineTooLongError, OperationError
from kvrm_grammar.isa import INVALID, InstructionSet, Integers, OperationModel, load_set
from kvrm_grammar.oracle.diagnosis import diagnose, shown

__all__ = ["MAX_LINE_LENGTH", "LineParts", "Verdict", "explain", "line_parts", "parse"]

MAX_LINE_LENGTH = 256

_LINE_END = re.compile(r"(?:\r\n|\r|\n)\Z")


@dataclass(frozen=True)
class Verdict:
    """What a line means. Immutable; a reason is looked for when it is first asked for.

    Attributes:
        operation: The operation, ``OP_INVALID`` where the line was refused.
        text: The line.
        isa: The instruction set that was asked.
    """

    operation: OperationModel
    text: str = ""
    isa: InstructionSet = field(default_factory=load_set, repr=False)
    _why: str | None = field(default=None, repr=False, compare=False)

    @cached_property
    def reason(self) -> str | None:
        """Why the line was refused, for a person; None where it was accepted."""
        if self.operation != INVALID:
            return None
        return diagnose(self.text, self.isa, self._why)

    @property
    def confidence(self) -> None:
        """None: a parser is not more or less sure."""


@dataclass(frozen=True)
class LineParts:
    """The frame of a source line: the label it defines, if any, and whether more is left."""

    label: str | None
    has_instruction: bool


def parse(text: str, isa: str | Path | InstructionSet | None = None) -> OperationModel:
    r"""Parse one line.

    Args:
        text: The line; one line end after it is ignored.
        isa: The instruction set, or its name or folder; None for the default one.

    Returns:
        The operation; ``OP_INVALID`` where the strict dialect refuses the line.

    Raises:
        IsaError: There is no such set, or it does not load.
        LineTooLongError: More than ``MAX_LINE_LENGTH`` characters, the line end not counted.

    >>> parse("loop: sub r5, R3 r1 ; comment\n").params.dest
    'R5'
    """
    return explain(text, isa).operation


def explain(text: str, isa: str | Path | InstructionSet | None = None) -> Verdict:
    """Parse one line and say why it is refused, if it is.

    Args:
        text: The line; one line end after it is ignored.
        isa: The instruction set, or its name or folder; None for the default one.

    Returns:
        The operation and, for a refusal, the reason.

    Raises:
        IsaError: There is no such set, or it does not load.
        LineTooLongError: More than ``MAX_LINE_LENGTH`` characters, the line end not counted.

    >>> explain("ADD R1, R9, R2").reason
    'R9 is not a register (R0\u2013R7)'
    """
    length = len(_LINE_END.sub("", text))
    if length > MAX_LINE_LENGTH:
        raise LineTooLongError(length, MAX_LINE_LENGTH)
    isa = load_set(isa)
    try:
        tree = isa.parser.parse(text, start="line")
    except UnexpectedInput:
        return Verdict(INVALID, text, isa)
    return _interpret(text, isa, _Reader().transform(tree))


def line_parts(text: str, isa: InstructionSet | None = None) -> LineParts:
    """Split a source line into label definition and instruction, whatever the latter is worth.

    Args:
        text: One source line of any length, with or without its line end.
        isa: The instruction set; None for the default one.

    Returns:
        The parts; text that the grammar cannot split counts as an instruction.

    >>> line_parts("loop: fly away ; comment")
    LineParts(label='loop', has_instruction=True)
    """
    try:
        tree = load_set(isa).parser.parse(text, start="source_line")
    except UnexpectedInput:
        return LineParts(None, has_instruction=True)
    tokens = {token.type: str(token) for token in tree.children if isinstance(token, Token)}
    label = tokens.get("LABEL_DEF")
    return LineParts(label and label.removesuffix(":"), "REST" in tokens)


@dataclass(frozen=True)
class _Part:
    """What a rule derives: its name and the text, or the mnemonic and operands of an operation."""

    rule: str
    text: str
    operands: tuple["_Part", ...] = ()


class _Reader(Transformer[Token, _Part]):
    """Turns the tree of a ``line`` into its operation's rule, mnemonic and operands."""

    def __default__(self, data: str, children: list[Any], meta: object) -> _Part:
        parts = tuple(child for child in children if isinstance(child, _Part))
        if str(data) == "line":  # a label definition may come first
            return parts[-1]
        if str(data).startswith("op_"):
            mnemonic = next(child for child in children if isinstance(child, Token))
            return _Part(str(data).upper(), str(mnemonic), parts)
        text = "".join(c.text if isinstance(c, _Part) else str(c) for c in children)
        return _Part(str(data), text)


def _interpret(text: str, isa: InstructionSet, read: _Part) -> Verdict:
    opcode = isa.by_key[read.rule]
    operands = {operand.name: operand for operand in opcode.operands}
    written = tuple(part.rule for part in read.operands)
    params: dict[str, str | int] = {}
    for part in read.operands:
        value = _value(part.text, dict(operands[part.rule].spellings))
        integers = operands[part.rule].domain.integers
        if isinstance(value, int) and integers is not None and value not in integers:
            return Verdict(INVALID, text, isa, _outside(part.text, value, integers))
        params[part.rule] = value
    form = next(
        form
        for form in opcode.forms
        if form.operands == written and form.mnemonic in (read.text, read.text.upper())
    )
    params |= dict(form.implied)
    try:
        return Verdict(isa.operation(read.rule, params), text, isa)
    except OperationError as error:  # a word that the set's checks did not foresee
        return Verdict(INVALID, text, isa, str(error))


def _value(text: str, spellings: dict[str, str]) -> str | int:
    """The value that the words of an operand stand for."""
    if text in spellings:
        return spellings[text]
    if text[:1] in "+-0123456789'":
        return _integer(text)
    return text


def _integer(text: str) -> int:
    # Python's own literals: base 0 reads 0x, 0b, 0o and decimals, and an escape in quotes means
    # what it means there. Which of them may be written, the grammar says. The line limit keeps
    # the text far below the 4300 digits at which Python refuses to convert.
    return ord(ast.literal_eval(text)) if text[0] == "'" else int(text, 0)


def _outside(text: str, value: int, integers: Integers) -> str:
    if integers.low <= value <= integers.high:
        return f"{shown(text)} is not a multiple of {integers.step}"
    bounds = f"{integers.low}\N{HORIZONTAL ELLIPSIS}{integers.high}"
    return f"{shown(text)} is outside " + bounds.replace("-", "\N{MINUS SIGN}")
