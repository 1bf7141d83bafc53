"""What a form of writing works with, for any set: a meaning, its words, and what may be said.

In: a meaning, the words of its operands and a phrasebook. Out: :class:`Writing`, and the parts of a
text that several forms share.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import InstructionSet
from training.texts.any_set.meaning import Meaning, Phrasebook
from training.texts.any_set.spelling import Words
from training.texts.lenient.spelling import phrase
from training.texts.strict.spelling import mixed_case
from training.texts.strict.valid import render_form

__all__ = [
    "SLOT",
    "Writing",
    "after_name",
    "fitting_phrases",
    "in_order",
    "in_speech",
    "is_of_zero",
    "labels_of",
]

SLOT = re.compile(r"\{(\w+)\}")
"""A place of a template."""

_IN_FRONT = ("please ", "now ", "then ", "next, ", "first, ")


@dataclass(frozen=True)
class Writing:
    """What a form needs. Immutable, but for the kinds that its words note."""

    rng: Random
    isa: InstructionSet
    meaning: Meaning
    words: Words
    book: Phrasebook

    @property
    def own(self) -> str:
        """The mnemonic of the form."""
        return self.meaning.form.mnemonic

    def name(self) -> str:
        """The mnemonic in any case."""
        return mixed_case(self.own, self.rng)

    def operands(self) -> list[str]:
        """The words of what the form writes."""
        return [self.words.of(name) for name in self.meaning.form.operands]

    def whole(self, name: str) -> str:
        """The form with a name in front."""
        return render_form(self.meaning.form, name, self.operands(), self.rng)

    def filled(self, template: str) -> str:
        """A template with its operands."""
        return SLOT.sub(lambda slot: self.words.of(slot[1]), template)

    def said(self, template: str) -> str:
        """A phrase as people say it: decided, filled, now and then with a word in front."""
        return in_speech(self.filled(phrase(template, self.rng)), self.rng)


def in_speech(text: str, rng: Random) -> str:
    """As people begin what they say: with a word in front or a capital, or neither."""
    if rng.random() < 0.12:
        text = rng.choice(_IN_FRONT) + text
    return text[0].upper() + text[1:] if rng.random() < 0.3 else text


def after_name(w: Writing, comma: str = ", ") -> str | None:
    """The operands in the form's order; None where a literal could be taken for its marks."""
    words = dict(zip(w.meaning.form.operands, w.operands(), strict=True))
    if any("'" in word for word in words.values()):
        return None
    behind = w.meaning.form.joined("", words).strip()
    return re.sub(r"[ \t]*,[ \t]*", comma, behind)


def in_order(meaning: Meaning) -> bool:
    """Whether a form writes its operands in the schema's order; names are plain only then."""
    order = [operand.name for operand in meaning.opcode.operands]
    places = [order.index(name) for name in meaning.form.operands]
    return places == sorted(places)


def labels_of(w: Writing, names: Sequence[str]) -> dict[str, str]:
    """What the operands are called: as the answer calls them, or by other names."""
    if w.rng.random() < 0.6:
        return {name: name for name in names}
    others: dict[str, list[str]] = {name: [name] for name in names}
    for other, name in lenient_data(w.isa).aliases.items():
        if name in others:
            others[name].append(other)
    labels = {name: w.rng.choice(own) for name, own in others.items()}
    return labels if len(set(labels.values())) == len(names) else {name: name for name in names}


def fitting_phrases(meaning: Meaning, templates: Sequence[str]) -> list[str]:
    """Those that write all operands of a form, but for one that is what another is.

    Args:
        meaning: What is to be said.
        templates: With ``{name}`` for an operand.
    """
    written, left_out = {*meaning.form.operands}, meaning.in_place
    found = []
    for text in templates:
        missing = written - {*SLOT.findall(text)}
        if not missing or missing == {left_out}:
            found.append(text)
    return found


def is_of_zero(meaning: Meaning) -> bool:
    """Whether a register is set from another one and 0, which others may say as well.

    ``a0 = a1 < 0`` compares with a number, or with the register that is zero.
    """
    is_shape = meaning.kinds == ["register", "register", "immediate"]
    return is_shape and meaning.values[meaning.form.operands[2]] == 0
