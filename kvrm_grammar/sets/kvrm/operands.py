"""What KVRM's operands may be: registers, immediates, addresses and labels.

In: nothing. Out: annotated types for the schemas. How each is written is the grammar's matter,
``grammars/kvrm/grammar.lark``; loading the set says where the two differ.
"""

from typing import Annotated, Literal

from pydantic import Field

from kvrm_grammar.isa.labels import LabelOf
from kvrm_grammar.resources import resource_path

__all__ = ["LEAST", "MOST", "Address", "Immediate", "Label", "Register", "Target"]

LEAST, MOST = -(2**31), 2**31 - 1
"""The ends of what a register holds: 32 bits, in two's complement."""

Register = Literal["R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7"]
Immediate = Annotated[int, Field(ge=LEAST, le=MOST)]
Address = Annotated[int, Field(ge=0, le=MOST)]
Label = Annotated[str, LabelOf(resource_path("grammars/kvrm/grammar.lark"))]
Target = Address | Label
