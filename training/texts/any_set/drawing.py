"""What makers of refused texts draw from, for any set: meanings, texts, operands.

In: a ``random.Random``, an instruction set, a phrasebook and words. Out: :class:`Drawing`, whose
methods give right texts and the parts of a text of which one is wrong.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS
from kvrm_grammar.isa import InstructionSet
from training.texts.any_set.forms import FORMS, NAMING_FORMS, ORDERED_FORMS, write_form
from training.texts.any_set.meaning import (
    Meaning,
    Phrasebook,
    draw_meaning,
    plain_names,
    short_meaning,
)
from training.texts.any_set.spelling import Words, is_taken
from training.texts.any_set.writing import Writing
from training.texts.operands import Kind
from training.texts.strict.spelling import label_name
from training.texts.strict.valid import render_operands

__all__ = ["SHORT", "Drawing"]

SHORT = 0.12
"""How much of English leaves an operand to be understood, where a set says what does."""

_OTHER_SPELLING = 0.12  # how often a text's registers, or its numbers, are not the grammar's
_UNNAMED = 0.45  # up to here a list is in a notation that no table names
_MANNERS = ("%{}", "${}", "register {}", "reg {}")
_PIECES = (", ", ", ", ",", " ")


@dataclass(frozen=True)
class Drawing:
    """What the makers of faults draw from: right texts, and parts of them. Immutable."""

    rng: Random
    isa: InstructionSet
    book: Phrasebook
    words: Sequence[str]

    def meaning(self, *, operands: int = 1) -> Meaning:
        """A meaning whose form writes so many operands at least."""
        while True:
            meaning = draw_meaning(self.rng, self.isa, self.words)
            if len(meaning.form.operands) >= operands:
                return meaning

    def written(
        self,
        meaning: Meaning,
        replaced: Mapping[str, str] | None = None,
        *,
        by_name: bool = False,
    ) -> str | None:
        """A text of the meaning in any form, perhaps with another text as an operand.

        With ``by_name`` in one that names the operation: ``a0 = 5`` is right, ``mv a0, 5`` is not.
        """
        rng = self.rng
        forms = [form for form in FORMS if form != "english" or meaning.form.mnemonic in
                 self.book.phrases]  # fmt: skip
        if by_name:
            forms = [form for form in forms if form in NAMING_FORMS]
        weights = [FORMS[form][0] for form in forms]
        (form,) = rng.choices(forms, weights)
        if form == "english" and not replaced and self.book.short and rng.random() < SHORT:
            return self.short_phrase()
        spell = self.words_of(
            meaning, words=form == "english", prefixes=form in ORDERED_FORMS, replaced=replaced
        )
        text = write_form(form, Writing(rng, self.isa, meaning, spell, self.book))
        # A form may leave out what was replaced.
        if text is None or not all(_stands(word, text) for word in spell.replaced.values()):
            return None
        return text

    def short_phrase(self, register: str | None = None) -> str | None:
        """A text that leaves operands to be understood, perhaps with another word as a register."""
        short, template = self.rng.choice(self.book.short)
        meaning = short_meaning(self.rng, self.isa, self.words, short, template)
        names = [o.name for o in meaning.slots if o.domain.names and f"{{{o.name}}}" in template]
        if register is not None and not names:
            return None
        replaced = {} if register is None else {self.rng.choice(names): register}
        spell = self.words_of(meaning, words=True, replaced=replaced)
        return Writing(self.rng, self.isa, meaning, spell, self.book).said(template)

    def words_of(
        self,
        meaning: Meaning,
        *,
        words: bool = False,
        prefixes: bool = False,
        replaced: Mapping[str, str] | None = None,
    ) -> Words:
        """The words of a meaning's operands, now and then in other spellings than the grammar's."""
        return Words(
            self.rng,
            self.isa,
            meaning,
            registers=self.rng.random() < _OTHER_SPELLING,
            numbers=self.rng.random() < _OTHER_SPELLING,
            words=words,
            prefixes=prefixes,
            replaced=replaced,
        )

    def whole(self, *, operands: int = 0) -> str:
        """A right text."""
        while True:
            text = self.written(self.meaning(operands=operands))
            if text is not None:
                return text

    def operand(self, kind: Kind) -> str:
        """A word of one kind."""
        rng = self.rng
        if kind == "register":
            return rng.choice([*self.isa.names])
        if kind == "target":
            return label_name(rng, self.isa, self.words)
        return str(rng.choice((rng.randint(0, 9), rng.randint(0, 31), rng.randint(-99, 999))))

    def listed(self, name: str, operands: Sequence[str]) -> str:
        """Operands behind a name, in brackets behind it, or as no table names."""
        roll = self.rng.random()
        if roll < 0.15:
            return f"{name}({self.rng.choice(_PIECES).join(operands)})"
        if roll < _UNNAMED and (text := self.book.unnamed.listed(name, operands, self.rng)):
            return text
        return render_operands(name, operands, self.rng).strip()

    def some_operands(self) -> list[str]:
        """What operations are written with."""
        rng = self.rng
        operands = [self.operand("register") for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 3)))]
        operands = self._respelled(*operands)
        if operands and rng.random() < 0.35:
            operands[-1] = self.operand(rng.choice(("immediate", "immediate", "target")))
        if rng.random() < 0.2:
            operands[1:] = [f"{rng.choice(('', rng.randint(0, 64)))}({self.operand('register')})"]
        return operands

    def filled(self, template: str, *, spelled: bool = False) -> str:
        """A template with different registers, numbers and a word that is no name or number.

        With ``spelled`` in the spellings that operands of right texts have.
        """
        rng = self.rng
        names = plain_names(self.isa)
        r, s, t = rng.sample(names, 3) if len(names) > 2 else rng.choices(names, k=3)
        n, m = str(rng.randint(0, 99)), str(rng.randint(2, 99))
        if spelled:
            r, s, t = self._respelled(r, s, t)
            if rng.random() < _OTHER_SPELLING:
                n, m = hex(int(n)), hex(int(m))
        word = rng.choice(self.words)
        while is_taken(word, self.isa) or word.lower() in NUMBER_WORDS:
            word = rng.choice(self.words)
        return template.format(r=r, s=s, t=t, u=r, n=n, m=m, w=word, big=rng.randint(100, 999))

    def _respelled(self, *names: str) -> list[str]:
        """Other spellings of names, all in one manner: `x10` of `a0`, `$a0`, `A0`."""
        rng, spellings = self.rng, self.isa.spellings
        words = [rng.choice([one for one in spellings if spellings[one] == name] or [name])
                 for name in names]  # fmt: skip
        if rng.random() < _OTHER_SPELLING:
            manner, case = rng.choice(("{}", *_MANNERS)), rng.choice((str.upper, str.lower))
            words = [manner.format(case(word)) for word in words]
        return words


def _stands(word: str, text: str) -> bool:
    """Whether a word is in a text, and not only as part of a longer one: ``5`` is not in ``x5``."""
    before = r"(?<!\w)" if word[0].isalnum() else ""
    return re.search(rf"{before}{re.escape(word)}(?!\w)", text) is not None
