"""How RV32IM reaches memory, other instructions, and its environment.

In: the shapes of operands. Out: a frozen Pydantic model for each ``OP_*`` key.
"""

from typing import Literal

from kvrm_grammar.isa.operation import NoParams, OperationModel
from kvrm_grammar.sets.rv32im.operands import Branch, Jump, Load, Store

__all__ = [
    "Beq",
    "Bge",
    "Bgeu",
    "Blt",
    "Bltu",
    "Bne",
    "Ebreak",
    "Ecall",
    "Fence",
    "Jal",
    "Jalr",
    "Lb",
    "Lbu",
    "Lh",
    "Lhu",
    "Lw",
    "Sb",
    "Sh",
    "Sw",
]


class Lb(OperationModel):
    """rd := the byte at rs1 + offset, signed."""

    key: Literal["OP_LB"]
    params: Load


class Lh(OperationModel):
    """rd := the 16 bits at rs1 + offset, signed."""

    key: Literal["OP_LH"]
    params: Load


class Lw(OperationModel):
    """rd := the 32 bits at rs1 + offset."""

    key: Literal["OP_LW"]
    params: Load


class Lbu(OperationModel):
    """rd := the byte at rs1 + offset, unsigned."""

    key: Literal["OP_LBU"]
    params: Load


class Lhu(OperationModel):
    """rd := the 16 bits at rs1 + offset, unsigned."""

    key: Literal["OP_LHU"]
    params: Load


class Sb(OperationModel):
    """The byte at rs1 + offset := rs2."""

    key: Literal["OP_SB"]
    params: Store


class Sh(OperationModel):
    """The 16 bits at rs1 + offset := rs2."""

    key: Literal["OP_SH"]
    params: Store


class Sw(OperationModel):
    """The 32 bits at rs1 + offset := rs2."""

    key: Literal["OP_SW"]
    params: Store


class Beq(OperationModel):
    """Jumps if rs1 = rs2."""

    key: Literal["OP_BEQ"]
    params: Branch


class Bne(OperationModel):
    """Jumps if rs1 and rs2 differ."""

    key: Literal["OP_BNE"]
    params: Branch


class Blt(OperationModel):
    """Jumps if rs1 < rs2, signed."""

    key: Literal["OP_BLT"]
    params: Branch


class Bge(OperationModel):
    """Jumps if rs1 >= rs2, signed."""

    key: Literal["OP_BGE"]
    params: Branch


class Bltu(OperationModel):
    """Jumps if rs1 < rs2, unsigned."""

    key: Literal["OP_BLTU"]
    params: Branch


class Bgeu(OperationModel):
    """Jumps if rs1 >= rs2, unsigned."""

    key: Literal["OP_BGEU"]
    params: Branch


class Jal(OperationModel):
    """rd := the address behind this one; jumps to target."""

    key: Literal["OP_JAL"]
    params: Jump


class Jalr(OperationModel):
    """rd := the address behind this one; jumps to rs1 + offset."""

    key: Literal["OP_JALR"]
    params: Load


class Fence(OperationModel):
    """Orders what is read and written in memory."""

    key: Literal["OP_FENCE"]
    params: NoParams


class Ecall(OperationModel):
    """Calls the environment."""

    key: Literal["OP_ECALL"]
    params: NoParams


class Ebreak(OperationModel):
    """Hands over to a debugger."""

    key: Literal["OP_EBREAK"]
    params: NoParams
