"""Instruction sets a second time, as tables written by hand.

In: nothing. Out: :data:`TABLES`, for each set the names, order, bounds and rules that its answers
must keep to. :mod:`tests.language.independent` makes an automaton of each.
"""

import string
from dataclasses import dataclass

__all__ = ["TABLES", "Label", "Operand", "Table", "Whole"]

_WORD = string.ascii_letters + "_."


@dataclass(frozen=True)
class Whole:
    """Whole numbers from ``low`` to ``high``, multiples of ``step``."""

    low: int
    high: int
    step: int = 1


@dataclass(frozen=True)
class Label:
    """Labels: what they may begin and go on with, how long they are, which are reserved.

    ``families`` are letters that are reserved with any digits behind them, at least one.
    """

    longest: int
    reserved: frozenset[str] = frozenset()
    families: str = ""
    first: str = _WORD
    rest: str = _WORD + string.digits + "$"


@dataclass(frozen=True)
class Operand:
    """What an operand may be: one of some names, a number, a label, or either of these."""

    names: tuple[str, ...] = ()
    whole: Whole | None = None
    label: Label | None = None


@dataclass(frozen=True)
class Table:
    """An instruction set: for each key the operands' names and what they may be."""

    operations: dict[str, tuple[tuple[str, Operand], ...]]


def _kvrm() -> Table:
    register = Operand(names=("R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7"))
    immediate = Operand(whole=Whole(-2147483648, 2147483647))
    target = Operand(whole=Whole(0, 2147483647), label=Label(64, families="Rr"))
    three = (("dest", register), ("src1", register), ("src2", register))
    jump = (("addr", target),)
    return Table(
        {
            "OP_MOV_REG_IMM": (("dest", register), ("value", immediate)),
            "OP_MOV_REG_REG": (("dest", register), ("src", register)),
            "OP_ADD": three,
            "OP_SUB": three,
            "OP_MUL": three,
            "OP_INC": (("dest", register),),
            "OP_DEC": (("dest", register),),
            "OP_CMP": (("src1", register), ("src2", register)),
            "OP_JMP": jump,
            "OP_JZ": jump,
            "OP_JNZ": jump,
            "OP_JS": jump,
            "OP_JNS": jump,
            "OP_HALT": (),
            "OP_NOP": (),
            "OP_INVALID": (),
        }
    )


def _zeta() -> Table:
    register = Operand(names=("zero", "ra", "sp", "a0", "a1", "a2", "a3", "s0", "s1"))
    twelve_bits, five_bits = Operand(whole=Whole(-2048, 2047)), Operand(whole=Whole(0, 31))
    reserved = "zero ra sp a0 a1 a2 a3 s0 s1 fp x0 x1 x10".split()
    target = Operand(whole=Whole(0, 4294967294, step=2), label=Label(16, frozenset(reserved)))
    return Table(
        {
            "OP_PLUS": (("rd", register), ("rs1", register), ("rs2", register)),
            "OP_PLUSI": (("rd", register), ("rs1", register), ("imm", twelve_bits)),
            "OP_SHIFT": (("rd", register), ("rs1", register), ("shamt", five_bits)),
            "OP_FETCH": (("rd", register), ("offset", twelve_bits), ("rs1", register)),
            "OP_LINK": (("rd", register), ("target", target)),
            "OP_BEEP": (),
            "OP_INVALID": (),
        }
    )


def _rv32im() -> Table:
    names = "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7".split()
    names += "s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6".split()
    reserved = frozenset({*names, "fp", *(f"x{number}" for number in range(32))})
    register = Operand(names=tuple(names))
    twelve_bits, five_bits = Operand(whole=Whole(-2048, 2047)), Operand(whole=Whole(0, 31))
    twenty_bits = Operand(whole=Whole(0, 1048575))
    target = Operand(whole=Whole(0, 4294967294, step=2), label=Label(64, reserved))
    three = (("rd", register), ("rs1", register), ("rs2", register))
    immediate = (("rd", register), ("rs1", register), ("imm", twelve_bits))
    shift = (("rd", register), ("rs1", register), ("shamt", five_bits))
    load = (("rd", register), ("offset", twelve_bits), ("rs1", register))
    store = (("rs2", register), ("offset", twelve_bits), ("rs1", register))
    branch = (("rs1", register), ("rs2", register), ("target", target))
    upper = (("rd", register), ("imm", twenty_bits))
    plain = "add sub sll slt sltu xor srl sra or and mul mulh mulhsu mulhu div divu rem remu"
    groups = (
        (plain, three),
        ("addi slti sltiu xori ori andi", immediate),
        ("slli srli srai", shift),
        ("lb lh lw lbu lhu", load),
        ("sb sh sw", store),
        ("beq bne blt bge bltu bgeu", branch),
        ("lui auipc", upper),
        ("jal", (("rd", register), ("target", target))),
        ("jalr", load),
        ("fence ecall ebreak invalid", ()),
    )
    return Table(
        {f"OP_{word.upper()}": operands for words, operands in groups for word in words.split()}
    )


def _scaffold() -> Table:
    lamp = Operand(names=("hall", "kitchen", "porch"))
    lower = string.ascii_lowercase
    reserved = frozenset({"hall", "entrance", "kitchen", "porch"})
    label = Label(16, reserved, first=lower, rest=lower + string.digits + "_")
    return Table(
        {
            "OP_ON": (("lamp", lamp),),
            "OP_DIM": (("lamp", lamp), ("level", Operand(whole=Whole(0, 100)))),
            "OP_AGAIN": (("place", Operand(whole=Whole(0, 999), label=label)),),
            "OP_INVALID": (),
        }
    )


TABLES: dict[str, Table] = {
    "kvrm": _kvrm(),
    "rv32im": _rv32im(),
    "zeta": _zeta(),
    "scaffold": _scaffold(),
}
"""By name of the set."""
