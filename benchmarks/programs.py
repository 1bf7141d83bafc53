"""KVRM programs drawn at random: loops, overflow, jumps to the end and beyond it.

In: a random generator. Out: the lines of a strict program, whose jumps go to labels or addresses,
and numbers for its registers. Used by benchmarks/machine.py and by the machine's tests.
"""

from random import Random

__all__ = ["draw_program", "draw_registers"]

REGISTERS = [f"{r}{n}" for r in "Rr" for n in range(8)]
EDGES = (0, 1, -1, 2, 7, 46341, 65536, 2**31 - 1, -(2**31), -(2**31) + 1)
JUMPS = ("JMP", "JZ", "JNZ", "JS", "JNS")
SHAPES = {
    "mov {r}, {i}": 4, "mov {r} {r}": 2, "add {r}, {r}, {r}": 3, "SUB {r} {r} {r}": 3,
    "Mul {r}, {r}, {r}": 2, "inc {r}": 2, "DEC {r}": 3, "cmp {r}, {r}": 3, "nop": 1, "halt": 1,
    "{j} {t}": 6,
}  # fmt: skip


def draw_program(random: Random, most: int = 16) -> list[str]:
    """Lines of 1 to ``most`` instructions; one jump in twenty leaves the program."""
    length = random.randint(1, most)
    shapes = random.choices([*SHAPES], [*SHAPES.values()], k=length)
    lines = [_filled(random, shape, length) for shape in shapes]
    return [f"L{place}: {line}" for place, line in enumerate(lines)] + [f"L{length}:"]


def draw_registers(random: Random) -> list[int]:
    """Numbers that eight registers hold at the start."""
    return [_number(random) for _ in range(8)]


def _number(random: Random) -> int:
    kind = random.randrange(3)
    if kind == 0:
        return random.choice(EDGES)
    return random.randint(-9, 9) if kind == 1 else random.randint(-(2**31), 2**31 - 1)


def _filled(random: Random, shape: str, length: int) -> str:
    while "{" in shape:
        for sign, word in (
            ("{r}", random.choice(REGISTERS)),
            ("{i}", _immediate(random)),
            ("{j}", random.choice(JUMPS)),
            ("{t}", _aim(random, length)),
        ):
            shape = shape.replace(sign, word, 1)
    return shape


def _immediate(random: Random) -> str:
    number = _number(random)
    sign, size = "-" * (number < 0), abs(number)
    return random.choice(
        (f"{sign}{size}", f"#{sign}{size}", f"{sign}{size:#x}", f"{sign}{size:#b}")
    )


def _aim(random: Random, length: int) -> str:
    if random.randrange(20) == 0:
        return str(length + random.randint(1, 9))
    place = random.randint(0, length)
    return random.choice((f"L{place}", str(place), hex(place)))
