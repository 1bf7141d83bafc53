"""What a 32-bit word means to the processor: RV32IM's encoding, written from the manual.

In: a word and where it stands. Out: key and params as our JSON has them, or None. *The RISC-V
Instruction Set Manual, Volume I*, chapter "RV32/64G Instruction Set Listings". Shares nothing with
grammar and schemas: it is what they are compared with.
"""

from typing import Any

__all__ = ["REGISTERS", "meaning"]

REGISTERS = (
    "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 "
    "s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
).split()
_REGISTER = {
    (0x00, 0): "ADD", (0x20, 0): "SUB", (0x00, 1): "SLL", (0x00, 2): "SLT", (0x00, 3): "SLTU",
    (0x00, 4): "XOR", (0x00, 5): "SRL", (0x20, 5): "SRA", (0x00, 6): "OR", (0x00, 7): "AND",
    (0x01, 0): "MUL", (0x01, 1): "MULH", (0x01, 2): "MULHSU", (0x01, 3): "MULHU",
    (0x01, 4): "DIV", (0x01, 5): "DIVU", (0x01, 6): "REM", (0x01, 7): "REMU",
}  # fmt: skip
_IMMEDIATE = {0: "ADDI", 2: "SLTI", 3: "SLTIU", 4: "XORI", 6: "ORI", 7: "ANDI"}
_SHIFT = {(0x00, 1): "SLLI", (0x00, 5): "SRLI", (0x20, 5): "SRAI"}
_LOAD = {0: "LB", 1: "LH", 2: "LW", 4: "LBU", 5: "LHU"}
_STORE = {0: "SB", 1: "SH", 2: "SW"}
_BRANCH = {0: "BEQ", 1: "BNE", 4: "BLT", 5: "BGE", 6: "BLTU", 7: "BGEU"}
_WHOLE = {0x0FF0000F: "FENCE", 0x00000073: "ECALL", 0x00100073: "EBREAK"}


def meaning(word: int, address: int = 0) -> dict[str, Any] | None:
    """Decode a word.

    Args:
        word: 32 bits, as a number.
        address: Of its first byte.

    Returns:
        ``{"key": …, "params": {…}}``; None where it is none of the 48 operations.
    """
    kind, funct3, funct7 = word & 0x7F, word >> 12 & 7, word >> 25
    rd, rs1, rs2 = (REGISTERS[word >> place & 31] for place in (7, 15, 20))
    upper = _signed(word >> 20, 12)
    name: str | None = None
    params: dict[str, Any] = {}
    if word in _WHOLE:
        name = _WHOLE[word]
    elif kind == 0x33:
        name, params = _REGISTER.get((funct7, funct3)), {"rd": rd, "rs1": rs1, "rs2": rs2}
    elif kind == 0x13 and funct3 in (1, 5):
        name, params = (
            _SHIFT.get((funct7, funct3)),
            {"rd": rd, "rs1": rs1, "shamt": word >> 20 & 31},
        )
    elif kind == 0x13:
        name, params = _IMMEDIATE[funct3], {"rd": rd, "rs1": rs1, "imm": upper}
    elif kind == 0x03:
        name, params = _LOAD.get(funct3), {"rd": rd, "offset": upper, "rs1": rs1}
    elif kind == 0x23:
        offset = _signed(funct7 << 5 | word >> 7 & 31, 12)
        name, params = _STORE.get(funct3), {"rs2": rs2, "offset": offset, "rs1": rs1}
    elif kind == 0x63:
        target = (address + _branch_offset(word)) % 2**32
        name, params = _BRANCH.get(funct3), {"rs1": rs1, "rs2": rs2, "target": target}
    elif kind in (0x37, 0x17):
        name, params = {0x37: "LUI", 0x17: "AUIPC"}[kind], {"rd": rd, "imm": word >> 12}
    elif kind == 0x6F:
        name, params = "JAL", {"rd": rd, "target": (address + _jump_offset(word)) % 2**32}
    elif kind == 0x67 and funct3 == 0:
        name, params = "JALR", {"rd": rd, "offset": upper, "rs1": rs1}
    return None if name is None else {"key": f"OP_{name}", "params": params}


def _signed(value: int, bits: int) -> int:
    return value - (value >> bits - 1 << bits)


def _branch_offset(word: int) -> int:
    bits = (
        (word >> 31) << 12 | (word >> 7 & 1) << 11 | (word >> 25 & 63) << 5 | (word >> 8 & 15) << 1
    )
    return _signed(bits, 13)


def _jump_offset(word: int) -> int:
    bits = (
        (word >> 31) << 20 | (word >> 12 & 255) << 12 | (word >> 20 & 1) << 11
        | (word >> 21 & 1023) << 1
    )  # fmt: skip
    return _signed(bits, 21)
