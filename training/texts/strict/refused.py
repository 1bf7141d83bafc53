"""Texts that look like instructions and are none: the hard class for a model.

In: a ``random.Random`` and an ``InstructionSet``. Out: ``Candidate``: a text
and its kind. Most are one step away from a valid instruction, and a few turn out to
be valid after all, so the caller asks the reference parser for the label.
"""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from kvrm_grammar.isa import InstructionSet
from training.texts.operands import kind_of
from training.texts.strict.faults import (
    KEYBOARD,
    Draw,
    bad_literal,
    bad_register,
    bad_target,
    draw,
    edit,
    out_of_range,
)
from training.texts.strict.spelling import label_name, mixed_case
from training.texts.strict.valid import decorate, separator, separators_of
from training.texts.strict.words import FOREIGN_MNEMONICS, PROSE, TRAINING_WORDS

__all__ = ["REFUSAL_KINDS", "Candidate", "broken", "misspelt", "refusal_candidate"]

_CONFUSABLE = str.maketrans(
    dict(
        zip(
            "aceopsxijAOMRHI,05",
            "\u0430\u0441\u0435\u043e\u0440\u017f\u0445\u0456\u0458\u0410\u041e\u041c\uff32\u041d\u0406\uff0c\uff10\u0665",
            strict=True,
        )
    )
)
_STRANGE = (
    "\u200b", "\ufeff", "\x00", "\u00a0", "\x0b", "\u202e", "\u00ad", "\x1b", "\u2028",
    "\u00e9", "\U0001f600",
)  # fmt: skip
_SEPARATORS = (",,", ", ,", " , , ", ";", " ; ", ":", " | ", "/", " - ", " + ", " & ")
_WORDS_BETWEEN = (" and ", " and ", " to ", " from ", " into ", " with ", " by ", " then ")


@dataclass(frozen=True)
class Candidate:
    """A text that is probably refused, and the kind of its fault. Immutable."""

    text: str
    kind: str


def _missing(d: Draw) -> str:
    keep = d.rng.randrange(len(d.operands) or 1)
    start = d.rng.choice((0, 0, len(d.operands) - keep))
    return d.join(d.operands[start : start + keep])


def _extra(d: Draw) -> str:
    d = d if d.rng.random() < 0.8 else draw(d.rng, d.isa, d.words, with_operands=False)
    parts = list(d.operands)
    for _ in range(d.rng.choice((1, 1, 1, 1, 2))):
        again = d.rng.choice(parts) if parts and d.rng.random() < 0.25 else None
        parts.insert(
            d.rng.randint(0, len(parts)),
            again or d.any_operand("register", "register", "label", "number"),
        )
    return d.join(parts)


def _extra_for_none(d: Draw) -> str:
    nullary = [o for o in d.isa.opcodes if not o.operands] or list(d.isa.opcodes)
    name = mixed_case(d.rng.choice(nullary).mnemonic, d.rng)
    return d.join([d.any_operand("register", "label", "number")], name)


def _wrong_kind(d: Draw) -> str:
    if not d.operands:
        return d.plain
    position = d.rng.randrange(len(d.operands))
    other = {
        "register": ("number", "number", "label"),
        "immediate": ("register", "label"),
        "target": ("register",),
    }
    return d.replaced(position, d.any_operand(*other[kind_of(d.slots[position])]))


def _commas(d: Draw) -> str:
    rng, name = d.rng, d.mnemonic()
    forms: list[Callable[[], str]] = [
        lambda: f"{name} {rng.choice((',', ', ', ' ,'))}" + ", ".join(d.operands),
        lambda: f"{name}{rng.choice((',', ', ', ', '))}" + ", ".join(d.operands),
        lambda: f"{name} " + ", ".join(d.operands) + rng.choice((",", " ,", ", ")),
        lambda: f"{name} " + rng.choice(_SEPARATORS).join(d.operands),
        lambda: f"{name} " + rng.choice(_WORDS_BETWEEN).join(d.operands),
    ]
    if " " not in separators_of(d.isa):  # where a comma must be, its lack is the likeliest fault
        forms += 3 * [lambda: d.join(d.operands).replace(",", rng.choice((" ", "")))]
    return rng.choice(forms)()


def _mnemonic(d: Draw) -> str:
    rng, own = d.rng, d.form.mnemonic.lower()
    roll = rng.random()
    if roll < 0.5:
        return d.join(d.operands, mixed_case(rng.choice(FOREIGN_MNEMONICS), rng))
    if roll < 0.85:
        return d.join(d.operands, misspelt(own, rng))
    forms = (
        d.opcode.key,
        f".{own}",
        f"{own}.",
        f"{own}:",
        f"{own}!",
        f"_{own}",
        f"{own}{rng.randint(0, 9)}",
        f"{own}.w",
    )
    return d.join(d.operands, mixed_case(rng.choice(forms), rng))


def misspelt(own: str, rng: Random) -> str:
    """A mnemonic one edit away, in the case of a whole word or with a letter of another case."""
    roll = rng.random()
    if roll < 0.35:
        return mixed_case(edit(own, rng, string.ascii_lowercase), rng)
    if roll < 0.75:
        return edit(mixed_case(own, rng), rng, string.ascii_letters)
    name, letters = mixed_case(own, rng), string.ascii_letters
    place = rng.choice((0, 0, 0, len(name), rng.randint(0, len(name))))
    letter = rng.choice((rng.choice(letters), name[min(place, len(name) - 1)].swapcase()))
    return name[:place] + letter + name[place:]


def _no_blank(d: Draw) -> str:
    name = d.mnemonic()
    if d.rng.random() < 0.6:
        return name + "".join((separator(d.rng) if i else "") + o for i, o in enumerate(d.operands))
    return f"{name} " + "".join(d.operands)


def _other_syntax(d: Draw) -> str:
    rng, name, ops = d.rng, d.mnemonic(), d.operands
    first, last = ops[0], ops[-1]
    forms = (
        f"{name}({', '.join(ops)})", f"({name} {' '.join(ops)})", f"{name}()",
        f"{name} {' -> '.join(ops)}",
        f"{first} = {last}", f"{first} := {first} {rng.choice('+-*')} {last}", f"{first} <- {last}",
        f"{first}++", f"{first} += {last}",
        f"{name} dest={first} src={last}", f"`{name} {', '.join(ops)}`", f"> {d.plain}",
        f"{d.plain}.", f"{rng.randint(1, 99)} {d.plain}",
        f"{rng.randint(1, 99)}: {d.plain}", f"[{d.plain}]", f"\"{d.plain}\"", f"- {d.plain}",
        f"please {d.plain}", f"{d.plain} now",
        f"{d.plain} please", f"if z {d.plain}", f"{' '.join(ops)} {name}", f"{first} {name} {last}",
        f"{name} {name} {', '.join(ops)}",
    )  # fmt: skip
    return rng.choice(forms)


def _several(d: Draw) -> str:
    other = draw(d.rng, d.isa, d.words, with_operands=False)
    return (
        d.plain
        + d.rng.choice(("\n", "\n", "\r\n", " ", ", ", " | ", "\n\n", " && ", " \\ "))
        + other.plain
    )


def _label_only(d: Draw) -> str:
    name = label_name(d.rng, d.isa, d.words)
    register = d.any_operand("register")
    forms = (
        "", " ", "\t", "; " + name, "// " + d.plain, "# note", name + ":", name + ": ",
        name + ":  ; x", name, ":",
    )  # fmt: skip
    broken = (
        f"{register}: {d.plain}",
        f": {d.plain}",
        f"{name}:: {d.plain}",
        f"{name}:{name}: {d.plain}",
        f"3{name[:4]}: {d.plain}",
        f"{name} {d.plain}",
        f"{name} : {d.plain}",
    )
    return d.rng.choice(forms if d.rng.random() < 0.5 else broken)


def _stray(d: Draw) -> str:
    """One letter or word too many beside an instruction or behind its label."""
    rng = d.rng
    letters = "".join(rng.choice(string.ascii_letters) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    word = rng.choice((letters, letters, rng.choice(d.words), rng.choice(FOREIGN_MNEMONICS)))
    name = label_name(rng, d.isa, d.words)
    forms = (
        f"{word} {d.plain}", f"{word} {d.plain}", f"{word} {d.plain}", f"{d.plain} {word}",
        f"{name}:{word} {d.plain}", f"{name}: {word} {d.plain}", f"{word} {name}: {d.plain}",
        f"{name}: {d.plain} {word}",
    )  # fmt: skip
    return rng.choice(forms)


def _foreign_characters(d: Draw) -> str:
    text, rng = d.plain, d.rng
    if rng.random() < 0.5:
        place = rng.randint(0, len(text))
        return text[:place] + rng.choice(_STRANGE) + text[place:]
    places = [i for i, c in enumerate(text) if ord(c) in _CONFUSABLE]
    if not places:
        return rng.choice(_STRANGE) + text
    chosen = rng.choice(places)
    return text[:chosen] + text[chosen].translate(_CONFUSABLE) + text[chosen + 1 :]


def _prose(d: Draw) -> str:
    roll = d.rng.random()
    if roll < 0.4:
        return d.rng.choice(PROSE)
    if roll < 0.55:
        letters = (d.rng.choice(string.ascii_lowercase) for _ in range(d.rng.randint(2, 5)))
        return mixed_case("".join(letters), d.rng)
    if roll < 0.62:
        return misspelt(d.form.mnemonic.lower(), d.rng)
    if roll < 0.8:
        return " ".join(d.rng.choice(d.words) for _ in range(d.rng.randint(1, 7)))
    alphabet = d.rng.choice((string.printable[:95], string.ascii_letters + " ", "rR01234567,# -x'"))
    return "".join(d.rng.choice(alphabet) for _ in range(d.rng.randint(1, 24)))


def _edited(d: Draw) -> str:
    text = d.plain
    for _ in range(d.rng.choice((1, 1, 2))):
        text = edit(text, d.rng, KEYBOARD)
    return text


_MAKERS: dict[str, tuple[int, Callable[[Draw], str]]] = {
    "missing_operand": (12, _missing),
    "extra_operand": (11, _extra),
    "extra_for_none": (4, _extra_for_none),
    "wrong_kind": (12, _wrong_kind),
    "bad_register": (13, bad_register),
    "out_of_range": (10, out_of_range),
    "bad_literal": (10, bad_literal),
    "bad_target": (9, bad_target),
    "commas": (7, _commas),
    "mnemonic": (14, _mnemonic),
    "no_blank": (4, _no_blank),
    "other_syntax": (7, _other_syntax),
    "several": (3, _several),
    "label_only": (4, _label_only),
    "stray": (6, _stray),
    "foreign_characters": (5, _foreign_characters),
    "prose": (6, _prose),
    "edited": (22, _edited),
}
REFUSAL_KINDS: tuple[str, ...] = tuple(_MAKERS)


def refusal_candidate(
    rng: Random, isa: InstructionSet, words: Sequence[str] = TRAINING_WORDS
) -> Candidate:
    """Draw a text that is probably no instruction of the strict dialect.

    Args:
        rng: Source of randomness.
        isa: The instruction set to break the rules of.
        words: Word list for labels and prose.

    Returns:
        The text and the kind of its fault. Whether it is refused, the oracle says.
    """
    kind = rng.choices(REFUSAL_KINDS, [weight for weight, _ in _MAKERS.values()])[0]
    text = _MAKERS[kind][1](draw(rng, isa, words))
    if rng.random() < 0.15 and kind not in ("label_only", "several"):
        text = decorate(text, rng, isa, words)
    return Candidate(text, kind)


def broken(kind: str, d: Draw) -> str:
    """Break a drawn instruction in one way.

    Args:
        kind: One of ``REFUSAL_KINDS``.
        d: The instruction, with operands where the fault needs some.

    Returns:
        A text; whether it is refused, the oracle says.
    """
    return _MAKERS[kind][1](d)
