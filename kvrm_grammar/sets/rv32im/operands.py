"""What RV32IM's operands may be: registers, three widths of integers, targets.

In: nothing. Out: annotated types for the schemas. How each is written is the grammar's matter,
``grammars/rv32im/grammar.lark``; loading the set says where the two differ. Widths: *The RISC-V
Instruction Set Manual, Volume I*, section 2.2 and 2.3.
"""

from typing import Annotated, Literal

from pydantic import Field

from kvrm_grammar.isa.labels import LabelOf
from kvrm_grammar.resources import resource_path

__all__ = ["Address", "Label", "Register", "Shift", "Target", "Twelve", "Twenty"]

# By number: x0 to x31, under the names of the calling convention.
# fmt: off
Register = Literal[
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2",
    "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7",
    "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
]
# fmt: on
Twelve = Annotated[int, Field(ge=-(2**11), le=2**11 - 1)]
Twenty = Annotated[int, Field(ge=0, le=2**20 - 1)]
Shift = Annotated[int, Field(ge=0, le=31)]
Address = Annotated[int, Field(ge=0, le=2**32 - 2, multiple_of=2)]
Label = Annotated[str, LabelOf(resource_path("grammars/rv32im/grammar.lark"))]
Target = Address | Label
