"""The schemas of the test set."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from kvrm_grammar.isa import Invalid, LabelOf, NoParams, OperationModel, Params

Register = Literal["zero", "ra", "sp", "a0", "a1", "a2", "a3", "s0", "s1"]
Imm12 = Annotated[int, Field(ge=-2048, le=2047)]
Shamt = Annotated[int, Field(ge=0, le=31)]
Address = Annotated[int, Field(ge=0, le=4294967294, multiple_of=2)]
Label = Annotated[str, LabelOf(Path(__file__).with_name("grammar.lark"))]


class ThreeRegisters(Params):
    rd: Register
    rs1: Register
    rs2: Register


class WithImmediate(Params):
    rd: Register
    rs1: Register
    imm: Imm12


class WithShamt(Params):
    rd: Register
    rs1: Register
    shamt: Shamt


class Memory(Params):
    rd: Register
    offset: Imm12
    rs1: Register


class Target(Params):
    rd: Register
    target: Address | Label


class Plus(OperationModel):
    key: Literal["OP_PLUS"]
    params: ThreeRegisters


class Plusi(OperationModel):
    key: Literal["OP_PLUSI"]
    params: WithImmediate


class Shift(OperationModel):
    key: Literal["OP_SHIFT"]
    params: WithShamt


class Fetch(OperationModel):
    key: Literal["OP_FETCH"]
    params: Memory


class Link(OperationModel):
    key: Literal["OP_LINK"]
    params: Target


class Beep(OperationModel):
    key: Literal["OP_BEEP"]
    params: NoParams


Operation = Annotated[
    Plus | Plusi | Shift | Fetch | Link | Beep | Invalid, Field(discriminator="key")
]
