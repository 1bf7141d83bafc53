"""Operation -> text, in a notation that no table names.

In: a ``random.Random``, an ``InstructionSet``, a family and words for labels. Out: ``Variant``, of
the kind ``family``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH
from training.texts.lenient.families.family import FAMILIES, Family, decided, filled
from training.texts.lenient.forms import Meaning, draw_meaning
from training.texts.lenient.spelling import Speller
from training.texts.operands import kind_of
from training.texts.strict.valid import Variant

__all__ = ["Draft", "draft", "family_variant", "finished"]

# Behind sentences; behind signs, a stop or a mark would be one more.
_ENDS = {"language": ("", "", "", "", "", "", "", ".", ".", "!"), "speech": ("", "", "", "", ".")}
_GLUED = re.compile(r"[A-Za-z]\{")


@dataclass(frozen=True)
class Draft:
    """A template before its operands are put in. Immutable.

    Attributes:
        family: Whose template it is.
        meaning: What it says.
        source: The template as written.
        template: The same with its words and choices decided.
        texts: The text of each operand.
    """

    family: Family
    meaning: Meaning
    source: str
    template: str
    texts: dict[str, str]

    @property
    def operation(self) -> str:
        """The operation's name without ``OP_``."""
        return str(self.meaning.operation.key).removeprefix("OP_")


def draft(rng: Random, isa: InstructionSet, family: str, words: Sequence[str]) -> Draft | None:
    """Draw a meaning and a template of a family; None where it has none for that meaning.

    Args:
        rng: Source of randomness.
        isa: The instruction set.
        family: A name of ``FAMILIES``.
        words: Word list for labels.
    """
    one = FAMILIES[family]
    meaning = _everyday(rng, draw_meaning(rng, isa, words), words)
    operation = meaning.operation.key.removeprefix("OP_")
    templates = one.templates.get(operation, ())
    if "src1" in meaning.values and "dest" in meaning.values and not meaning.in_place:
        templates = tuple(template for template in templates if "{src1}" in template)
    if not templates:
        return None
    source = rng.choice(templates)
    template, texts = decided(source, one, operation, rng), _texts(rng, meaning)
    if _GLUED.search(template):  # `setregister 3` is no register
        texts = {name: text.replace(" ", "") for name, text in texts.items()}
    return Draft(one, meaning, source, template, texts)


def finished(rng: Random, family: Family, text: str, *, stop: bool) -> str:
    """Give a text a capital and a full stop, now and then, where people write sentences.

    Args:
        rng: Source of randomness.
        family: Whose text it is.
        text: Filled.
        stop: Whether a full stop may follow; behind a label it would belong to that.
    """
    if family.group not in _ENDS:
        return text
    if rng.random() < 0.3:
        text = text[:1].upper() + text[1:]
    last = text[-1:]
    return (
        text + rng.choice(_ENDS[family.group]) if stop and (last.isalnum() or last == ")") else text
    )


def family_variant(
    rng: Random, isa: InstructionSet, family: str, words: Sequence[str]
) -> Variant | None:
    """Draw one text of a family with its meaning.

    Args:
        rng: Source of randomness.
        isa: The instruction set.
        family: A name of ``FAMILIES``.
        words: Word list for labels.

    Returns:
        The text, its operation and ``("family", family)``; None where the family has no template
        for the meaning that was drawn, or the line would be too long.
    """
    made = draft(rng, isa, family, words)
    if made is None:
        return None
    text = filled(made.template, made.texts)
    text = finished(rng, made.family, text, stop=not made.template.endswith("{addr}"))
    if len(text) > MAX_LINE_LENGTH:
        return None
    return Variant(text, made.meaning.operation, ("family", family))


def _everyday(rng: Random, meaning: Meaning, words: Sequence[str]) -> Meaning:
    """The same with a small number, and most often with a plain word for a label."""
    if "value" in meaning.values:
        roll = rng.random()
        if roll < 0.75:
            return meaning.with_value(rng.randint(0, 100))
        if roll < 0.97:
            return meaning.with_value(rng.randint(-99, -1) if roll < 0.82 else rng.randint(0, 9999))
        return meaning.with_value(meaning.values["value"])
    addr = meaning.values.get("addr")
    if isinstance(addr, int):
        return meaning.with_values(addr=rng.randint(0, 99 if rng.random() < 0.6 else 9999))
    if addr is not None and rng.random() < 0.4:
        return meaning.with_values(addr=rng.choice(words))
    return meaning


def _texts(rng: Random, meaning: Meaning) -> dict[str, str]:
    """Operands as they are written, all in one manner."""
    spell, found = Speller(rng, registers=rng.random() < 0.1), {}
    notation = "hexadecimal" if rng.random() < 0.12 else "decimal"
    for operand in meaning.opcode.operands:
        value = meaning.values[operand.name]
        if kind_of(operand) == "register":
            text = spell.register(value)
        elif isinstance(value, int):
            text = spell.number(value, notation, immediate=False)
        else:
            text = str(value)
        found[operand.name] = text
    return found
