"""The forms of the lenient dialect: how an operation and its operands stand together.

In: a meaning, a speller and a lexicon. Out: a text in one form, or None where the meaning has no
such form. :mod:`training.texts.lenient.valid` combines forms with other manners of writing.
"""

from collections.abc import Callable, Mapping
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import load_set
from training.texts.lenient import programs
from training.texts.lenient.frames import frame
from training.texts.lenient.lexicon import Lexicon
from training.texts.lenient.meaning import Meaning, Writing, draw_meaning
from training.texts.lenient.spelling import Speller, any_of, phrase, typing_error
from training.texts.operands import kind_of
from training.texts.strict.spelling import mixed_case

__all__ = [
    "FORMS",
    "NAMES",
    "ORDERED_FORMS",
    "Meaning",
    "draw_meaning",
    "write_form",
    "write_spaced",
]

NAMES: Mapping[str, tuple[str, ...]] = {
    "dest": ("dest", "dest", "dst", "d", "rd", "to"),
    "src": ("src", "src", "source", "from", "s", "a"),
    "src1": ("src1", "src1", "a", "s1", "lhs", "x"),
    "src2": ("src2", "src2", "b", "s2", "rhs", "y"),
    "value": ("value", "value", "val", "imm", "v"),
    "addr": ("addr", "addr", "address", "target", "label", "to"),
}
"""What operands by name are called."""


_DATA = lenient_data(load_set())
INFIX_SIGNS, STEP_SIGNS, SYNONYMS = _DATA.infix_signs, _DATA.step_signs, _DATA.synonyms
_AND = "and "  # in front of a mnemonic it is another machine's operation
_PLAIN_ENDS = (2, 6, 8)  # of frames, jumps and conditions: how many are the plainest


_Form = Callable[[Writing], str | None]  # None: this meaning cannot be written so


def _plain(w: Writing) -> str:
    return w.listed(w.name(), w.operands())


def _synonym(w: Writing) -> str | None:
    names = SYNONYMS[w.meaning.opcode.mnemonic]
    if len(names) < w.rng.randint(1, 8):  # so that each is drawn about as often as any other
        return None
    name = mixed_case(w.rng.choice(names), w.rng)
    return w.listed(name, w.operands())


def _typo(w: Writing) -> str:
    name = mixed_case(typing_error(w.rng, 1, w.meaning.opcode.mnemonic), w.rng)
    return w.listed(name, w.operands())


def _infix(w: Writing) -> str | None:
    rng, values, mnemonic = w.rng, w.meaning.values, w.meaning.opcode.mnemonic
    gap = rng.choice((" ", " ", " ", ""))
    if mnemonic in STEP_SIGNS:
        return w.operand("dest") + rng.choice(("", "", " ")) + STEP_SIGNS[mnemonic]
    # Behind a word, a colon would make it a label definition.
    assign = rng.choice((f"{gap}={gap}", f"{gap}={gap}", f" :={gap}", f"{gap}<-{gap}"))
    if mnemonic in INFIX_SIGNS:
        sign = INFIX_SIGNS[mnemonic]
        if w.meaning.in_place and rng.random() < 0.6:
            return f"{w.operand('dest')}{gap}{sign}={gap}{w.operand('src2')}"
        first, second = w.operands(("src1", "src2"))
        return f"{w.operand('dest')}{assign}{first}{gap}{sign}{gap}{second}"
    if "dest" in values and len(values) == 2:
        dest, source = w.operands()
        # `<--5` would be the longer arrow and 5 as well.
        gap = " " if assign.endswith("<-") and source.startswith(("-", "\u2212")) else ""
        return f"{dest}{assign}{gap}{source}"
    return None


def _call(w: Writing) -> str:
    rng, operands = w.rng, w.operands()
    comma = rng.choice((", ", ", ", ",", " "))
    if rng.random() < 0.7 or not operands:
        # Behind a blank, one operand in brackets is a memory operand or a remark.
        gap = rng.choice(("", "", " ")) if len(operands) > 1 else ""
        return f"{w.name()}{gap}({comma.join(operands)})"
    return f"({w.name()} {' '.join(operands)})"


def _named(w: Writing) -> str | None:
    rng = w.rng
    names = list(w.meaning.values)
    if not names:
        return None
    sign, gap = rng.choice(("=", "=", ":", ": ")), rng.choice((" ", ", "))
    plain = rng.random() < 0.5
    labels = {name: NAMES[name][0] if plain else rng.choice(NAMES[name]) for name in names}
    if len(set(labels.values())) < len(names):
        labels = {name: name for name in names}
    rng.shuffle(names)
    return f"{w.name()} " + gap.join(f"{labels[name]}{sign}{w.operand(name)}" for name in names)


def _arrow(w: Writing) -> str | None:
    names = [name for name in w.meaning.values if name != "dest"]
    if "dest" not in w.meaning.values or not names:
        return None
    gap = w.rng.choice((" ", " ", " ", ""))
    return w.listed(w.name(), w.operands(names)) + f"{gap}->{gap}{w.operand('dest')}"


def _two_operand(w: Writing) -> str | None:
    if not w.meaning.in_place:
        return None
    return w.listed(w.name(), w.operands(("dest", "src2")))


def _english(w: Writing) -> str | None:
    rng, lexicon, values = w.rng, w.lexicon, w.meaning.values
    mnemonic, key = w.meaning.opcode.mnemonic, w.meaning.operation.key.partition("_")[2]
    if mnemonic in lexicon.conditions:
        # What most people say comes first in each list, and would be rare in a long one.
        ends = _PLAIN_ENDS if rng.random() < 0.5 else (None, None, None)
        lists = (lexicon.frames, lexicon.jumps, lexicon.conditions[mnemonic])
        frame, jump, condition = (
            any_of(items[:end], rng) for items, end in zip(lists, ends, strict=True)
        )
        template = frame.replace("{jump}", jump).replace("{condition}", condition)
    else:
        phrases = lexicon.phrases[key]
        if values.get("value") == 0 and rng.random() < 0.8:
            phrases = lexicon.phrases["CLEAR"]
        if "src1" in values and "dest" in values:
            phrases = tuple(p for p in phrases if w.meaning.in_place or "{src1}" in p)
        template = any_of(phrases, rng)
    text = lexicon.wordings.said(phrase(template, rng), rng)
    for name in values:
        text = text.replace(f"{{{name}}}", w.operand(name)) if f"{{{name}}}" in text else text
    if rng.random() < 0.15:
        opening = rng.choice(lexicon.openings)
        text = ("" if opening == _AND else opening) + text
    if rng.random() < 0.08:
        text += rng.choice(lexicon.closings)
    return text[0].upper() + text[1:] if rng.random() < 0.3 else text


FORMS: dict[str, tuple[int, _Form]] = {
    "plain": (10, _plain),
    "synonym": (20, _synonym),
    "typo": (14, _typo),
    "infix": (14, _infix),
    "call": (7, _call),
    "named": (11, _named),
    "arrow": (6, _arrow),
    "two_operand": (6, _two_operand),
    "english": (34, _english),
    "increment": (5, programs.increment),
    "arrows": (7, programs.arrows),
    "record": (8, programs.record),
    "reversed": (5, programs.reversed_order),
    "dollar": (6, programs.dollar),
    "frame": (14, frame),
}
"""How the operation and its operands stand together, with weights; one form for each text."""
ORDERED_FORMS = frozenset(("plain", "synonym", "typo", "two_operand", "reversed"))
"""Forms that list their operands behind the name."""


def write_form(
    form: str, rng: Random, meaning: Meaning, spell: Speller, lexicon: Lexicon
) -> str | None:
    """Write a meaning in one form; None where it has no such form."""
    return FORMS[form][1](Writing(rng, meaning, spell, lexicon))


def write_spaced(rng: Random, meaning: Meaning, spell: Speller, lexicon: Lexicon) -> str | None:
    """Write a meaning with blanks left out or commas doubled; None where it cannot be."""
    w = Writing(rng, meaning, spell, lexicon)
    kinds = [kind_of(operand) for operand in w.meaning.opcode.operands]
    operands = w.operands()
    if not kinds or kinds[0] != "register":
        return None
    ways = ["glued"] if len(kinds) == 1 else ["glued", "doubled", "doubled"]
    if set(kinds) == {"register"} and len(kinds) > 1:
        ways += ["joined", "joined"]
    way = rng.choice(ways)
    if way == "glued":
        return w.name() + rng.choice((",", ", ", " ")).join(operands)
    if way == "joined":
        return w.name() + rng.choice((" ", " ", "")) + "".join(operands)
    return f"{w.name()} " + rng.choice((",,", ", ,", ",, ", " ,, ")).join(operands)
