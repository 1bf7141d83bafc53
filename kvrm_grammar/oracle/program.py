"""Source text to instructions with addresses and resolved labels.

In: source text of many lines. Out: a :class:`Program`: one instruction per
line that holds one, in order, its jumps to labels replaced by addresses. Who
decodes the lines is handed in, so that the reference parser and the model
assemble by the same rules.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kvrm_grammar.errors import LineTooLongError, ProgramError, UnknownLabelError
from kvrm_grammar.frozen import FrozenDict
from kvrm_grammar.isa import InstructionSet, OperationModel, load_set
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, LineParts, explain, line_parts

__all__ = ["Instruction", "Judged", "Program", "assemble", "parse_program", "resolve_labels"]

# str.splitlines would also cut at form feeds and Unicode separators, which may
# stand in a comment.
_LINE_END = re.compile(r"\r\n|\r|\n")


class Judged(Protocol):
    """What somebody made of one line: a verdict of the parser, or what a model decoded."""

    @property
    def operation(self) -> OperationModel | None:
        """What the line means; None where there is no answer."""

    @property
    def reason(self) -> str | None:
        """Why it is refused; None where it is not."""

    @property
    def confidence(self) -> float | None:
        """How probable a model's answer is; None where a parser judged."""


@dataclass(frozen=True)
class Instruction:
    """One instruction of a program. Immutable.

    Attributes:
        address: Its place among the instructions, from 0, times the set's instruction size.
        line: Its source line, from 1.
        text: That line as it stands in the source, without the line end.
        operation: What it means; a label is replaced by its address.
        reason: Why it is ``OP_INVALID``; None where it is not.
        confidence: How probable the model's answer is, 0 to 1; None where a parser answered. Two
            instructions that differ in it alone are equal.
    """

    address: int
    line: int
    text: str
    operation: OperationModel
    reason: str | None = None
    confidence: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Program:
    """All instructions of a source text, and where its labels point. Immutable.

    Attributes:
        instructions: In order of their addresses.
        labels: Name to address, kept as a read-only copy. A label after the last instruction
            has the address that a further instruction would have.
    """

    instructions: tuple[Instruction, ...]
    labels: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", FrozenDict(self.labels))


def parse_program(source: str, isa: str | Path | InstructionSet | None = None) -> Program:
    r"""Assemble source text with the reference parser.

    Args:
        source: Lines that end in LF, CR LF or CR.
        isa: The instruction set, or its name or folder; None for the default one.

    Returns:
        The program. A line that the dialect refuses stays in it as ``OP_INVALID``.

    Raises:
        IsaError: There is no such set, or it does not load.
        ProgramError: A label is defined twice, or a line with an instruction is too long.
        UnknownLabelError: A jump to a label that is not defined.

    >>> program = parse_program("again: dec r1\n jnz again ; loop\n halt")
    >>> dict(program.labels), program.instructions[1].operation.params.addr
    ({'again': 0}, 0)
    """
    loaded = load_set(isa)
    return assemble(source, lambda lines: (explain(text, loaded) for text in lines), isa=loaded)


def assemble(
    source: str,
    decode: Callable[[list[str]], Iterable[Judged]],
    *,
    isa: InstructionSet | None = None,
    split: Callable[[str], LineParts] | None = None,
) -> Program:
    """Assemble source text, whoever decodes its lines.

    Args:
        source: Lines that end in LF, CR LF or CR.
        decode: Called once with all lines that hold an instruction, as they are written;
            returns what each means, in the same order.
        isa: The instruction set; None for the default one.
        split: Parts label definition and instruction; by default, as the grammar does.

    Returns:
        The program. Lines decoded to ``OP_INVALID`` stay in it, with the reason.

    Raises:
        ProgramError: A label is defined twice, a line with an instruction is too long,
            or ``decode`` returned another number of operations, or none for a line.
        UnknownLabelError: A jump to a label that is not defined.
    """
    isa = load_set(isa)
    lines = _LINE_END.split(source)
    parts = [split(text) if split else line_parts(text, isa) for text in lines]
    labels = _addresses(parts, isa.definition.instruction_size)
    numbered = [
        (number, text)
        for number, (text, part) in enumerate(zip(lines, parts, strict=True), start=1)
        if part.has_instruction
    ]
    for number, text in numbered:
        if len(text) > MAX_LINE_LENGTH:
            raise ProgramError(f"line {number}: {LineTooLongError(len(text), MAX_LINE_LENGTH)}")
    judged = list(decode([text for _, text in numbered])) if numbered else []
    if len(judged) != len(numbered):
        raise ProgramError(f"{len(numbered)} lines to decode gave {len(judged)} operations")
    instructions = []
    for place, ((number, text), one) in enumerate(zip(numbered, judged, strict=True)):
        if one.operation is None:
            raise ProgramError(f"line {number}: no answer for {text!r}")
        resolved = resolve_labels(one.operation, labels, isa=isa, line=number)
        address = place * isa.definition.instruction_size
        instructions.append(
            Instruction(address, number, text, resolved, one.reason, one.confidence)
        )
    return Program(tuple(instructions), labels)


def _addresses(parts: list[LineParts], size: int) -> dict[str, int]:
    """Give every label the address of the next instruction at or below its line."""
    labels: dict[str, int] = {}
    defined: dict[str, int] = {}
    address = 0
    for line, part in enumerate(parts, start=1):
        if part.label is not None:
            if part.label in defined:
                raise ProgramError(
                    f"label {part.label!r} is defined in line {defined[part.label]} "
                    f"and again in line {line}; rename one of them"
                )
            defined[part.label] = line
            labels[part.label] = address
        address += size * part.has_instruction
    return labels


def resolve_labels(
    operation: OperationModel,
    labels: Mapping[str, int],
    *,
    isa: InstructionSet | None = None,
    line: int | None = None,
) -> OperationModel:
    """Replace a label by its address.

    Args:
        operation: Any operation.
        labels: Addresses by name.
        isa: The operation's instruction set; None for the default one.
        line: Source line, for the error.

    Returns:
        The operation with an integer target; itself where it has no label.

    Raises:
        UnknownLabelError: The label is not in ``labels``.
        OperationError: The address is out of range.
    """
    loaded = load_set(isa)
    opcode = loaded.by_key.get(operation.key)
    operands = opcode.operands if opcode else ()
    names = [operand.name for operand in operands if operand.domain.has_labels]
    if not names:
        return operation
    params = operation.params.model_dump()
    for name in names:
        label = params[name]
        if isinstance(label, str):
            if label not in labels:
                raise UnknownLabelError(label, line)
            params[name] = labels[label]
    return loaded.operation(operation.key, params)
