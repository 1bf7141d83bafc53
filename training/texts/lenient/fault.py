"""What makers of refused texts draw from: meanings, spellings, names and filled templates.

In: a ``random.Random``, an instruction set, words and a lexicon. Out: :class:`Fault`, whose
methods give the parts of a text of which one is wrong.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS, number_words
from kvrm_grammar.isa import InstructionSet, load_set
from training.texts.lenient.forms import FORMS, NAMES, Meaning, draw_meaning, write_form
from training.texts.lenient.lexicon import Lexicon
from training.texts.lenient.meaning import Writing
from training.texts.lenient.spelling import Speller, any_of, in_any_case
from training.texts.strict.spelling import label_name, mixed_case
from training.texts.strict.valid import separator

__all__ = ["Fault", "halves", "instruction"]

SYNONYMS = lenient_data(load_set()).synonyms
_OTHER_NUMBERS = 0.12  # how often numbers are written as no grammar does
_DOUBLED = (",,", ", ,", ",, ", " ,, ")
_REGISTER = re.compile(r"[%$]?[A-Za-z]{1,3}[0-9]+")


@dataclass(frozen=True)
class Fault:
    """What the makers draw from."""

    rng: Random
    isa: InstructionSet
    words: Sequence[str]
    lexicon: Lexicon

    def meaning(self, *, operands: int = 1) -> Meaning:
        """A meaning with so many operands at least."""
        while True:
            meaning = draw_meaning(self.rng, self.isa, self.words)
            if len(meaning.values) >= operands:
                return meaning

    def speller(self) -> Speller:
        """A speller in any manner."""
        rng = self.rng
        return Speller(
            rng,
            registers=rng.random() < 0.15,
            numbers=rng.random() < _OTHER_NUMBERS,
            words=rng.random() < 0.3,
        )

    def written(self, meaning: Meaning) -> str:
        """A text of the meaning in any form."""
        while True:
            form = self.rng.choice(tuple(FORMS))
            text = write_form(form, self.rng, meaning, self.speller(), self.lexicon)
            if text is not None:
                return text

    def registers(self, count: int) -> list[str]:
        """Registers, all in one manner."""
        spell = self.speller()
        return [spell.register(self.rng.choice(self.isa.names)) for _ in range(count)]

    def name(self, meaning: Meaning) -> str:
        """The meaning's mnemonic or a synonym."""
        own = meaning.opcode.mnemonic
        return mixed_case(self.rng.choice((own, own, *SYNONYMS[own])), self.rng)

    def filled(self, choices: Sequence[str], x: str = "") -> str:
        """One of the templates, decided and filled; a mnemonic at its start in any case."""
        rng = self.rng
        r, s, t, u = self.registers(4)
        text = self.lexicon.wordings.said(any_of(choices, rng), rng).format(
            r=r, s=s, t=t, u=u, x=x, w=self.word(), jump=rng.choice(self.lexicon.jumps),
            n=rng.randint(0, 99), m=rng.randint(1, 99), big=rng.randint(100, 999), k=self.step(),
        )  # fmt: skip
        return in_any_case(text, rng)

    def step(self) -> str:
        """A number from 2 to 99, in digits or words: a step that is not one of one."""
        number = self.rng.choice((self.rng.randint(2, 9), self.rng.randint(2, 99)))
        return (
            str(number) if self.rng.random() < 0.7 else number_words(number, self.rng.choice("- "))
        )

    def word(self) -> str:
        """A word or a label."""
        rng = self.rng
        return (
            rng.choice(self.words) if rng.random() < 0.6 else label_name(rng, self.isa, self.words)
        )

    def plain_word(self) -> str:
        """A word that is no number."""
        while (word := self.rng.choice(self.words)) in NUMBER_WORDS:
            pass
        return word

    def listed(self, name: str, operands: Sequence[str], *, glued: bool = False) -> str:
        """Operands behind a name; now and then with commas doubled, or glued to it."""
        roll = self.rng.random()
        if len(operands) > 1 and roll < 0.04:
            return f"{name} {self.rng.choice(_DOUBLED).join(operands)}"
        if glued and operands and roll > 0.94 and _REGISTER.fullmatch(operands[0]):
            return name + self.rng.choice((",", ", ", " ")).join(operands)
        rest = "".join((separator(self.rng) if i else "") + o for i, o in enumerate(operands))
        return f"{name} {rest}".strip()

    def operands(self, meaning: Meaning) -> list[str]:
        """The operands behind a name: in the spellings that those of right texts have."""
        rng = self.rng
        spell = Speller(
            rng,
            registers=rng.random() < 0.15,
            numbers=rng.random() < _OTHER_NUMBERS,
            prefixes=rng.random() < 0.3,
        )
        return Writing(rng, meaning, spell, self.lexicon).operands()

    def labels(self, names: Sequence[str]) -> dict[str, str]:
        """What operands by name are called: mostly as the answer does, none like another."""
        if self.rng.random() < 0.5:
            return {name: name for name in names}
        labels = {name: self.rng.choice(NAMES.get(name, (name,))) for name in names}
        distinct = len({*labels.values()}) == len(names)
        return labels if distinct else {name: name for name in names}

    def by_name(self, name: str, pairs: Sequence[tuple[str, str]]) -> str:
        """Operands by name behind an operation's."""
        sign, gap = self.rng.choice(("=", "=", ":", ": ")), self.rng.choice((" ", ", "))
        return f"{name} " + gap.join(f"{label}{sign}{value}" for label, value in pairs)


def instruction(f: Fault, meaning: Meaning | None = None) -> str:
    """A whole instruction as it stands in a column: by name, with its operands."""
    while True:
        form = f.rng.choice(("plain", "plain", "synonym"))
        found = meaning or f.meaning(operands=0)
        text = write_form(form, f.rng, found, Speller(f.rng), f.lexicon)
        if text is not None:
            return text


def halves(f: Fault) -> tuple[str, str]:
    """An instruction without its last operands, and those; no shorthand for a whole one."""
    rng, meaning = f.rng, f.meaning()
    operands, name = f.operands(meaning), f.name(meaning)
    kept = 0 if len(operands) == 1 else rng.randrange(len(operands) - (len(operands) == 3))
    kept = min(kept, 1)
    return f.listed(name, operands[:kept]), ", ".join(operands[kept:])
