"""A valid instruction taken apart, and the faults its operands can have.

In: a ``random.Random`` and an ``InstructionSet``. Out: texts whose operands are
one step away from valid. :mod:`training.texts.strict.refused` chooses among these and its own.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from kvrm_grammar.isa import Form, InstructionSet, Opcode, Operand, OperationModel
from training.texts.operands import immediates, kind_of, range_of
from training.texts.strict.spelling import (
    BASES,
    NOTATIONS,
    digits_of,
    integer_text,
    label_name,
    mixed_case,
    near,
    random_integer,
)
from training.texts.strict.valid import (
    operand_text,
    random_operation,
    render_form,
    render_operands,
    render_operation,
    separators_of,
    within,
    written_operand,
)

__all__ = [
    "KEYBOARD",
    "Draw",
    "bad_literal",
    "bad_register",
    "bad_target",
    "draw",
    "draw_evenly",
    "draw_form",
    "edit",
    "forms_with_operands",
    "in_range",
    "out_of_range",
]

KEYBOARD = string.ascii_letters + string.digits * 3 + "rR ,,,--+#.:;'xX_$\t"
"""What an edit puts in; the more often a character is here, the more often it is drawn."""

_PRINTABLE = string.ascii_letters + string.digits + " ,.;:+-*/"


@dataclass(frozen=True)
class Draw:
    """One valid instruction taken apart, ready to be broken.

    Attributes:
        form: How it is written.
        slots: The operands that are written, in written order.
        operands: Their words.
        plain: The whole instruction.
    """

    rng: Random
    isa: InstructionSet
    words: Sequence[str]
    opcode: Opcode
    form: Form
    slots: tuple[Operand, ...]
    operands: tuple[str, ...]
    plain: str

    def mnemonic(self) -> str:
        """The mnemonic in some case."""
        return mixed_case(self.form.mnemonic, self.rng)

    def join(self, operands: Sequence[str], mnemonic: str | None = None) -> str:
        """An instruction of these operands, with separators that the grammar takes."""
        name = mnemonic or self.mnemonic()
        if len(operands) == len(self.form.operands):
            return render_form(self.form, name, operands, self.rng)
        return render_operands(name, operands, self.rng, between=separators_of(self.isa))

    def replaced(self, position: int, operand: str) -> str:
        """The instruction with another text as one operand."""
        parts = list(self.operands)
        parts[position] = operand
        return self.join(parts)

    def number(self, position: int, value: int, notation: str) -> str:
        """A number as an operand: in range and in step, in a notation that the grammar takes."""
        slot = self.slots[position]
        return written_operand(slot, within(slot, value), notation, self.rng)

    def position(self, *kinds: str) -> int | None:
        """An operand of one of these kinds, if there is one."""
        fits = [i for i, o in enumerate(self.slots) if kind_of(o) in kinds]
        return self.rng.choice(fits) if fits else None

    def any_operand(self, *kinds: str) -> str:
        """A well-formed operand of one of these kinds."""
        kind = self.rng.choice(kinds)
        if kind == "register":
            return operand_text(self.rng.choice(self.isa.names), kind, self.rng)
        if kind == "label":
            return label_name(self.rng, self.isa, self.words)
        value = random_integer(self.rng, *immediates(self.isa))
        return operand_text(value, "decimal", self.rng, immediate=True)


def draw(
    rng: Random, isa: InstructionSet, words: Sequence[str], *, with_operands: bool = True
) -> Draw:
    """Draw an instruction and take it apart."""
    some = any(form.operands for opcode in isa.opcodes for form in opcode.forms)
    while True:
        operation, opcode, kinds = random_operation(rng, isa, words)
        form = opcode.forms[0] if len(opcode.forms) == 1 else rng.choice(opcode.forms)
        if form.operands or not (with_operands and some):
            return _taken_apart(rng, isa, words, form, (operation, opcode, kinds))


def draw_evenly(rng: Random, isa: InstructionSet, words: Sequence[str]) -> Draw:
    """Draw an instruction with operands, all forms alike, and take it apart."""
    return draw_form(rng, isa, words, *rng.choice(forms_with_operands(isa)))


def draw_form(
    rng: Random, isa: InstructionSet, words: Sequence[str], opcode: Opcode, form: Form
) -> Draw:
    """Draw an instruction of one form of an opcode and take it apart."""
    return _taken_apart(rng, isa, words, form, random_operation(rng, isa, words, opcode))


@lru_cache(maxsize=16)
def forms_with_operands(isa: InstructionSet) -> tuple[tuple[Opcode, Form], ...]:
    """Forms that write operands; all of them, in a set without such."""
    forms = tuple((opcode, form) for opcode in isa.opcodes for form in opcode.forms)
    return tuple(one for one in forms if one[1].operands) or forms


def _taken_apart(
    rng: Random,
    isa: InstructionSet,
    words: Sequence[str],
    form: Form,
    drawn: tuple[OperationModel, Opcode, tuple[str, ...]],
) -> Draw:
    operation, opcode, kinds = drawn
    values = operation.params.model_dump()
    own = {o.name: (o, kind) for o, kind in zip(opcode.operands, kinds, strict=True)}
    slots = [own[name] for name in form.operands]
    operands = tuple(written_operand(o, values[o.name], kind, rng) for o, kind in slots)
    plain = render_operation(operation, opcode, kinds, rng, form)
    return Draw(rng, isa, words, opcode, form, tuple(o for o, _ in slots), operands, plain)


def _register_letters(isa: InstructionSet) -> tuple[str, ...]:
    """What numbered registers begin with, in upper and in lower case."""
    stems = {word.rstrip(string.digits) for word in isa.spellings if word[-1:].isdigit()}
    letters = {case for stem in stems for case in (stem.upper(), stem.lower())}
    return tuple(sorted(letters)) or ("R", "r")


def bad_register(d: Draw) -> str:
    """A register that does not exist."""
    position = d.position("register")
    if not d.operands:
        return d.plain
    if position is None:
        letter = d.rng.choice(_register_letters(d.isa))
        return d.replaced(0, f"{letter}{d.rng.choice((0, 3, 7, 8, 9, 12, 31, '05'))}")
    r = d.rng.choice(_register_letters(d.isa))
    digit = d.rng.randint(0, 7)
    forms = (
        f"{r}{d.rng.choice((8, 9))}", f"{r}{d.rng.choice((8, 9))}", f"{r}{d.rng.randint(10, 99)}",
        f"{r}0{digit}",
        f"{r}-{digit}", f"{r}{digit}{d.rng.choice('xXaR_.')}", f"{r} {digit}",
        f"{d.rng.choice('xXaAeEtTsSvV')}{digit}",
        f"%{r}{digit}", f"${r}{digit}", f"reg{digit}", f"{r}{r}{digit}", f"{digit}{r}", r,
        str(digit),
        f"[{r}{digit}]", f"({r}{digit})", f"{r}_{digit}", f"{r}{digit}{d.rng.randint(0, 9)}", "sp",
        "pc", "rax", "acc",
        f"*{r}{digit}", f"-{r}{digit}", f"{r}{digit}++", f"#{r}{digit}", f"{r}{digit}.",
        f"'{r}{digit}'", f"_{r}{digit}", f".{r}{digit}",
    )  # fmt: skip
    return d.replaced(position, d.rng.choice(forms))


def out_of_range(d: Draw) -> str:
    """A number beyond the bounds, or a sign where none may be."""
    rng, position = d.rng, d.position("immediate", "target")
    if position is None:
        return bad_register(d)
    target = kind_of(d.slots[position]) == "target"
    low, high = _bounds(d, position)
    negative = rng.random() < 0.35
    notation = _notation(rng)
    value = near(rng, -low if negative else high, above=True, notation=notation)
    if rng.random() < 0.4:
        digits = rng.randint(len(str(high)), rng.choice((11, 13, 20)))
        value = max(rng.randint(10 ** (digits - 1), 10**digits - 1), value)
    if negative:
        value = -rng.randint(1, 10 ** rng.randint(1, 9)) if target else -value
    return d.replaced(position, integer_text(value, notation, rng, sign=not target))


def in_range(d: Draw) -> str:
    """A number just inside the bounds, at one of them, or with any number of digits."""
    rng, position = d.rng, d.position("immediate", "target")
    if position is None:
        return d.plain
    target = kind_of(d.slots[position]) == "target"
    low, high = _bounds(d, position)
    negative = not target and rng.random() < 0.35
    bound, notation = -low if negative else high, _notation(rng)
    roll = rng.random()
    if roll < 0.1:
        value = bound
    elif roll < 0.6:
        value = near(rng, bound, above=False, notation=notation)
    else:
        digits = rng.randint(1, len(digits_of(bound, BASES[notation])))
        value = rng.randint(0, min(bound, BASES[notation] ** digits))
    return d.replaced(position, d.number(position, -value if negative else value, notation))


def _bounds(d: Draw, position: int) -> tuple[int, int]:
    """The range of an operand; that of an address is as wide below zero as above."""
    low, high = range_of(d.slots[position])
    return (-high - 1 if d.slots[position].domain.has_labels else low), high


def _notation(rng: Random) -> str:
    return rng.choices(NOTATIONS[:4], (6, 2, 1, 1))[0]


def bad_literal(d: Draw) -> str:
    """A number written in a way the dialect does not have."""
    position = d.position("immediate", "target")
    if position is None:
        return bad_register(d)
    rng = d.rng
    n, m = rng.randint(0, 9999), rng.randint(0, 99)
    a, b = rng.choice(_PRINTABLE), rng.choice(_PRINTABLE)
    digits = "".join(rng.choice("01") for _ in range(rng.randint(0, 6)))
    forms = (
        f"0{n}", f"00{m}", f"{n}_{n}", f"{m},{n:03}", f"1e{m}", f"{m}.{m}", f"{m}.", f".{m}",
        "0x", "0b", "0o", f"0x{n}g", f"0b{m}2", f"0b{digits}{rng.randint(2, 9)}{digits[:2]}",
        f"0o{m}8", f"${n:x}", f"%{m:b}", f"0{n:X}h", f"{n:x}h", f"--{m}", f"-+{m}", f"- {m}",
        f"+ {m}", f"\"{m}\"", f"'{a}{b}'", "''", "'", f"'\\{rng.choice('abefuvxAN19')}'",
        f"\"{a}\"", f"`{a}`", f"# {m}", f"##{m}", f"={n}", f"{m}u", f"{m}L", f"{m}+{m}",
        f"{m}*2", f"{m}-1", f"({m})", f"[{m}]", f"@{n}", f"&{n}", f"{m}%", f"0x-{m}", f"-#{m}",
        f"{m}#", f"'{a}", f"0{rng.choice('xXbBoO')}{rng.choice('gGoOzZxX')}",
        f"{rng.choice('+-')} {n}", f"{a}'", f"{'-+'[m % 2]}'{a}'", f"0X{m}_0", "one", "ten",
        f"\u2212{m}", f"~{m}", f"!{m}", f"{m}/2", f"0d{m}", f"x{n:x}", f"0h{m}",
        f"{n}{rng.choice(string.ascii_letters)}",
    )  # fmt: skip
    return d.replaced(position, rng.choice(forms))


def bad_target(d: Draw) -> str:
    """A jump to what is neither an address nor a label."""
    jumps = [o for o in d.isa.opcodes if any(kind_of(x) == "target" for x in o.operands)]
    opcode = d.rng.choice(jumps or [d.opcode])
    rng, name, n = d.rng, label_name(d.rng, d.isa, d.words), d.rng.randint(0, 9999)
    r = rng.choice(_register_letters(d.isa)) + str(
        rng.choice((*range(10), 12, 15, 31, 99, "00", "05"))
    )
    forms = (
        r, r, r, r, f"#{n}", f"-{n}", f"+{n}", f"@{name}", f"{name}:", f"[{name}]",
        f"{n}{name[:6]}", f"{name}-{n}", f"${name}",
        f"{name} {name}", f"{name}+{n}", f"*{name}", f"&{name}", f"'{name[:5]}'", f'"{name}"',
        f"{name}!", f"{name}@plt", f"%{name}",
        (name + "_x" * 40)[: rng.randint(65, 80)], f"({name})", f"#{name}", f"{name},", f",{name}",
        f"{name[:8]}/{name[:8]}", f"={name}",
    )  # fmt: skip
    if len(opcode.operands) == 1:
        return d.join([rng.choice(forms)], mixed_case(opcode.mnemonic, rng))
    return _with_target(d, opcode, rng.choice(forms))


def _with_target(d: Draw, opcode: Opcode, target: str) -> str:
    """One of an opcode's forms with this text for a target, registers as they come."""
    form = d.rng.choice(opcode.forms)
    own = {operand.name: operand for operand in opcode.operands}
    words = [
        d.rng.choice([word for word, _ in own[name].spellings] or [target])
        for name in form.operands
    ]
    return render_form(form, mixed_case(form.mnemonic, d.rng), words, d.rng)


def edit(text: str, rng: Random, alphabet: str) -> str:
    """Put a character of the alphabet in, take one out, replace one, or swap two."""
    place, char = rng.randrange(len(text) + 1), rng.choice(alphabet)
    kind = rng.randrange(4)
    if kind == 0 or place == len(text):
        return text[:place] + char + text[place:]
    if kind == 1:
        return text[:place] + text[place + 1 :]
    if kind == 2:
        return text[:place] + char + text[place + 1 :]
    return text[:place] + text[place : place + 2][::-1] + text[place + 2 :]
