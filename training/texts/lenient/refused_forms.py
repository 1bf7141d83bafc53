"""Near misses of the forms that programs and notes write, and operations of other machines.

In: a :class:`Fault`. Out: a text that looks like a step of one, an arrow, a record, a source first
or ``$n``, and is no instruction. :mod:`training.texts.lenient.refused` lists them beside others.
"""

import json
import re
from collections.abc import Sequence
from functools import cache

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import load_set
from training.texts.lenient import context
from training.texts.lenient import refused_notations as templates
from training.texts.lenient.fault import Fault, instruction
from training.texts.lenient.forms import NAMES
from training.texts.lenient.programs import ARROWS, KEYS, TURNED_ARROWS, joined_record
from training.texts.near import others_near
from training.texts.strict.spelling import mixed_case

__all__ = [
    "GAPS",
    "arrows_fault",
    "dollar_fault",
    "increment_fault",
    "other_operands",
    "other_operation",
    "record_fault",
    "reversed_fault",
]

SYNONYMS = lenient_data(load_set()).synonyms
_NEAR = 0.4  # how many operations of other machines are an edit from one of ours
GAPS: tuple[str, ...] = (" ", " ", "  ", "\t", "    ")


def other_operation(f: Fault) -> str:
    """An operation of another machine, in any form that one of this machine's could stand in."""
    rng = f.rng
    word, operands = _near_operation(f) if rng.random() < _NEAR else _any_operation(f)
    name = mixed_case(word, rng)
    text, roll = f.listed(name, operands), rng.random()
    if roll < 0.5:
        return text
    if roll < 0.57:
        return f"{name}({rng.choice((', ', ',')).join(operands)})"
    if roll < 0.6:
        return f"({name} {' '.join(operands)})" if operands else f"{name}()"
    if roll < 0.68:
        labels = f.labels(("dest", "src1", "src2") if len(operands) > 2 else ("dest", "src"))
        pairs = [*zip(labels.values(), operands, strict=False)]
        if rng.random() < 0.4:
            return f.by_name(name, pairs).strip()
        return as_record(f, rng.choice(KEYS), name, pairs)
    if roll < 0.73 and len(operands) > 1:
        arrow = rng.choice(("->", "->", *TURNED_ARROWS))
        return f"{f.listed(name, operands[:-1])} {arrow} {operands[-1]}"
    if roll < 0.81:
        return context.listing(text, rng)
    if roll < 0.85:
        return f"{f.word()}:{rng.choice((' ', ' ', '  ', ''))}{text}"
    if roll < 0.89:
        return f"{context.bare_label(rng, f.words)}{rng.choice(GAPS)}{text}"
    if roll < 0.95:  # as if it were a label
        return f"{name}{rng.choice(GAPS)}{instruction(f)}"
    if roll < 0.98:
        r, s, t = f.registers(3)
        return f"{r} {rng.choice(('=', ':=', '<-', '←'))} {s} {name.lower()} {t}"
    return rng.choice(("OP_" + name.upper(), "." + name.lower())) + text[len(name) :]


def _any_operation(f: Fault) -> tuple[str, list[str]]:
    return f.rng.choice(f.lexicon.operations), other_operands(f)


def _near_operation(f: Fault) -> tuple[str, list[str]]:
    """One that would be a typing error of ours, were it no name, with operands of that."""
    word, mnemonic = f.rng.choice(_near_ours(f.lexicon.operations))
    while True:
        meaning = f.meaning()
        if meaning.opcode.mnemonic == mnemonic:
            return word, f.operands(meaning)


@cache
def _near_ours(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Names of other machines, and which of ours with operands each is an edit from."""
    some = {opcode.mnemonic for opcode in load_set().opcodes if opcode.operands}
    return [(name, own) for name, own in others_near(names, load_set()) if own in some]


def other_operands(f: Fault) -> list[str]:
    """What such operations are written with: as ours are, or with a place in memory."""
    rng = f.rng
    roll = rng.random()
    if roll < 0.7:
        operands = f.registers(rng.choice((0, 0, 1, 1, 2, 2, 3, 3)))
        if operands and rng.random() < 0.3:
            number = str(rng.randint(0, 255))
            operands[-1] = rng.choice((number, "#" + number, hex(rng.randint(0, 255)), f.word()))
        return operands
    if roll < 0.82:
        return [f.word()]
    (r,) = f.registers(1)
    return [r] * rng.randint(0, 1) + [f.filled(templates.MEMORY_PLACES)]


def increment_fault(f: Fault) -> str:
    """A step of another size, of another register, or of none."""
    rng = f.rng
    r, s = rng.sample(f.isa.names, 2)
    r, s = mixed_case(r, rng), mixed_case(s, rng)
    number = rng.choice((0, 2, 2, 3, 5, 10, 11, 16, 100, rng.randint(2, 9), rng.randint(2, 999)))
    k = rng.choice((str(number), str(number), str(number), f"#{number}", hex(number)))
    sign, assign = rng.choice("+-"), rng.choice(("=", "=", ":=", "<-"))
    ways = (
        f"{r} {sign}= {k}", f"{r} {sign}= {k}", f"{r}{sign}={number}", f"{r} {sign}= {k}",
        f"{r} {assign} {r} {sign} {k}", f"{r} {assign} {r} {sign} {k}",
        f"{r}{assign}{r}{sign}{number}", f"{r} {assign} {s} {sign} 1",
        f"{r} {assign} {s} {sign} 1", f"{r}={s}{sign}1", f"{r}{sign}{sign}{number}",
        f"{r}{sign}{sign} {number}", f"{r} {sign}=", f"{r} {assign} {r} {sign}",
        f"{r} {sign}= 1.{rng.randint(0, 9)}", f"{r} {sign}= 1 {sign} 1",
        f"{r} {assign} {r} {sign} 1 {sign} 1", f"{r} *= 1", f"{r} {assign} {r} * 1",
        f"{r} {assign} {r} {sign} 1 {sign} {s}", f"r{rng.randint(8, 15)} {sign}= 1",
        f"{rng.randint(2, 99)} {sign}= 1", f"{r} {sign}= {f.plain_word()}",
        f"{r} {sign} 1", f"{sign}= 1", f"{r} /= {k}", f"{r} {sign}= 1 {sign}= 1",
        f"{r}, {s} {sign}= 1", f"{f.plain_word()} {sign}= 1",
    )  # fmt: skip
    return rng.choice(ways)


def arrows_fault(f: Fault) -> str:
    """An arrow with an operand too few or too many, or a sign of mathematics that none reads."""
    rng = f.rng
    r, s, t, u = f.registers(4)
    a, back = rng.choice(ARROWS), rng.choice(TURNED_ARROWS)
    sign, strange = rng.choice("+−×"), rng.choice("÷∧∨⊕⊗≫≪∕√¬≠≤≥±")
    n, bad = rng.randint(2, 99), rng.choice(templates.BAD_REGISTERS)
    alu = rng.choice(("add", "sub", "mul"))
    ways = (
        f"{r} {a} {s} {sign}", f"{a} {s} {sign} {t}", f"{r} {a}", f"{r} {a} {sign} {t}",
        f"{r} {a} {s} {strange} {t}", f"{r} {a} {s} {strange} {t}", f"{r}{a}{s}{strange}{t}",
        f"{r} {a} {s} {strange} {n}", f"{r} {a} {s} {sign} {n}", f"{r} {a} {n} {sign} {s}",
        f"{r} {a} {n} {sign} {n}", f"{bad} {a} {r} {sign} {s}", f"{r} {a} {s} {sign} {bad}",
        f"{r} {a} {bad}", f"{r} {a} {s} {sign} {t} {sign} {u}", f"{r} {a} {s} {a} {t}",
        f"{r} ↔ {s}", f"{r} ⇄ {s}", f"{r} {strange} {s}", f"{n} {a} {r}", f"{n} {a} {n}",
        f"{f.word()} {a} {n}", f"{f.word()} {a} {r}", f"{r} {a} {f.plain_word()}",
        f"{r} {a} {n}.5", f"{r} {a} {rng.choice('√¬~|')}{s}", f"{r} {a} [{s}]", f"[{r}] {a} {s}",
        f"mov {n} {back} {n + 1}", f"mov {n} {back} {bad}", f"mov {n} {back}",
        f"{alu} {r}, {s} {back}", f"{alu} {r}, {s} {back} {n}", f"{alu} {r}, {n} {back} {s}",
        f"{alu} {r}, {s}, {t} {back} {u}", f"{alu} {back} {r}", f"{r} {a} {s}, {t}",
    )  # fmt: skip
    return rng.choice(ways)


def record_fault(f: Fault) -> str:
    """A record with a field too few, too many or unknown, or of no operation of this machine."""
    rng, meaning = f.rng, f.meaning()
    labels = f.labels([*meaning.values])
    pairs = [*zip((labels[n] for n in meaning.values), f.operands(meaning), strict=True)]
    name, key = f.name(meaning), rng.choice(KEYS)
    places = range(len(pairs))
    roll = rng.random()
    if roll < 0.2:
        # Without its first source, it could be the shorthand.
        del pairs[0 if len(pairs) == 3 else rng.choice(places)]
        if rng.random() < 0.2:
            pairs = pairs[:-1]
    elif roll < 0.36:
        own = {label for label, _ in pairs}
        named = {other for label in meaning.values for other in NAMES[label]}
        others = [n for n in ("src3", "value", "addr", "dest2", "cond", "shift")
                  if n not in own | named]  # fmt: skip
        extra = rng.choice((f.registers(1)[0], str(rng.randint(0, 99))))
        pairs.insert(rng.randint(0, len(pairs)), (rng.choice(others), extra))
    elif roll < 0.5:
        place = rng.choice(places)
        pairs[place] = (rng.choice(templates.FAULTY_NAMES), pairs[place][1])
    elif roll < 0.62:
        name = mixed_case(rng.choice(f.lexicon.operations), rng)
        name = rng.choice((name, name, "OP_" + name.upper()))
    elif roll < 0.72:
        name = rng.choice((f.plain_word(), f.plain_word(), "", "INVALID", "null"))
        if context.is_bare_label(name) is False and name not in ("", "INVALID", "null"):
            name = "unknown"
    elif roll < 0.8:
        return joined_record(rng, pairs) if len(pairs) > 1 else f"{{{pairs[0][0]}: {pairs[0][1]}}}"
    else:
        pairs = _with_wrong_value(f, pairs, [*meaning.values])
    return as_record(f, key, name, pairs)


def as_record(f: Fault, key: str, name: str, pairs: Sequence[tuple[str, str]]) -> str:
    """A record in any style; now and then as an answer is, with its operands in another."""
    rng = f.rng
    if rng.random() > 0.15 or len(dict(pairs)) < len(pairs):
        return joined_record(rng, [(key, name), *pairs])
    bare = name.upper().removeprefix("OP_")
    params = {label: int(v) if re.fullmatch("-?[0-9]{1,18}", v) else v for label, v in pairs}
    whole = {rng.choice(("key", "key", "op", "opcode")): "OP_" + bare,
             rng.choice(("params", "params", "args", "operands")): params}  # fmt: skip
    tight = rng.random() < 0.5
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":") if tight else None)


def _with_wrong_value(
    f: Fault, pairs: list[tuple[str, str]], names: Sequence[str]
) -> list[tuple[str, str]]:
    rng = f.rng
    place = rng.randrange(len(pairs))
    own, label = pairs[place][0], names[place]
    if label == "addr":
        wrong = rng.choice((f.registers(1)[0], "-1", "1.5", "[x]", "*"))
    elif label == "value":
        wrong = rng.choice((f.plain_word(), "1.5", "12abc", "[r1]", "99999999999", "null"))
    else:
        bad = rng.choice(templates.BAD_REGISTERS)
        wrong = rng.choice((bad, bad, str(rng.randint(8, 99)), f.plain_word()))
        if label == "src":
            wrong = bad
    pairs[place] = (own, wrong)
    return pairs


def reversed_fault(f: Fault) -> str:
    """A number first where it can be no source."""
    rng = f.rng
    r, s = f.registers(2)
    mov = mixed_case(rng.choice(("MOV", "MOV", *SYNONYMS["MOV"])), rng)
    alu = mixed_case(rng.choice(("ADD", "SUB", "MUL", "PLUS", "SUBTRACT", "MULT")), rng)
    step = mixed_case(rng.choice(("INC", "DEC", "INCR", "DECR")), rng)
    cmp = mixed_case(rng.choice(("CMP", "CMP", "COMPARE")), rng)
    low = str(rng.randint(0, 255))
    n = rng.choice((low, low, "#" + low, hex(int(low))))
    bad, beyond = rng.choice(templates.BAD_REGISTERS), rng.randint(2**31, 10**11)
    wrong = f.filled(templates.BAD_NUMBERS)
    ways = (
        (mov, [n, str(rng.randint(0, 255))]), (mov, [n, str(rng.randint(0, 255))]),
        (mov, [n, bad]), (mov, [n, bad]), (mov, [n, f.plain_word()]), (mov, [n]),
        (mov, [n, r, s]), (mov, [n, r, str(rng.randint(0, 99))]), (mov, [str(beyond), r]),
        (mov, [wrong, r]), (mov, [f.plain_word(), r]), (mov, [n, f"[{r}]"]),
        (mov, [n, f"@{r}"]), (mov, [n, f"({r})"]), (alu, [n, r, s]), (alu, [n, r, s]),
        (alu, [n, r]), (alu, [n, r]), (alu, [r, n]), (alu, [n, n, r]), (cmp, [n, r]), (cmp, [n, r]),
        (cmp, [n, n]), (step, [n]), (step, [n, r]), (step, ["1", r]), ("jmp", [n.strip("#"), r]),
    )  # fmt: skip
    return f.listed(*rng.choice(ways))


def dollar_fault(f: Fault) -> str:
    """``$n`` of a register that is none, or a number where only registers stand."""
    rng = f.rng
    one, two, three = (f"${rng.randint(0, 7)}" for _ in range(3))
    bad = rng.choice(("$8", "$9", "$10", "$12", "$15", "$31", f"${rng.randint(8, 99)}", "$g", "$t0",
                      "$sp", "$ra", "$zero", "$", "$-1", "$s1", "$x", "$1.5", "$0x1"))  # fmt: skip
    alu = rng.choice(("ADD", "SUB", "MUL", "ADDU", "MULT"))
    n = rng.randint(0, 99)
    ways = (
        (alu, [bad, one, two]), (alu, [one, bad, two]), (alu, [one, two, bad]), (alu, [one, bad]),
        (alu, [bad, one]), (alu, [one, two, str(n)]), (alu, [one, str(n), two]),
        (alu, [one, two, f"#{n}"]), (alu, [one]), (alu, [one, two, three, f"${rng.randint(0, 7)}"]),
        ("INC", [bad]), ("DEC", [bad]), ("INC", [bad]), ("INC", [one, two]), ("DEC", [one, two]),
        ("CMP", [one, bad]), ("CMP", [bad, one]), ("CMP", [one]), ("CMP", [one, two, three]),
        ("CMP", [one, str(n)]), ("MOV", [bad, str(n)]), ("MOV", [bad, str(n)]),
        ("LI", [bad, hex(n)]),
        ("MOV", [one]), ("MOV", [one, two, three]), ("LI", [one]), ("MOV", [one, f"[{two}]"]),
        ("MOV", [one, rng.choice(("$g", "$t0", "$sp", "$zero", "$", "$x", "$1.5"))]),
        ("MOV", [f"r{rng.randint(0, 7)}", rng.choice(("$g", "$xyz", "$", "$ 5g", "$1.5", "$-"))]),
        ("MOV", [f"r{rng.randint(0, 7)}", f"${rng.randint(2**31, 2**40):x}"]),
        ("LW", [one, f"{n}({two})"]), ("ADDI", [one, two, str(n)]), ("JMP", ["$g"]),
        ("JZ", ["$zz"]),
    )  # fmt: skip
    name, operands = rng.choice(ways)
    return f.listed(mixed_case(name, rng), operands)
