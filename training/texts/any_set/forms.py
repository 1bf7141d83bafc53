"""How an operation and its operands stand together, for any set.

In: a meaning, the words of its operands and a phrasebook. Out: a text in one form, or None where
the meaning has no such form. :mod:`.variants` combines forms with other manners of writing.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import InstructionSet, operation_to_json
from training.texts.any_set.meaning import Meaning, Phrasebook
from training.texts.any_set.spelling import Words, misspelt
from training.texts.lenient.programs import KEYS, joined_record
from training.texts.lenient.spelling import any_of, phrase
from training.texts.operands import kind_of
from training.texts.strict.spelling import mixed_case
from training.texts.strict.valid import render_form

__all__ = [
    "FORMS",
    "NAMING_FORMS",
    "ORDERED_FORMS",
    "Writing",
    "fitting_phrases",
    "in_notation",
    "in_speech",
    "write_form",
]

_COMPOSED = 0.6  # of the English of operations that have compositions
_ASSIGNS = ("=", "=", "=", ":=", "<-", "←")
_IN_FRONT = ("please ", "now ", "then ", "next, ", "first, ")
_SLOT = re.compile(r"\{(\w+)\}")


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
        return _SLOT.sub(lambda slot: self.words.of(slot[1]), template)

    def said(self, template: str) -> str:
        """A phrase as people say it: decided, filled, now and then with a word in front."""
        return in_speech(self.filled(phrase(template, self.rng)), self.rng)


def in_speech(text: str, rng: Random) -> str:
    """As people begin what they say: with a word in front or a capital, or neither."""
    if rng.random() < 0.12:
        text = rng.choice(_IN_FRONT) + text
    return text[0].upper() + text[1:] if rng.random() < 0.3 else text


def in_notation(template: str, rng: Random) -> str:
    """A notation with another sign of assignment, or without blanks."""
    assign = rng.choice(_ASSIGNS)
    if template.startswith("{") and assign != "=":
        template = template.replace(" = ", f" {assign} ", 1)
    # Behind a word, a colon would make it a label definition.
    if rng.random() < 0.2 and "goto" not in template and ":=" not in template:
        template = re.sub(r" (?=[^A-Za-z{])|(?<=[^A-Za-z}]) ", "", template)
    return template


_Form = Callable[[Writing], str | None]  # None: this meaning cannot be written so


def _plain(w: Writing) -> str:
    return w.whole(w.name())


def _commas(w: Writing) -> str | None:
    """Without commas, with some of them doubled, or with blanks where none are meant."""
    text, rng = w.whole(w.name()), w.rng
    if "," not in text or "'" in text:
        return None
    roll = rng.random()
    if roll < 0.7:
        return re.sub(r"[ \t]*,[ \t]*", rng.choice((" ", " ", "  ", "\t")), text)
    return re.sub(r"[ \t]*,[ \t]*", rng.choice((",,", ", ,", ",, ", " , ")), text)


def _synonym(w: Writing) -> str | None:
    names = lenient_data(w.isa).synonyms.get(w.own, ())
    return w.whole(mixed_case(w.rng.choice(names), w.rng)) if names else None


def _typo(w: Writing) -> str | None:
    word = misspelt(w.rng, w.isa, w.own, 1)
    return None if word is None else w.whole(mixed_case(word, w.rng))


def _shorthand(w: Writing) -> str | None:
    left_out = w.meaning.shorthand
    if left_out is None:
        return None
    words = [w.words.of(name) for name in w.meaning.form.operands if name != left_out]
    return f"{w.name()} {w.rng.choice((', ', ', ', ',', ' ')).join(words)}"


def _call(w: Writing) -> str | None:
    if not w.meaning.form.operands:
        return f"{w.name()}()"
    comma = w.rng.choice((", ", ", ", ",", " "))
    inner = _after_name(w, comma)
    if inner is None or inner.startswith("("):
        return None
    return f"{w.name()}({inner})" if w.rng.random() < 0.75 else f"({w.name()} {inner})"


def _after_name(w: Writing, comma: str = ", ") -> str | None:
    """The operands in the form's order; None where a literal could be taken for its marks."""
    words = dict(zip(w.meaning.form.operands, w.operands(), strict=True))
    if any("'" in word for word in words.values()):
        return None
    behind = w.meaning.form.joined("", words).strip()
    return re.sub(r"[ \t]*,[ \t]*", comma, behind)


def _named(w: Writing) -> str | None:
    rng, names = w.rng, list(w.meaning.form.operands)
    if not names or not _in_order(w.meaning):
        return None
    labels = _labels(w, names)
    sign, gap = rng.choice(("=", "=", "=", ":", ": ")), rng.choice((" ", " ", ", "))
    rng.shuffle(names)
    return f"{w.name()} " + gap.join(f"{labels[name]}{sign}{w.words.of(name)}" for name in names)


def _in_order(meaning: Meaning) -> bool:
    """Whether a form writes its operands in the schema's order; names are plain only then."""
    order = [operand.name for operand in meaning.opcode.operands]
    places = [order.index(name) for name in meaning.form.operands]
    return places == sorted(places)


def _labels(w: Writing, names: Sequence[str]) -> dict[str, str]:
    """What the operands are called: as the answer calls them, or by other names."""
    if w.rng.random() < 0.6:
        return {name: name for name in names}
    others: dict[str, list[str]] = {name: [name] for name in names}
    for other, name in lenient_data(w.isa).aliases.items():
        if name in others:
            others[name].append(other)
    labels = {name: w.rng.choice(own) for name, own in others.items()}
    return labels if len(set(labels.values())) == len(names) else {name: name for name in names}


def _record(w: Writing) -> str | None:
    rng = w.rng
    if rng.random() < 0.15 and not w.words.replaced:
        text = operation_to_json(w.meaning.operation)
        if rng.random() < 0.5:
            text = json.dumps(json.loads(text))
        return text
    if not _in_order(w.meaning):
        return None
    names = list(w.meaning.form.operands)
    labels = _labels(w, names)
    pairs = [(labels[name], w.words.of(name)) for name in names]
    if any("'" in word or '"' in word for _, word in pairs):
        return None
    if rng.random() < 0.4:
        rng.shuffle(pairs)
    return joined_record(rng, [(rng.choice(KEYS), w.name()), *pairs])


def _arrow(w: Writing) -> str | None:
    """Sources first, an arrow, and the destination."""
    destination, names = lenient_data(w.isa).destination, list(w.meaning.form.operands)
    if not names or names[0] != destination or len(names) < 2:
        return None
    listed = _after_name(w)
    if listed is None or ", " not in listed:
        return None
    first, _, rest = listed.partition(", ")
    blank = w.rng.choice((" ", " ", " ", ""))
    return f"{w.name()} {rest}{blank}{w.rng.choice(('->', '->', '→'))}{blank}{first}"


def _notation(w: Writing) -> str | None:
    """As programs of other languages write it: ``a = b + c``."""
    return _computed(w, "{}")


def _computed(w: Writing, holder: str) -> str | None:
    """The same, with something around each register."""
    fitting = fitting_phrases(w.meaning, lenient_data(w.isa).notations.get(w.own, ()))
    if not fitting or _is_of_zero(w.meaning):
        return None
    registers = {slot.name for slot in w.meaning.slots if kind_of(slot) == "register"}
    template = _SLOT.sub(
        lambda slot: holder.format(slot[0]) if slot[1] in registers else slot[0],
        in_notation(w.rng.choice(fitting), w.rng),
    )
    text = w.filled(template)
    return re.sub(r"\+ ?-(?=\d)", "-" if "+-" in text else "- ", text)  # `a + -8` is `a - 8`


def _unnamed(w: Writing) -> str | None:
    """In a notation that no table names: a list of operands, or a computation in a program."""
    rng, known = w.rng, w.book.unnamed
    if rng.random() < 0.35:
        text = _computed(w, rng.choice(known.holders))
        is_jump = text is None or text.startswith(("if", "goto"))
        return text if is_jump else rng.choice(known.statements).format(line=text)
    row, names = rng.choice(known.lists), list(w.meaning.form.operands)
    if row.names_operands:
        labels = _labels(w, names)
        operands = [(labels[name], w.words.of(name)) for name in names] * _in_order(w.meaning)
    else:
        listed = _after_name(w)
        operands = [("", word) for word in listed.split(", ")] if listed else []
    if not operands or any("'" in word or '"' in word for _, word in operands):
        return None
    return row.of(w.own, operands, rng)


def fitting_phrases(meaning: Meaning, templates: Sequence[str]) -> list[str]:
    """Those that write all operands of a form, but for one that is what another is.

    Args:
        meaning: What is to be said.
        templates: With ``{name}`` for an operand.
    """
    written, left_out = {*meaning.form.operands}, meaning.in_place
    found = []
    for text in templates:
        missing = written - {*_SLOT.findall(text)}
        if not missing or missing == {left_out}:
            found.append(text)
    return found


def _is_of_zero(meaning: Meaning) -> bool:
    """Whether a register is set from another one and 0, which others may say as well.

    ``a0 = a1 < 0`` compares with a number, or with the register that is zero.
    """
    is_shape = meaning.kinds == ["register", "register", "immediate"]
    return is_shape and meaning.values[meaning.form.operands[2]] == 0


def _english(w: Writing) -> str | None:
    if w.meaning.form is not w.isa.by_mnemonic[w.own][0][1] or _is_of_zero(w.meaning):
        return None
    own = [one for one in w.book.compositions if w.own in one.expressions]
    if own and w.rng.random() < _COMPOSED:
        composition = w.rng.choice(own)
        expression = any_of(composition.expressions[w.own], w.rng)
        fitting = [any_of(composition.frames, w.rng).replace("{x}", expression)]
    else:
        fitting = fitting_phrases(w.meaning, w.book.phrases.get(w.own, ()))
    if not fitting:
        return None
    # What is short is understood by its own words; what is whole may be said in others.
    return w.said(w.book.wordings.said(any_of(fitting, w.rng), w.rng))


FORMS: Mapping[str, tuple[int, _Form]] = {
    "plain": (14, _plain),
    "commas": (10, _commas),
    "synonym": (12, _synonym),
    "typo": (10, _typo),
    "shorthand": (6, _shorthand),
    "call": (7, _call),
    "named": (8, _named),
    "record": (7, _record),
    "arrow": (5, _arrow),
    "notation": (18, _notation),
    "unnamed": (18, _unnamed),
    "english": (32, _english),
}
"""How operation and operands stand together, with weights; one form for each text."""


ORDERED_FORMS = frozenset(("plain", "commas", "synonym", "typo", "shorthand"))
"""Forms that list their operands behind the name."""

NAMING_FORMS = FORMS.keys() - {"notation", "unnamed", "english"}
"""Forms that name the operation; in the others its operands may decide which it is."""


def write_form(form: str, w: Writing) -> str | None:
    """Write a meaning in one form; None where it has no such form."""
    return FORMS[form][1](w)
