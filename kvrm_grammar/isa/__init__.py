"""What an instruction set is: opcodes, operands, grammar bound to schemas.

In: the name or the folder of a set. Out: a bound set, which every later stage is handed.
"""

from kvrm_grammar.isa.codec import operation_from_json
from kvrm_grammar.isa.domains import Domain, Implied, Integers, Mentions
from kvrm_grammar.isa.instruction_set import Form, InstructionSet, Opcode, Operand
from kvrm_grammar.isa.labels import LabelOf
from kvrm_grammar.isa.loading import load_set, packaged_sets
from kvrm_grammar.isa.operation import (
    INVALID,
    INVALID_KEY,
    Invalid,
    NoParams,
    OperationModel,
    Params,
    operation_to_json,
)
from kvrm_grammar.isa.semantics import Effect, Semantics, State

__all__ = [
    "INVALID",
    "INVALID_KEY",
    "Domain",
    "Effect",
    "Form",
    "Implied",
    "InstructionSet",
    "Integers",
    "Invalid",
    "LabelOf",
    "Mentions",
    "NoParams",
    "Opcode",
    "Operand",
    "OperationModel",
    "Params",
    "Semantics",
    "State",
    "load_set",
    "operation_from_json",
    "operation_to_json",
    "packaged_sets",
]
