"""How an operation and its operands stand together, for any set.

In: a meaning, the words of its operands and a phrasebook. Out: a text in one form, or None where
the meaning has no such form. :mod:`.variants` combines forms with other manners of writing.
"""

import json
import re
from collections.abc import Callable, Mapping

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import operation_to_json
from training.texts.any_set.notations import notation, unnamed
from training.texts.any_set.spelling import misspelt
from training.texts.any_set.writing import (
    Writing,
    after_name,
    fitting_phrases,
    in_order,
    is_of_zero,
    labels_of,
)
from training.texts.lenient.programs import KEYS, joined_record
from training.texts.lenient.spelling import any_of
from training.texts.strict.spelling import mixed_case

__all__ = ["FORMS", "NAMING_FORMS", "ORDERED_FORMS", "write_form"]

_COMPOSED = 0.6  # of the English of operations that have compositions


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
    inner = after_name(w, comma)
    if inner is None or inner.startswith("("):
        return None
    return f"{w.name()}({inner})" if w.rng.random() < 0.75 else f"({w.name()} {inner})"


def _named(w: Writing) -> str | None:
    rng, names = w.rng, list(w.meaning.form.operands)
    if not names or not in_order(w.meaning):
        return None
    labels = labels_of(w, names)
    sign, gap = rng.choice(("=", "=", "=", ":", ": ")), rng.choice((" ", " ", ", "))
    rng.shuffle(names)
    return f"{w.name()} " + gap.join(f"{labels[name]}{sign}{w.words.of(name)}" for name in names)


def _record(w: Writing) -> str | None:
    rng = w.rng
    if rng.random() < 0.15 and not w.words.replaced:
        text = operation_to_json(w.meaning.operation)
        if rng.random() < 0.5:
            text = json.dumps(json.loads(text))
        return text
    if not in_order(w.meaning):
        return None
    names = list(w.meaning.form.operands)
    labels = labels_of(w, names)
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
    listed = after_name(w)
    if listed is None or ", " not in listed:
        return None
    first, _, rest = listed.partition(", ")
    blank = w.rng.choice((" ", " ", " ", ""))
    return f"{w.name()} {rest}{blank}{w.rng.choice(('->', '->', '→'))}{blank}{first}"


def _english(w: Writing) -> str | None:
    if w.meaning.form is not w.isa.by_mnemonic[w.own][0][1] or is_of_zero(w.meaning):
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
    "notation": (18, notation),
    "unnamed": (18, unnamed),
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
