"""Source text to instructions with addresses and resolved labels.

In: source text of many lines. Out: a :class:`Program`: one instruction per
line that holds one, in order, its jumps to labels replaced by addresses. Who
decodes the lines is handed in, so that the reference parser and the model
assemble by the same rules.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from kvrm_grammar.errors import LineTooLongError, ProgramError, UnknownLabelError
from kvrm_grammar.frozen import FrozenDict
from kvrm_grammar.isa.binding import load_isa
from kvrm_grammar.isa.operations import INVALID_KEY, Operation, from_fields
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, LineParts, explain, line_parts, parse

__all__ = ["Instruction", "Program", "assemble", "parse_program", "resolve_labels"]

# str.splitlines would also cut at form feeds and Unicode separators, which may
# stand in a comment.
_LINE_END = re.compile(r"\r\n|\r|\n")
_NO_REASON = "refused, although the strict dialect accepts it"


def _strict_reason(text: str) -> str:
    return explain(text).reason or _NO_REASON


@dataclass(frozen=True)
class Instruction:
    """One instruction of a program. Immutable.

    Attributes:
        address: Its place among the instructions, from 0.
        line: Its source line, from 1.
        text: That line as it stands in the source, without the line end.
        operation: What it means; a label is replaced by its address.
        reason: Why it is ``OP_INVALID``; None where it is not.
    """

    address: int
    line: int
    text: str
    operation: Operation
    reason: str | None = None


@dataclass(frozen=True)
class Program:
    """All instructions of a source text, and where its labels point. Immutable.

    Attributes:
        instructions: In order; an instruction's address is its index here.
        labels: Name to address, kept as a read-only copy. A label after the last
            instruction has the number of instructions as its address.
    """

    instructions: tuple[Instruction, ...]
    labels: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", FrozenDict(self.labels))


def parse_program(source: str) -> Program:
    r"""Assemble source text with the reference parser.

    Args:
        source: Lines that end in LF, CR LF or CR.

    Returns:
        The program. A line that the dialect refuses stays in it as ``OP_INVALID``.

    Raises:
        ProgramError: A label is defined twice, or a line with an instruction is too long.
        UnknownLabelError: A jump to a label that is not defined.

    >>> program = parse_program("again: dec r1\n jnz again ; loop\n halt")
    >>> dict(program.labels), program.instructions[1].operation.params.addr
    ({'again': 0}, 0)
    """
    return assemble(source, lambda lines: map(parse, lines))


def assemble(
    source: str,
    decode: Callable[[list[str]], Iterable[Operation]],
    *,
    reason: Callable[[str], str] = _strict_reason,
) -> Program:
    """Assemble source text, whoever decodes its lines.

    Args:
        source: Lines that end in LF, CR LF or CR.
        decode: Called once with all lines that hold an instruction, as they are written;
            returns their operations in the same order.
        reason: Says why a line is refused; by default, as the strict dialect does.

    Returns:
        The program. Lines decoded to ``OP_INVALID`` stay in it, with the reason.

    Raises:
        ProgramError: A label is defined twice, a line with an instruction is too long,
            or ``decode`` returned another number of operations.
        UnknownLabelError: A jump to a label that is not defined.
    """
    lines = _LINE_END.split(source)
    parts = [line_parts(text) for text in lines]
    labels = _addresses(parts)
    numbered = [
        (number, text)
        for number, (text, part) in enumerate(zip(lines, parts, strict=True), start=1)
        if part.has_instruction
    ]
    for number, text in numbered:
        if len(text) > MAX_LINE_LENGTH:
            raise ProgramError(f"line {number}: {LineTooLongError(len(text), MAX_LINE_LENGTH)}")
    operations = list(decode([text for _, text in numbered])) if numbered else []
    if len(operations) != len(numbered):
        raise ProgramError(f"{len(numbered)} lines to decode gave {len(operations)} operations")
    instructions = []
    for address, ((number, text), operation) in enumerate(zip(numbered, operations, strict=True)):
        resolved = resolve_labels(operation, labels, line=number)
        why = reason(text) if operation.key == INVALID_KEY else None
        instructions.append(Instruction(address, number, text, resolved, why))
    return Program(tuple(instructions), labels)


def _addresses(parts: list[LineParts]) -> dict[str, int]:
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
        address += part.has_instruction
    return labels


def resolve_labels(
    operation: Operation, labels: Mapping[str, int], *, line: int | None = None
) -> Operation:
    """Replace a label by its address.

    Args:
        operation: Any operation.
        labels: Addresses by name.
        line: Source line, for the error.

    Returns:
        The operation with an integer target; itself where it has no label.

    Raises:
        UnknownLabelError: The label is not in ``labels``.
        OperationError: The address is out of range.
    """
    names = _target_names().get(operation.key, ())
    if not names:
        return operation
    params = operation.params.model_dump()
    for name in names:
        label = params[name]
        if isinstance(label, str):
            if label not in labels:
                raise UnknownLabelError(label, line)
            params[name] = labels[label]
    return from_fields(operation.key, params)


@cache
def _target_names() -> dict[str, tuple[str, ...]]:
    """List the operands that may be labels, by key."""
    return {
        opcode.key: tuple(op.name for op in opcode.operands if op.kind == "target")
        for opcode in load_isa().opcodes
    }
