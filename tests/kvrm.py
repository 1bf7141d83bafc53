"""KVRM's limits and names, written down once more for tests that compare with them."""

from kvrm_grammar.isa import Domain, load_set
from training.texts.operands import kind_of

IMMEDIATE_MIN, IMMEDIATE_MAX = -2147483648, 2147483647
ADDRESS_MIN, ADDRESS_MAX = 0, 2147483647
LABEL_MAX_LENGTH = 64
REGISTERS = ("R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7")


def _domains() -> dict[str, Domain]:
    operands = (operand for opcode in load_set().opcodes for operand in opcode.operands)
    return {kind_of(operand): operand.domain for operand in operands}


DOMAINS = _domains()
"""KVRM's three domains: register, immediate and target."""
