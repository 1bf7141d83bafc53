"""What makers of texts ask of operands: their kind, their range, their longest label.

In: operands and sets. Out: one of three kinds, by which faults and spellings are chosen. An operand
that may be a label is a target, one of names a register, any other an immediate.
"""

from typing import Literal

from kvrm_grammar.isa import InstructionSet, Integers, Operand

__all__ = ["Kind", "immediates", "kind_of", "longest_label", "range_of", "targets"]

Kind = Literal["register", "immediate", "target"]
_NONE = Integers(0, 0)


def kind_of(operand: Operand) -> Kind:
    """The kind of an operand."""
    if operand.domain.has_labels:
        return "target"
    return "register" if operand.domain.names else "immediate"


def range_of(operand: Operand) -> tuple[int, int]:
    """Smallest and largest integer of an operand; two zeros where it has none."""
    integers = operand.domain.integers or _NONE
    return integers.low, integers.high


def immediates(isa: InstructionSet) -> tuple[int, int]:
    """The range of a set's widest immediate; two zeros where it has none."""
    return _widest(isa, "immediate")


def targets(isa: InstructionSet) -> tuple[int, int]:
    """The range of a set's widest address; two zeros where it has none."""
    return _widest(isa, "target")


def _widest(isa: InstructionSet, kind: Kind) -> tuple[int, int]:
    every = (operand for opcode in isa.opcodes for operand in opcode.operands)
    ranges = [range_of(operand) for operand in every if kind_of(operand) == kind]
    return max(ranges, key=lambda bounds: bounds[1] - bounds[0], default=(0, 0))


def longest_label(isa: InstructionSet) -> int:
    """Characters that a label may have; 1 where the set has none."""
    lengths = (domain.label_max_length for domain in isa.domains)
    return max((length for length in lengths if length is not None), default=1)
