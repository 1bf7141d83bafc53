"""RV32IM's 48 operations.

In: the types of operands. Out: a frozen Pydantic model for each ``OP_*`` key, and
``Operation``, their union. The grammar is ``grammars/rv32im/grammar.lark``.
"""

from typing import Annotated, Literal

from pydantic import Field

from kvrm_grammar.isa.operation import Invalid, NoParams, OperationModel, Params
from kvrm_grammar.sets.rv32im.operands import Register, Shift, Target, Twelve, Twenty

__all__ = [
    "Add",
    "Addi",
    "And",
    "Andi",
    "Auipc",
    "Beq",
    "Bge",
    "Bgeu",
    "Blt",
    "Bltu",
    "Bne",
    "Branch",
    "Div",
    "Divu",
    "Ebreak",
    "Ecall",
    "Fence",
    "Immediate",
    "Invalid",
    "Jal",
    "Jalr",
    "Jump",
    "Lb",
    "Lbu",
    "Lh",
    "Lhu",
    "Load",
    "Lui",
    "Lw",
    "Mul",
    "Mulh",
    "Mulhsu",
    "Mulhu",
    "NoParams",
    "Operation",
    "Or",
    "Ori",
    "Registers",
    "Rem",
    "Remu",
    "Sb",
    "Sh",
    "ShiftBy",
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
    "Store",
    "Sub",
    "Sw",
    "Upper",
    "Xor",
    "Xori",
]


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


class Lui(OperationModel):
    """rd := imm << 12."""

    key: Literal["OP_LUI"]
    params: Upper


class Auipc(OperationModel):
    """rd := the program counter + (imm << 12)."""

    key: Literal["OP_AUIPC"]
    params: Upper


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


Operation = Annotated[
    Add
    | Sub
    | Sll
    | Slt
    | Sltu
    | Xor
    | Srl
    | Sra
    | Or
    | And
    | Mul
    | Mulh
    | Mulhsu
    | Mulhu
    | Div
    | Divu
    | Rem
    | Remu
    | Addi
    | Slti
    | Sltiu
    | Xori
    | Ori
    | Andi
    | Slli
    | Srli
    | Srai
    | Lb
    | Lh
    | Lw
    | Lbu
    | Lhu
    | Sb
    | Sh
    | Sw
    | Beq
    | Bne
    | Blt
    | Bge
    | Bltu
    | Bgeu
    | Lui
    | Auipc
    | Jal
    | Jalr
    | Fence
    | Ecall
    | Ebreak
    | Invalid,
    Field(discriminator="key"),
]
