"""KVRM's sixteen operations.

In: the types of operands. Out: a frozen Pydantic model for each ``OP_*`` key, and
``Operation``, their union. The grammar is ``grammars/kvrm/grammar.lark``.
"""

from typing import Annotated, Literal

from pydantic import Field

from kvrm_grammar.isa.operation import Invalid, NoParams, OperationModel, Params
from kvrm_grammar.sets.kvrm.operands import Immediate, Register, Target

__all__ = [
    "Add",
    "Addr",
    "Cmp",
    "Dec",
    "Dest",
    "DestSrc",
    "DestSrcSrc",
    "DestValue",
    "Halt",
    "Inc",
    "Invalid",
    "Jmp",
    "Jns",
    "Jnz",
    "Js",
    "Jz",
    "MovRegImm",
    "MovRegReg",
    "Mul",
    "NoParams",
    "Nop",
    "Operation",
    "SrcSrc",
    "Sub",
]


class DestValue(Params):
    """A register and an immediate."""

    dest: Register
    value: Immediate


class DestSrc(Params):
    """Two registers."""

    dest: Register
    src: Register


class DestSrcSrc(Params):
    """A destination and two source registers."""

    dest: Register
    src1: Register
    src2: Register


class Dest(Params):
    """One register."""

    dest: Register


class SrcSrc(Params):
    """Two source registers."""

    src1: Register
    src2: Register


class Addr(Params):
    """A jump target: an address, or a label whose case is kept."""

    addr: Target


class MovRegImm(OperationModel):
    """dest := value."""

    key: Literal["OP_MOV_REG_IMM"]
    params: DestValue


class MovRegReg(OperationModel):
    """dest := src."""

    key: Literal["OP_MOV_REG_REG"]
    params: DestSrc


class Add(OperationModel):
    """dest := src1 + src2."""

    key: Literal["OP_ADD"]
    params: DestSrcSrc


class Sub(OperationModel):
    """dest := src1 - src2."""

    key: Literal["OP_SUB"]
    params: DestSrcSrc


class Mul(OperationModel):
    """dest := src1 * src2."""

    key: Literal["OP_MUL"]
    params: DestSrcSrc


class Inc(OperationModel):
    """dest := dest + 1."""

    key: Literal["OP_INC"]
    params: Dest


class Dec(OperationModel):
    """dest := dest - 1."""

    key: Literal["OP_DEC"]
    params: Dest


class Cmp(OperationModel):
    """Sets the flags from src1 - src2."""

    key: Literal["OP_CMP"]
    params: SrcSrc


class Jmp(OperationModel):
    """Jumps always."""

    key: Literal["OP_JMP"]
    params: Addr


class Jz(OperationModel):
    """Jumps if zero."""

    key: Literal["OP_JZ"]
    params: Addr


class Jnz(OperationModel):
    """Jumps if not zero."""

    key: Literal["OP_JNZ"]
    params: Addr


class Js(OperationModel):
    """Jumps if negative."""

    key: Literal["OP_JS"]
    params: Addr


class Jns(OperationModel):
    """Jumps if not negative."""

    key: Literal["OP_JNS"]
    params: Addr


class Halt(OperationModel):
    """Stops the machine."""

    key: Literal["OP_HALT"]
    params: NoParams


class Nop(OperationModel):
    """Does nothing."""

    key: Literal["OP_NOP"]
    params: NoParams


Operation = Annotated[
    MovRegImm
    | MovRegReg
    | Add
    | Sub
    | Mul
    | Inc
    | Dec
    | Cmp
    | Jmp
    | Jz
    | Jnz
    | Js
    | Jns
    | Halt
    | Nop
    | Invalid,
    Field(discriminator="key"),
]
