"""Operation -> text, in all the ways the dialect allows people to write it.

In: a ``random.Random`` and an ``InstructionSet``. Out: ``Variant``: a text,
the operation it means, and the kinds of writing in it. Training data, evaluation
data and fuzzing draw from here with different seeds and word lists; nothing in the
answer path does. Texts that must be refused come from :mod:`training.texts.strict.refused`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from kvrm_grammar.isa import Form, InstructionSet, Opcode, Operand, OperationModel
from training.texts.operands import kind_of, range_of
from training.texts.strict.spelling import (
    NOTATIONS,
    integer_text,
    label_name,
    mixed_case,
    notation_value,
)
from training.texts.strict.words import COMMENTS, TRAINING_WORDS

__all__ = [
    "Variant",
    "decorate",
    "operand_text",
    "random_operation",
    "render_form",
    "render_operands",
    "render_operation",
    "separator",
    "separators_of",
    "valid_variant",
    "within",
    "written_name",
    "written_operand",
]

# The first five come often, and so does each of them as often as it stands there.
_SEPARATORS = (
    *(", ", ", ", ", ", ",", " "),
    *(" ", " ", ",", "  ", "\t", " ,", " , ", ",  ", ",\t", "   ", " \t,"),
)


@dataclass(frozen=True)
class Variant:
    """One text, what it means, and the kinds of writing it shows. Immutable."""

    text: str
    operation: OperationModel
    kinds: tuple[str, ...]


def _operand_value(
    rng: Random, operand: Operand, isa: InstructionSet, words: Sequence[str]
) -> tuple[object, str]:
    """Draw an operand's value and the kind of writing it asks for."""
    kind = kind_of(operand)
    if kind == "register":
        return rng.choice(operand.domain.names), "register"
    if kind == "immediate":
        notation = rng.choices(NOTATIONS, (56, 20, 7, 7, 10))[0]
        return within(operand, notation_value(rng, notation, *range_of(operand))), notation
    if operand.domain.integers is None or rng.random() < 0.72:
        return label_name(rng, isa, words), "label"
    notation = rng.choices(NOTATIONS[:4], (70, 20, 5, 5))[0]
    return within(operand, notation_value(rng, notation, *range_of(operand))), notation


def within(operand: Operand, value: int) -> int:
    """The nearest member of an operand's integers at or below a value; it where there are none."""
    integers = operand.domain.integers
    if integers is None:
        return value
    value = min(max(value, integers.low), integers.high)
    return value - value % integers.step


def written_name(form: Form, rng: Random) -> str:
    """A form's mnemonic, in any case where its case is free."""
    return mixed_case(form.mnemonic, rng) if form.free_case else form.mnemonic


def written_operand(operand: Operand, value: object, kind: str, rng: Random) -> str:
    """Write a value as the grammar takes it for an operand.

    Args:
        operand: Which operand.
        value: A name, an integer or a label.
        kind: ``register``, ``label`` or a notation; decimal where the grammar has not that one.
        rng: Source of randomness.
    """
    spelled = [word for word, name in operand.spellings if name == value]
    if kind == "register" and {*spelled} != {str(value).upper(), str(value).lower()}:
        return rng.choice(spelled)
    text = operand_text(value, kind, rng, immediate=kind_of(operand) == "immediate")
    return text if operand.pattern.fullmatch(text) else str(value)


def operand_text(value: object, kind: str, rng: Random, *, immediate: bool = False) -> str:
    """Write one operand's value.

    Args:
        value: A register name, an integer or a label.
        kind: ``register``, ``label`` or a notation.
        rng: Source of randomness.
        immediate: Whether the `#` prefix and a sign are allowed.
    """
    if kind == "register":
        return mixed_case(str(value), rng)
    if isinstance(value, int):
        prefix = "#" if immediate and rng.random() < 0.22 else ""
        return prefix + integer_text(value, kind, rng, sign=immediate)
    return str(value)


def separator(rng: Random) -> str:
    """Blanks, or one comma with optional blanks."""
    return rng.choice(_SEPARATORS[:5] if rng.random() < 0.70 else _SEPARATORS[5:])


@lru_cache(maxsize=16)
def separators_of(isa: InstructionSet) -> frozenset[str]:
    """Of what :func:`separator` draws, what a set's grammar takes between two operands."""
    forms = [form for opcode in isa.opcodes for form in opcode.forms if len(form.operands) > 1]
    return frozenset(
        one
        for one in _SEPARATORS
        if any(form.takes(f"x {one.join('a' for _ in form.operands)}") for form in forms)
    )


def render_operands(
    mnemonic: str, operands: Sequence[str], rng: Random, between: Collection[str] = ()
) -> str:
    """Join a mnemonic and written operands with random blanks and separators.

    Args:
        mnemonic: As it is to be written.
        operands: Their words.
        rng: Source of randomness.
        between: The separators that may stand there; all, where none are named.
    """
    blank = rng.choice((" ", " ", " ", " ", " ", "  ", "\t", "    "))
    text = mnemonic + (blank if operands else "")
    for position, operand in enumerate(operands):
        if position:
            drawn = separator(rng)
            text += drawn if not between or drawn in between else ", "
        text += operand
    return text


def render_operation(
    operation: OperationModel,
    opcode: Opcode,
    kinds: Sequence[str],
    rng: Random,
    form: Form | None = None,
) -> str:
    """Write an operation as one strict instruction.

    Args:
        operation: What to write.
        opcode: Its row of the instruction set.
        kinds: For each operand, how: ``register``, ``label`` or a notation.
        rng: Source of randomness.
        form: Which of its forms; None for the first.
    """
    form, values = form or opcode.forms[0], operation.params.model_dump()
    written = {
        operand.name: written_operand(operand, values[operand.name], kind, rng)
        for operand, kind in zip(opcode.operands, kinds, strict=True)
        if operand.name in form.operands
    }
    return render_form(form, written_name(form, rng), [written[one] for one in form.operands], rng)


def render_form(form: Form, name: str, words: Sequence[str], rng: Random) -> str:
    """Write operands in the order of a form, with what the grammar takes between them.

    Args:
        form: Of which opcode's, does not matter.
        name: The mnemonic as it is to be written.
        words: The operands that the form writes, in its order; rightly written or not.
        rng: Source of randomness.
    """
    listed = render_operands(name, words, rng)
    if form.takes(listed, words):
        return listed
    written = dict(zip(form.operands, words, strict=True))
    spread = name + "".join(_piece(piece, written, rng) for piece in form.pieces)
    return spread if form.takes(spread, words) else form.joined(name, written)


def _piece(piece: str, written: Mapping[str, str], rng: Random) -> str:
    """An operand, or what stands between two, now and then with blanks around it."""
    if piece[:1] == "{" and piece[1:-1] in written:
        return written[piece[1:-1]]
    if piece.isspace() or rng.random() < 0.8:
        return piece
    before, behind = rng.choices(("", " ", "  ", "\t"), (4, 4, 1, 1), k=2)
    return before + piece.strip() + behind


def decorate(
    text: str, rng: Random, isa: InstructionSet, words: Sequence[str] = TRAINING_WORDS
) -> str:
    """Add, now and then, what does not change the meaning: label, blanks, comment, line end."""
    if rng.random() < 0.07 and isa.label_definition is not None:
        gap = rng.choice((" ", " ", "", "\t", "  "))
        text = label_name(rng, isa, words) + ":" + gap + text
    if rng.random() < 0.10:
        text = rng.choice((" ", "\t", "    ")) + text
    if rng.random() < 0.08:
        mark = rng.choice((";", "; ", " ;", " ; ", " // ", "//", " # ", "\t; "))
        signs = isa.comments.line
        if signs and mark.strip() not in signs:
            mark = f" {signs[0]} "
        text += mark + rng.choice(COMMENTS) if signs else ""
    elif rng.random() < 0.05:
        text += rng.choice((" ", "\t", "\n", "\r\n"))
    return text


def random_operation(
    rng: Random,
    isa: InstructionSet,
    words: Sequence[str] = TRAINING_WORDS,
    opcode: Opcode | None = None,
) -> tuple[OperationModel, Opcode, tuple[str, ...]]:
    """Draw an operation, its opcode and the way to write each operand.

    Where no opcode is given, those with numbers come more often: there is more to learn.
    """
    numeric = (any(kind_of(o) == "immediate" for o in one.operands) for one in isa.opcodes)
    weights = [3 if number else 1 for number in numeric]
    opcode = opcode or rng.choices(isa.opcodes, weights)[0]
    drawn = [_operand_value(rng, operand, isa, words) for operand in opcode.operands]
    params = {o.name: value for o, (value, _) in zip(opcode.operands, drawn, strict=True)}
    return isa.operation(opcode.key, params), opcode, tuple(kind for _, kind in drawn)


def valid_variant(
    rng: Random,
    isa: InstructionSet,
    words: Sequence[str] = TRAINING_WORDS,
    of: tuple[Opcode, Form] | None = None,
) -> Variant:
    """Draw one strict instruction with its meaning; of an opcode's form, where one is given."""
    operation, opcode, kinds = random_operation(rng, isa, words, of and of[0])
    if of is not None:
        form = of[1]
    else:
        form = opcode.forms[0] if len(opcode.forms) == 1 else rng.choice(opcode.forms)
    params = operation.params.model_dump() | dict(form.implied)
    operation = isa.operation(opcode.key, params)
    text = decorate(render_operation(operation, opcode, kinds, rng, form), rng, isa, words)
    written = {k for o, k in zip(opcode.operands, kinds, strict=True) if o.name in form.operands}
    return Variant(text, operation, tuple(sorted(written)) or ("no_operand",))
