"""Forms of writing that programs have, for any set: ``a = b + c``, a list, a declaration.

In: a :class:`Writing`. Out: a text, or None where the meaning has no such form.
:mod:`training.texts.any_set.forms` lists them beside others.
"""

import re
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from training.texts.any_set.writing import (
    SLOT,
    Writing,
    after_name,
    fitting_phrases,
    in_order,
    is_of_zero,
    labels_of,
)
from training.texts.operands import kind_of

__all__ = ["in_notation", "notation", "unnamed"]

_ASSIGNS = ("=", "=", "=", ":=", "<-", "←")
_COMPUTED = 0.35  # of what no table names: the rest are lists
_COMPOUND = re.compile(r"(?:[-+*/%&|^]|<<|>>)=")


def notation(w: Writing) -> str | None:
    """As programs of other languages write it: ``a = b + c``."""
    return _computed(w, "{}")


def _computed(w: Writing, holder: str) -> str | None:
    """The same, with something around each register."""
    fitting = fitting_phrases(w.meaning, lenient_data(w.isa).notations.get(w.own, ()))
    if not fitting or is_of_zero(w.meaning):
        return None
    registers = {slot.name for slot in w.meaning.slots if kind_of(slot) == "register"}
    template = SLOT.sub(
        lambda slot: holder.format(slot[0]) if slot[1] in registers else slot[0],
        in_notation(w.rng.choice(fitting), w.rng),
    )
    text = w.filled(template)
    return re.sub(r"\+ ?-(?=\d)", "-" if "+-" in text else "- ", text)  # `a + -8` is `a - 8`


def unnamed(w: Writing) -> str | None:
    """In a notation that no table names: a list of operands, or a computation in a program."""
    if w.rng.random() < _COMPUTED:
        return _in_a_program(w)
    names = list(w.meaning.form.operands)
    if not names:
        return None
    fitting = [row for row in w.book.unnamed.lists if len(names) >= row.least]
    row = w.rng.choice(fitting)
    if row.names_operands:
        labels = labels_of(w, names)
        operands = [(labels[name], w.words.of(name)) for name in names]
        operands = operands if in_order(w.meaning) else []
    else:
        listed = after_name(w)
        operands = [("", word) for word in listed.split(", ")] if listed else []
    if not operands or any("'" in word or '"' in word for _, word in operands):
        return None
    return row.of(w.own, operands, w.rng)


def _in_a_program(w: Writing) -> str | None:
    rng, known = w.rng, w.book.unnamed
    text = _computed(w, rng.choice(known.holders) if w.words.are_bare else "{}")
    if text is None or text.startswith(("if", "goto")):
        return text
    # `let` declares already, and `+=` declares nothing.
    ways = known.statements
    if text.startswith("let") or _COMPOUND.search(text):
        ways = tuple(way for way in ways if way.startswith("{line}"))
    return rng.choice(ways).format(line=text)


def in_notation(template: str, rng: Random) -> str:
    """A notation with another sign of assignment, or without blanks."""
    assign = rng.choice(_ASSIGNS)
    if template.startswith("{") and assign != "=":
        template = template.replace(" = ", f" {assign} ", 1)
    # Behind a word, a colon would make it a label definition.
    if rng.random() < 0.2 and "goto" not in template and ":=" not in template:
        template = re.sub(r" (?=[^A-Za-z{])|(?<=[^A-Za-z}]) ", "", template)
    return template
