"""Minimal pairs: an instruction and its neighbour one step away, where a character decides.

In: a ``random.Random`` and an ``InstructionSet``. Out: two ``Candidate``. Training
data takes a share of these; evaluation data takes none.
"""

from collections.abc import Sequence
from functools import lru_cache
from random import Random

from kvrm_grammar.dialects.lenient.words import one_edit_from
from kvrm_grammar.isa import Form, InstructionSet, Opcode, Operand
from training.texts.operands import immediates, kind_of, range_of, targets
from training.texts.strict.faults import (
    Draw,
    draw,
    draw_evenly,
    draw_form,
    forms_with_operands,
    in_range,
)
from training.texts.strict.refused import Candidate, broken, misspelt
from training.texts.strict.spelling import NOTATIONS, label_name, notation_value
from training.texts.strict.valid import render_form, within, written_name, written_operand
from training.texts.strict.words import TRAINING_WORDS

__all__ = ["BOTH_VALID", "minimal_pair"]

# What grounding cannot know weighs most: the operation's name and the number of operands. A
# register that does not exist is no member of a grounded language, and a model that takes it does
# little harm. A number out of range, or an operand that is missing, leaves other operations that
# begin with the same letters: of `slli a0, a1, 40` there is an SLTI. So do operands that a name a
# step away takes: `slli a0, a1, a2` is no SLL.
_WEIGHTS: dict[str, int] = {
    "mnemonic": 64, "bare": 26, "edited": 22, "stray": 26, "extra_operand": 22,
    "missing_operand": 20, "wrong_kind": 22, "commas": 10, "bad_literal": 12, "bad_register": 8,
    "bad_target": 6, "out_of_range": 30, "label_only": 4, "foreign_characters": 6, "no_blank": 3,
    "in_range": 24, "literals": 28, "plain": 14, "edges": 34, "neighbour": 60,
}  # fmt: skip
_OF_ALL_FORMS = frozenset(("extra_operand", "wrong_kind"))
"""Kinds for which all forms come alike: a name beside it may take what this one does not."""

_SIGNED_ZERO = 0.12  # of pairs out of range: where nothing below zero is in range, but `-0` is

BOTH_VALID: frozenset[str] = frozenset(("in_range", "literals", "plain", "edges"))
"""Kinds of which both sides are instructions: what a model must not learn to fear."""


def minimal_pair(
    rng: Random, isa: InstructionSet, words: Sequence[str] = TRAINING_WORDS
) -> tuple[Candidate, Candidate]:
    """Draw a valid instruction and one a step away from it, mostly of the hardest faults.

    The step leads out of the dialect, but for the kinds of ``BOTH_VALID``: numbers of many
    digits in range, short literals in all notations, the same instruction written again, and
    the first and last values that operands have, of all forms alike.

    Args:
        rng: Source of randomness.
        isa: The instruction set.
        words: Word list for labels.

    Returns:
        The instruction, and its neighbour. Whether that is refused, the oracle says.
    """
    # The fewer forms have a neighbour, the less there is to learn.
    near = len(_with_neighbours(isa)) / len(forms_with_operands(isa))
    weights = [own * (near if kind == "neighbour" else 1) for kind, own in _WEIGHTS.items()]
    kind = rng.choices(tuple(_WEIGHTS), weights)[0]
    if kind == "bare" and not _without_operands(isa):
        kind = "mnemonic"
    first, second = _texts(kind, rng, isa, words)
    return Candidate(first, kind), Candidate(second, kind)


def _texts(kind: str, rng: Random, isa: InstructionSet, words: Sequence[str]) -> tuple[str, str]:
    """The two texts of a pair of this kind."""
    if kind == "edges":
        return _at_edges(rng, isa, words)
    if kind == "neighbour":
        opcode, form, others = rng.choice(_with_neighbours(isa))
        d = draw_form(rng, isa, words, opcode, form)
        return d.join(d.operands), d.join(d.operands, written_name(rng.choice(others), rng))
    if kind in _OF_ALL_FORMS:
        return _sides(kind, draw_evenly(rng, isa, words))
    d = draw(rng, isa, words, with_operands=kind not in ("mnemonic", "edited", "plain", "bare"))
    numeric = kind in ("out_of_range", "in_range", "bad_literal", "literals")
    while numeric and _has_numbers(isa) and d.position("immediate", "target") is None:
        d = draw(rng, isa, words)
    return _sides(kind, d)


@lru_cache(maxsize=16)
def _has_numbers(isa: InstructionSet) -> bool:
    return any(targets(isa)) or any(immediates(isa))


def _sides(kind: str, d: Draw) -> tuple[str, str]:
    """A valid instruction and its neighbour."""
    if kind == "in_range":
        return in_range(d), in_range(d)
    if kind == "literals":
        return _with_literal(d), _with_literal(d)
    if kind == "plain":
        return d.join(d.operands), d.plain
    if kind == "out_of_range":
        signed = _signed_zero(d) if d.rng.random() < _SIGNED_ZERO else None
        return signed or (in_range(d), broken(kind, d))
    if kind == "bad_literal":
        return _with_literal(d), broken(kind, d)
    if kind == "bare":
        return _alone(d)
    if kind == "stray" and d.rng.random() < 0.6:
        return _with_a_word(d)
    valid = d.join(d.operands)
    if kind == "mnemonic" and d.rng.random() < 0.75:
        return valid, d.join(d.operands, misspelt(d.form.mnemonic.lower(), d.rng))
    return valid, broken(kind, d)


def _at_edges(rng: Random, isa: InstructionSet, words: Sequence[str]) -> tuple[str, str]:
    """Two instructions of one form, with values at the edges of their operands.

    All forms come alike: of a name with many of them, one would else be seen hardly ever.
    """
    opcode, form = rng.choice(forms_with_operands(isa))
    own = {operand.name: operand for operand in opcode.operands}
    slots = [own[name] for name in form.operands]

    def written() -> str:
        values = [_edge(operand, rng, isa, words) for operand in slots]
        return render_form(form, written_name(form, rng), values, rng)

    return written(), written()


def _edge(operand: Operand, rng: Random, isa: InstructionSet, words: Sequence[str]) -> str:
    """One of the first and last values of an operand, written in any way."""
    names, integers = operand.domain.names, operand.domain.integers
    if names:
        name = rng.choice((names[0], names[0], *names[:3], names[-1], rng.choice(names)))
        return written_operand(operand, name, "register", rng)
    if integers is None or (operand.domain.has_labels and rng.random() < 0.6):
        return _label(rng, isa, words, (1, 1, 1, 2, 3))
    low, high, step = integers.low, integers.high, integers.step
    edge = rng.choice((0, 0, step, 2 * step, -step, low, low + step, high, high - step))
    notation = rng.choice(NOTATIONS if kind_of(operand) == "immediate" else NOTATIONS[:4])
    value = notation_value(rng, notation, low, high) if notation == "character" else edge
    value = within(operand, value)
    text = written_operand(operand, value, notation, rng)
    below = f"-{text.lstrip('+')}"  # of zero there is a negative one, too
    if value == 0 and rng.random() < 0.3 and operand.pattern.fullmatch(below):
        return below
    return text


def _signed_zero(d: Draw) -> tuple[str, str] | None:
    """An operand of 0 with a minus, and a number below zero: the first alone is in range."""
    fits = [
        i
        for i, operand in enumerate(d.slots)
        if operand.domain.integers is not None
        and operand.domain.integers.low == 0
        and operand.pattern.fullmatch("-0")
    ]
    if not fits:
        return None
    place, notation = d.rng.choice(fits), d.rng.choice(NOTATIONS[:4])
    number = -d.rng.choice((1, 1, 2, 7, 8, 10, d.rng.randint(1, 99)))
    zero, below = (written_operand(d.slots[place], n, notation, d.rng) for n in (0, number))
    return d.replaced(place, f"-{zero.lstrip('+')}"), d.replaced(place, below)


def _label(rng: Random, isa: InstructionSet, words: Sequence[str], lengths: Sequence[int]) -> str:
    """A label of one of these lengths; its whole name where that short it would be none."""
    name = label_name(rng, isa, words)
    short = name[: rng.choice(lengths)]
    return short if isa.is_label(short) else name


def _alone(d: Draw) -> tuple[str, str]:
    """A name that stands alone, and a word that is nearly one: nothing else decides."""
    rng = d.rng
    form = rng.choice(_without_operands(d.isa))
    own = form.mnemonic.lower()
    name = written_name(form, rng)
    other = rng.choice(d.words) if rng.random() < 0.15 else own
    while other.lower() == own:
        other = misspelt(misspelt(own, rng) if rng.random() < 0.3 else own, rng)
    return name, other


@lru_cache(maxsize=16)
def _with_neighbours(isa: InstructionSet) -> tuple[tuple[Opcode, Form, tuple[Form, ...]], ...]:
    """Forms with operands, and names a step away that take no such operands.

    `sll a0, a1, a2` is an instruction, and `slli a0, a1, a2` is none.
    """
    kinds: dict[str, set[tuple[str, ...]]] = {}
    forms = {form.mnemonic: form for opcode in isa.opcodes for form in opcode.forms}
    for opcode, form in forms_with_operands(isa):
        kinds.setdefault(form.mnemonic, set()).add(_kinds(opcode, form))
    found = []
    for opcode, form in forms_with_operands(isa):
        near = one_edit_from(form.mnemonic, list(forms))
        others = [n for n in near if _kinds(opcode, form) not in kinds.get(n, ())]
        if others and form.operands:
            found.append((opcode, form, tuple(forms[name] for name in others)))
    return tuple(found)


def _kinds(opcode: Opcode, form: Form) -> tuple[str, ...]:
    """What is written behind a form's name: kinds of operands, commas and brackets."""
    own = {f"{{{operand.name}}}": kind_of(operand) for operand in opcode.operands}
    return tuple(own.get(piece, piece) for piece in form.pieces)


def _without_operands(isa: InstructionSet) -> list[Form]:
    return [form for opcode in isa.opcodes for form in opcode.forms if not form.operands]


def _with_a_word(d: Draw) -> tuple[str, str]:
    """An instruction, behind a short label perhaps, and one with a word too many somewhere."""
    rng = d.rng
    name = _label(rng, d.isa, d.words, (1, 1, 2, 3, 64))
    if d.isa.label_definition is not None and rng.random() < 0.4:
        return f"{name}: {d.plain}", f"{name} {d.plain}"
    word = rng.choice((name, d.mnemonic(), *d.operands[-1:]))
    places = [place + 1 for place, character in enumerate(d.plain) if character in " \t,"]
    place = rng.choice((0, *places))
    return d.plain, f"{d.plain[:place]}{word} {d.plain[place:]}"


def _with_literal(d: Draw) -> str:
    """The instruction with a number in any notation, as often of one as of another."""
    position = d.position("immediate", "target")
    if position is None:
        return d.plain
    immediate = kind_of(d.slots[position]) == "immediate"
    # Characters stand for immediates alone, of which few texts have one: they come twice as often.
    notation = d.rng.choice((*NOTATIONS, "character") if immediate else NOTATIONS[:4])
    low, high = range_of(d.slots[position])
    value = notation_value(d.rng, notation, low, high)
    return d.replaced(position, d.number(position, value, notation))
