"""A second interpreter of KVRM, over JSON, that shares nothing with the machine.

In: a program as JSON objects. Out: every state it goes through, and how it ends. Numbers are kept
as 32 bits without a sign; the sign is looked at where one is asked for.
"""

from dataclasses import dataclass
from typing import Any

MASK = 0xFFFF_FFFF
TOP = 0x8000_0000


@dataclass(frozen=True)
class Ending:
    """How a run ends: ``halt``, ``end`` of the program, ``outside`` of it, or ``limit``."""

    how: str
    states: list[tuple[tuple[int, ...], int, int, int]]  # registers, Z, S, next address


def signed(bits: int) -> int:
    """The number that 32 bits mean in two's complement."""
    return bits - 2 * TOP if bits & TOP else bits


def interpret(program: list[dict[str, Any]], registers: list[int], limit: int) -> Ending:
    """Execute at most ``limit`` instructions; the first state is the one before them."""
    held = [number & MASK for number in registers]
    zero = sign = at = 0
    states = [(tuple(map(signed, held)), zero, sign, at)]
    while at < len(program):
        if len(states) > limit:
            return Ending("limit", states)
        key, params = program[at]["key"], program[at]["params"]
        number = {name: int(r[1:]) for name, r in params.items() if str(r).startswith("R")}
        following, result = at + 1, None
        if key == "OP_MOV_REG_IMM":
            held[number["dest"]] = params["value"] & MASK
        elif key == "OP_MOV_REG_REG":
            held[number["dest"]] = held[number["src"]]
        elif key in ("OP_ADD", "OP_SUB", "OP_MUL", "OP_CMP"):
            left, right = held[number["src1"]], held[number["src2"]]
            if key == "OP_MUL":
                result = left * right
            else:
                result = left + right if key == "OP_ADD" else left + (~right & MASK) + 1
        elif key in ("OP_INC", "OP_DEC"):
            result = held[number["dest"]] + (1 if key == "OP_INC" else MASK)
        elif key.startswith("OP_J"):
            taken = {"OP_JMP": True, "OP_JZ": zero, "OP_JNZ": not zero, "OP_JS": sign,
                     "OP_JNS": not sign}[key]  # fmt: skip
            following = params["addr"] if taken else following
        elif key == "OP_HALT":
            states.append((tuple(map(signed, held)), zero, sign, at))
            return Ending("halt", states)
        if result is not None:
            result &= MASK
            zero, sign = int(not result), int(bool(result & TOP))
            if "dest" in number:
                held[number["dest"]] = result
        if following > len(program):
            return Ending("outside", states)
        at = following
        states.append((tuple(map(signed, held)), zero, sign, at))
    return Ending("end", states)
