"""What KVRM's operations do, written down by hand."""

import pytest

from kvrm_grammar.isa import State
from kvrm_grammar.machine import Machine, run, step
from kvrm_grammar.oracle.program import parse_program
from tests.kvrm import IMMEDIATE_MAX, IMMEDIATE_MIN, REGISTERS

NONE = {"Z": 0, "S": 0}
ZERO = {"Z": 1, "S": 0}
SIGN = {"Z": 0, "S": 1}
MIN, MAX = IMMEDIATE_MIN, IMMEDIATE_MAX


def _after(text: str, flags: dict[str, int], **registers: int) -> State:
    """The state after one instruction and a place to go on."""
    machine = Machine(parse_program(f"{text}\nnop\nnop"))
    start = machine.start(registers)
    return step(machine, State(start.registers, flags))


@pytest.mark.parametrize(
    ("text", "left", "right", "result", "flags"),
    [
        ("add r0, r1, r2", 2, 3, 5, NONE),
        ("add r0, r1, r2", 2, -2, 0, ZERO),
        ("add r0, r1, r2", 2, -3, -1, SIGN),
        ("add r0, r1, r2", MAX, 1, MIN, SIGN),
        ("add r0, r1, r2", MIN, -1, MAX, NONE),
        ("add r0, r1, r2", MIN, MIN, 0, ZERO),
        ("sub r0, r1, r2", 5, 3, 2, NONE),
        ("sub r0, r1, r2", 3, 5, -2, SIGN),
        ("sub r0, r1, r2", 3, 3, 0, ZERO),
        ("sub r0, r1, r2", MIN, 1, MAX, NONE),
        ("sub r0, r1, r2", 0, MIN, MIN, SIGN),
        ("mul r0, r1, r2", -4, 5, -20, SIGN),
        ("mul r0, r1, r2", -4, 0, 0, ZERO),
        ("mul r0, r1, r2", 65536, 65536, 0, ZERO),
        ("mul r0, r1, r2", 46341, 46341, -2147479015, SIGN),
        ("mul r0, r1, r2", MIN, -1, MIN, SIGN),
        ("mul r0, r1, r2", MAX, MAX, 1, NONE),
    ],
)
def test_arithmetic(text: str, left: int, right: int, result: int, flags: dict[str, int]) -> None:
    """Results wrap around at 32 bits, and set both flags, whatever they were."""
    for before in (NONE, ZERO, SIGN):
        after = _after(text, before, R1=left, R2=right)
        assert after.registers["R0"] == result
        assert {**after.flags} == flags
        assert (after.registers["R1"], after.registers["R2"]) == (left, right)


@pytest.mark.parametrize(
    ("text", "before", "after", "flags"),
    [
        ("inc r1", 4, 5, NONE),
        ("inc r1", -1, 0, ZERO),
        ("inc r1", -5, -4, SIGN),
        ("inc r1", MAX, MIN, SIGN),
        ("dec r1", 4, 3, NONE),
        ("dec r1", 1, 0, ZERO),
        ("dec r1", 0, -1, SIGN),
        ("dec r1", MIN, MAX, NONE),
    ],
)
def test_one_more_and_one_less(text: str, before: int, after: int, flags: dict[str, int]) -> None:
    """INC and DEC wrap around, and set both flags."""
    found = _after(text, SIGN, R1=before)
    assert (found.registers["R1"], {**found.flags}) == (after, flags)


@pytest.mark.parametrize(
    ("left", "right", "flags"),
    [(1, 1, ZERO), (1, 2, SIGN), (2, 1, NONE), (MIN, 1, NONE), (MAX, -1, SIGN), (MIN, MIN, ZERO)],
)
def test_comparing(left: int, right: int, flags: dict[str, int]) -> None:
    """CMP sets the flags of the first less the second, as 32 bits, and no register."""
    after = _after("cmp r1, r2", NONE, R1=left, R2=right)
    assert {**after.flags} == flags
    assert [*after.registers.values()] == [0, left, right, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("flags", [NONE, ZERO, SIGN])
def test_what_leaves_the_flags_alone(flags: dict[str, int]) -> None:
    """Moves, jumps, NOP and HALT set no flag, whatever they move."""
    texts = ("mov r1, 0", "mov r1, -1", "mov r1, r2", "nop", "halt", "jmp 1", "jz 1", "jnz 1",
             "js 1", "jns 1")  # fmt: skip
    for text in texts:
        assert {**_after(text, flags).flags} == flags, text


def test_moves() -> None:
    """An immediate, or another register's number."""
    assert _after(f"mov r1, {MIN}", NONE).registers["R1"] == MIN
    moved = _after("mov r1, r2", NONE, R1=3, R2=-8).registers
    assert (moved["R1"], moved["R2"]) == (-8, -8)


@pytest.mark.parametrize(
    ("jump", "taken"),
    [
        ("jmp", [NONE, ZERO, SIGN]),
        ("jz", [ZERO]),
        ("jnz", [NONE, SIGN]),
        ("js", [SIGN]),
        ("jns", [NONE, ZERO]),
    ],
)
def test_jumps(jump: str, taken: list[dict[str, int]]) -> None:
    """Each goes to its address under its own condition, and else to the next instruction."""
    for flags in (NONE, ZERO, SIGN):
        assert _after(f"{jump} 2", flags).counter == (2 if flags in taken else 1)


def test_halting() -> None:
    """HALT stops at its own address; NOP goes on."""
    assert (_after("halt", NONE).halted, _after("halt", NONE).counter) == (True, 0)
    assert (_after("nop", NONE).halted, _after("nop", NONE).counter) == (False, 1)


def test_the_registers() -> None:
    """Eight, in their order; a program reads and writes each."""
    source = "\n".join(f"inc {name}" for name in REGISTERS)
    start = {name: number for number, name in enumerate(REGISTERS)}
    final = run(parse_program(source), registers=start).final
    assert [*final.registers.items()] == [(name, n + 1) for n, name in enumerate(REGISTERS)]
