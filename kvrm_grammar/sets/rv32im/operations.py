"""RV32IM's 48 operations.

In: their models. Out: ``Operation``, the union. The grammar is ``grammars/rv32im/grammar.lark``.
"""

from typing import Annotated

from pydantic import Field

from kvrm_grammar.isa.operation import Invalid
from kvrm_grammar.sets.rv32im.arithmetic import (
    Add,
    Addi,
    And,
    Andi,
    Auipc,
    Div,
    Divu,
    Lui,
    Mul,
    Mulh,
    Mulhsu,
    Mulhu,
    Or,
    Ori,
    Rem,
    Remu,
    Sll,
    Slli,
    Slt,
    Slti,
    Sltiu,
    Sltu,
    Sra,
    Srai,
    Srl,
    Srli,
    Sub,
    Xor,
    Xori,
)
from kvrm_grammar.sets.rv32im.movement import (
    Beq,
    Bge,
    Bgeu,
    Blt,
    Bltu,
    Bne,
    Ebreak,
    Ecall,
    Fence,
    Jal,
    Jalr,
    Lb,
    Lbu,
    Lh,
    Lhu,
    Lw,
    Sb,
    Sh,
    Sw,
)

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
    "Div",
    "Divu",
    "Ebreak",
    "Ecall",
    "Fence",
    "Invalid",
    "Jal",
    "Jalr",
    "Lb",
    "Lbu",
    "Lh",
    "Lhu",
    "Lui",
    "Lw",
    "Mul",
    "Mulh",
    "Mulhsu",
    "Mulhu",
    "Operation",
    "Or",
    "Ori",
    "Rem",
    "Remu",
    "Sb",
    "Sh",
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
    "Sw",
    "Xor",
    "Xori",
]

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
