"""Operation -> text, in all the ways the dialect allows people to write it.

In: a ``random.Random`` and an :class:`~kvrm_grammar.isa.binding.Isa`. Out: ``Variant``: a text,
the operation it means, and the kinds of writing in it. Training data, evaluation
data and fuzzing draw from here with different seeds and word lists; nothing in the
answer path does. Texts that must be refused come from :mod:`training.texts.strict.refused`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from kvrm_grammar.isa.binding import Isa, Opcode, Operand
from kvrm_grammar.isa.operations import OperationModel, from_fields
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
    "render_operands",
    "render_operation",
    "separator",
    "valid_variant",
]


@dataclass(frozen=True)
class Variant:
    """One text, what it means, and the kinds of writing it shows. Immutable."""

    text: str
    operation: OperationModel
    kinds: tuple[str, ...]


def _operand_value(
    rng: Random, operand: Operand, isa: Isa, words: Sequence[str]
) -> tuple[object, str]:
    """Draw an operand's value and the kind of writing it asks for."""
    if operand.kind == "register":
        return rng.choice(isa.registers), "register"
    if operand.kind == "immediate":
        notation = rng.choices(NOTATIONS, (56, 20, 7, 7, 10))[0]
        return notation_value(rng, notation, *isa.immediate), notation
    if rng.random() < 0.72:
        return label_name(rng, isa, words), "label"
    notation = rng.choices(NOTATIONS[:4], (70, 20, 5, 5))[0]
    return notation_value(rng, notation, *isa.address), notation


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
    roll = rng.random()
    if roll < 0.70:
        return rng.choice((", ", ", ", ", ", ",", " "))
    return rng.choice((" ", " ", ",", "  ", "\t", " ,", " , ", ",  ", ",\t", "   ", " \t,"))


def render_operands(mnemonic: str, operands: Sequence[str], rng: Random) -> str:
    """Join a mnemonic and written operands with random blanks and separators."""
    blank = rng.choice((" ", " ", " ", " ", " ", "  ", "\t", "    "))
    text = mnemonic + (blank if operands else "")
    for position, operand in enumerate(operands):
        text += (separator(rng) if position else "") + operand
    return text


def render_operation(
    operation: OperationModel,
    opcode: Opcode,
    kinds: Sequence[str],
    rng: Random,
) -> str:
    """Write an operation as one strict instruction.

    Args:
        operation: What to write.
        opcode: Its row of the instruction set.
        kinds: For each operand, how: ``register``, ``label`` or a notation.
        rng: Source of randomness.
    """
    values = operation.params.model_dump()
    written = [
        operand_text(values[operand.name], kind, rng, immediate=operand.kind == "immediate")
        for operand, kind in zip(opcode.operands, kinds, strict=True)
    ]
    return render_operands(mixed_case(opcode.mnemonic, rng), written, rng)


def decorate(text: str, rng: Random, isa: Isa, words: Sequence[str] = TRAINING_WORDS) -> str:
    """Add, now and then, what does not change the meaning: label, blanks, comment, line end."""
    if rng.random() < 0.07:
        gap = rng.choice((" ", " ", "", "\t", "  "))
        text = label_name(rng, isa, words) + ":" + gap + text
    if rng.random() < 0.10:
        text = rng.choice((" ", "\t", "    ")) + text
    if rng.random() < 0.08:
        mark = rng.choice((";", "; ", " ;", " ; ", " // ", "//", " # ", "\t; "))
        text += mark + rng.choice(COMMENTS)
    elif rng.random() < 0.05:
        text += rng.choice((" ", "\t", "\n", "\r\n"))
    return text


def random_operation(
    rng: Random, isa: Isa, words: Sequence[str] = TRAINING_WORDS
) -> tuple[OperationModel, Opcode, tuple[str, ...]]:
    """Draw an operation, its opcode and the way to write each operand.

    Opcodes with numbers come more often: there is more to learn.
    """
    numeric = (any(o.kind == "immediate" for o in opcode.operands) for opcode in isa.opcodes)
    opcode = rng.choices(isa.opcodes, [3 if number else 1 for number in numeric])[0]
    drawn = [_operand_value(rng, operand, isa, words) for operand in opcode.operands]
    params = {o.name: value for o, (value, _) in zip(opcode.operands, drawn, strict=True)}
    return from_fields(opcode.key, params), opcode, tuple(kind for _, kind in drawn)


def valid_variant(rng: Random, isa: Isa, words: Sequence[str] = TRAINING_WORDS) -> Variant:
    """Draw one strict instruction with its meaning."""
    operation, opcode, kinds = random_operation(rng, isa, words)
    text = decorate(render_operation(operation, opcode, kinds, rng), rng, isa, words)
    return Variant(text, operation, tuple(sorted(set(kinds))) or ("no_operand",))
