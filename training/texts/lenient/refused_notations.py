"""Notations that the lenient dialect refuses. Word lists, no logic; phrases are in its lexicons.

In: nothing. Out: tuples of templates, apart from the code that fills them. ``{r}``, ``{s}``,
``{t}`` and ``{u}`` are registers, ``{n}`` and ``{m}`` numbers from 0 to 99, ``{big}`` one of three
digits, ``{w}`` a word, ``{jump}`` a verb of jumping, ``{x}`` what the fault is about. Their order
is part of what a seed means.
"""

__all__ = [
    "BAD_NUMBERS",
    "BAD_REGISTERS",
    "BAD_TARGETS",
    "CONDITIONAL",
    "EMPTY",
    "FAULTY_NAMES",
    "MEMORY_PLACES",
    "MEMORY_USES",
    "NUMBER_USES",
    "TARGET_USES",
    "UNKNOWN_SIGNS",
]


def _list(text: str) -> tuple[str, ...]:
    """Items between double bars."""
    return tuple(item.strip("\n") for item in text.strip("\n").split(" || "))


UNKNOWN_SIGNS = tuple("/ % & | ^ << >> ** == != < > && ? ~".split())
BAD_REGISTERS = _list(
    "r8 || r9 || r10 || r12 || r31 || R8 || R15 || r08 || r-1 || x3 || eax || sp || lr || a0"
    " || register 8 || register 9 || reg8 || %r8 || $r9 || %eax || $t0 || acc || r1.5 || rx"
    " || reg 10 || R99 || RO || ro || R0O || RI || A || B || X || @r1 || @r5 || *r2 || 4(r1) || $g"
    " || %g || r1b || r1f || rl"
)
BAD_NUMBERS = _list(
    "{n}.{m} || 0.{m} || {n}.0 || {n},{big} || {n}e{m} || {n}*{m} || {n} * {m} || {n}+{m}"
    " || {n} + {m} || ({n}-{m}) || {n}/{m} || {n}% || {n}px || {n}ms || 1/{m} || 2**{n}"
    " || {n}<<2 || 0x{n}g || 0b{n}2 || {n}kb || pi || half || a few || many || {n}..{m} || ~{n}"
    " || 0x || {n} or {m} || a thousand || one and a half || {n}_ || --{n} || {n}-{m}"
    " || two or three || about {n} || {n},000 || {m},{big},{big} || 0e{n} || {m}e{n} || {n}abc"
    " || 12abc || {n}xyz || 5h1 || {n}h{m} || 0xh || 0b || 0o || 0o8{n} || 0b{n}9 || 0x{n}z || $"
    " || % || {m}k || #x{n} || 1b || 1f || {n}__{m} || $g"
)
BAD_TARGETS = _list(
    "1b || 1f || 2f || 3b || {n}abc || {m}loop || {n},{big} || 0x || {m}.{n} || -{m} || {n}e{n}"
    " || {n}_ || {n}*{m} || {w}+{n} || {w}-{n} || $g || [{n}] || ({r}) || *{r} || @{r}"
)
TARGET_USES = _list(
    "jmp {x} || jz {x} || jnz {x} || js {x} || jns {x} || bne {x} || beq {x} || b {x} || goto {x}"
    " || jump {x} || bra {x} || brz {x} || bmi {x} || bpl {x} || jmp({x})"
)
FAULTY_NAMES = tuple("size flags src3 count mode width c dest2 index".split())
NUMBER_USES = _list(
    "mov {r}, {x} || {r} = {x} || set {r} to {x} || load {r} with {x} || put {x} in {r}"
    " || mov {x} -> {r} || mov({r}, {x}) || mov dest={r} value={x} || load {r} {x}"
    " || {r} := {x} || move {x} into {r}"
)
MEMORY_PLACES = _list(
    "[{r}] || [{r}+{n}] || {n}({r}) || [{n}] || ({r}) || *{r} || @{r} || &{r} || [{r}, #{n}]"
    " || mem[{r}] || [{w}] || byte [{r}] || {w}({r}) || [0x{n}] || [{r} + {s}] || ptr [{r}]"
)
MEMORY_USES = _list(
    "mov {s}, {x} || mov {x}, {s} || ld {s}, {x} || load {s} from {x} || add {s}, {t}, {x}"
    " || {s} = {x} || {x} = {s} || inc {x} || store {s} at {x} || copy {s} to memory"
    " || load {s} from address {n} || put {s} at memory location {n} || cmp {s}, {x}"
    " || read {x} into {s}"
)
CONDITIONAL = _list(
    "{jump} {w} if {x} || if {x} {jump} {w} || {jump} {w} when {x} || {jump} {w} unless {x}"
    " || halt if {x} || if {x}, {jump} {w}"
)
EMPTY = tuple('|; {w}|// {w}|{w}:|{w}: ; x|``|""|>>>|...|-|3.| |\t|  \n'.split("|"))
