"""What RV32IM's operands may be: registers, three widths of integers, targets.

In: nothing. Out: annotated types, and a frozen Pydantic model for each shape of operands. How each
is written is the grammar's matter, ``grammars/rv32im/grammar.lark``; loading the set says where the
two differ. Widths: *The RISC-V Instruction Set Manual, Volume I*, sections 2.2 and 2.3.
"""

from typing import Annotated, Literal

from pydantic import Field

from kvrm_grammar.isa.labels import LabelOf
from kvrm_grammar.isa.operation import Params
from kvrm_grammar.resources import resource_path

__all__ = [
    "Address",
    "Branch",
    "Immediate",
    "Jump",
    "Label",
    "Load",
    "Register",
    "Registers",
    "Shift",
    "ShiftBy",
    "Store",
    "Target",
    "Twelve",
    "Twenty",
    "Upper",
]

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


class Registers(Params):
    """Three registers."""

    rd: Register
    rs1: Register
    rs2: Register


class Immediate(Params):
    """Two registers and a signed integer of twelve bits."""

    rd: Register
    rs1: Register
    imm: Twelve


class ShiftBy(Params):
    """Two registers and how many bits."""

    rd: Register
    rs1: Register
    shamt: Shift


class Load(Params):
    """A register, and where in memory."""

    rd: Register
    offset: Twelve
    rs1: Register


class Store(Params):
    """A register, and where in memory."""

    rs2: Register
    offset: Twelve
    rs1: Register


class Branch(Params):
    """Two registers, and where to go on."""

    rs1: Register
    rs2: Register
    target: Target


class Upper(Params):
    """A register and the upper twenty bits."""

    rd: Register
    imm: Twenty


class Jump(Params):
    """A register for the way back, and where to go on."""

    rd: Register
    target: Target
