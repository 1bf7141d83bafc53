"""What RV32IM computes: sums, logic, shifts, comparisons, products, upper bits.

In: the shapes of operands. Out: a frozen Pydantic model for each ``OP_*`` key.
"""

from typing import Literal

from kvrm_grammar.isa.operation import OperationModel
from kvrm_grammar.sets.rv32im.operands import Immediate, Registers, ShiftBy, Upper

__all__ = [
    "Add",
    "Addi",
    "And",
    "Andi",
    "Auipc",
    "Div",
    "Divu",
    "Lui",
    "Mul",
    "Mulh",
    "Mulhsu",
    "Mulhu",
    "Or",
    "Ori",
    "Rem",
    "Remu",
    "Sll",
    "Slli",
    "Slt",
    "Slti",
    "Sltiu",
    "Sltu",
    "Sra",
    "Srai",
    "Srl",
    "Srli",
    "Sub",
    "Xor",
    "Xori",
]


class Add(OperationModel):
    """rd := rs1 + rs2."""

    key: Literal["OP_ADD"]
    params: Registers


class Sub(OperationModel):
    """rd := rs1 - rs2."""

    key: Literal["OP_SUB"]
    params: Registers


class Sll(OperationModel):
    """rd := rs1 << rs2."""

    key: Literal["OP_SLL"]
    params: Registers


class Slt(OperationModel):
    """rd := rs1 < rs2, signed."""

    key: Literal["OP_SLT"]
    params: Registers


class Sltu(OperationModel):
    """rd := rs1 < rs2, unsigned."""

    key: Literal["OP_SLTU"]
    params: Registers


class Xor(OperationModel):
    """rd := rs1 xor rs2."""

    key: Literal["OP_XOR"]
    params: Registers


class Srl(OperationModel):
    """rd := rs1 >> rs2, zeros from the left."""

    key: Literal["OP_SRL"]
    params: Registers


class Sra(OperationModel):
    """rd := rs1 >> rs2, the sign from the left."""

    key: Literal["OP_SRA"]
    params: Registers


class Or(OperationModel):
    """rd := rs1 or rs2."""

    key: Literal["OP_OR"]
    params: Registers


class And(OperationModel):
    """rd := rs1 and rs2."""

    key: Literal["OP_AND"]
    params: Registers


class Mul(OperationModel):
    """rd := the low half of rs1 * rs2."""

    key: Literal["OP_MUL"]
    params: Registers


class Mulh(OperationModel):
    """rd := the high half of rs1 * rs2, both signed."""

    key: Literal["OP_MULH"]
    params: Registers


class Mulhsu(OperationModel):
    """rd := the high half of rs1 * rs2, signed by unsigned."""

    key: Literal["OP_MULHSU"]
    params: Registers


class Mulhu(OperationModel):
    """rd := the high half of rs1 * rs2, both unsigned."""

    key: Literal["OP_MULHU"]
    params: Registers


class Div(OperationModel):
    """rd := rs1 / rs2, signed."""

    key: Literal["OP_DIV"]
    params: Registers


class Divu(OperationModel):
    """rd := rs1 / rs2, unsigned."""

    key: Literal["OP_DIVU"]
    params: Registers


class Rem(OperationModel):
    """rd := the remainder of rs1 / rs2, signed."""

    key: Literal["OP_REM"]
    params: Registers


class Remu(OperationModel):
    """rd := the remainder of rs1 / rs2, unsigned."""

    key: Literal["OP_REMU"]
    params: Registers


class Addi(OperationModel):
    """rd := rs1 + imm."""

    key: Literal["OP_ADDI"]
    params: Immediate


class Slti(OperationModel):
    """rd := rs1 < imm, signed."""

    key: Literal["OP_SLTI"]
    params: Immediate


class Sltiu(OperationModel):
    """rd := rs1 < imm, unsigned."""

    key: Literal["OP_SLTIU"]
    params: Immediate


class Xori(OperationModel):
    """rd := rs1 xor imm."""

    key: Literal["OP_XORI"]
    params: Immediate


class Ori(OperationModel):
    """rd := rs1 or imm."""

    key: Literal["OP_ORI"]
    params: Immediate


class Andi(OperationModel):
    """rd := rs1 and imm."""

    key: Literal["OP_ANDI"]
    params: Immediate


class Slli(OperationModel):
    """rd := rs1 << shamt."""

    key: Literal["OP_SLLI"]
    params: ShiftBy


class Srli(OperationModel):
    """rd := rs1 >> shamt, zeros from the left."""

    key: Literal["OP_SRLI"]
    params: ShiftBy


class Srai(OperationModel):
    """rd := rs1 >> shamt, the sign from the left."""

    key: Literal["OP_SRAI"]
    params: ShiftBy


class Lui(OperationModel):
    """rd := imm << 12."""

    key: Literal["OP_LUI"]
    params: Upper


class Auipc(OperationModel):
    """rd := the program counter + (imm << 12)."""

    key: Literal["OP_AUIPC"]
    params: Upper
