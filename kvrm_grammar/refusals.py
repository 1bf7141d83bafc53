"""Texts that look like instructions and are none: the hard class for a model.

In: a ``random.Random`` and an :class:`~kvrm_grammar.isa.Isa`. Out: ``Candidate``: a text
and its kind. Most are one step away from a valid instruction, and a few turn out to
be valid after all, so the caller asks the reference parser for the label.
"""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from kvrm_grammar.faults import (
    KEYBOARD,
    Draw,
    bad_literal,
    bad_register,
    bad_target,
    draw,
    edit,
    in_range,
    out_of_range,
)
from kvrm_grammar.isa import Isa
from kvrm_grammar.variants import decorate, label_name, mixed_case, separator
from kvrm_grammar.words import FOREIGN_MNEMONICS, PROSE, TRAINING_WORDS

__all__ = ["REFUSAL_KINDS", "Candidate", "minimal_pair", "refusal_candidate"]

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
    keep = d.rng.randrange(len(d.operands))
    start = d.rng.choice((0, 0, len(d.operands) - keep))
    return d.join(d.operands[start : start + keep])


def _extra(d: Draw) -> str:
    d = d if d.rng.random() < 0.8 else draw(d.rng, d.isa, d.words, with_operands=False)
    parts = list(d.operands)
    for _ in range(d.rng.choice((1, 1, 1, 1, 2))):
        parts.insert(
            d.rng.randint(0, len(parts)), d.any_operand("register", "register", "label", "number")
        )
    return d.join(parts)


def _extra_for_none(d: Draw) -> str:
    nullary = [o for o in d.isa.opcodes if not o.operands] or list(d.isa.opcodes)
    name = mixed_case(d.rng.choice(nullary).mnemonic, d.rng)
    return d.join([d.any_operand("register", "label", "number")], name)


def _wrong_kind(d: Draw) -> str:
    position = d.rng.randrange(len(d.operands))
    other = {
        "register": ("number", "number", "label"),
        "immediate": ("label",),
        "target": ("register",),
    }
    return d.replaced(position, d.any_operand(*other[d.opcode.operands[position].kind]))


def _commas(d: Draw) -> str:
    rng, name = d.rng, d.mnemonic()
    forms: list[Callable[[], str]] = [
        lambda: f"{name} {rng.choice((',', ', ', ' ,'))}" + ", ".join(d.operands),
        lambda: f"{name}{rng.choice((',', ', ', ', '))}" + ", ".join(d.operands),
        lambda: f"{name} " + ", ".join(d.operands) + rng.choice((",", " ,", ", ")),
        lambda: f"{name} " + rng.choice(_SEPARATORS).join(d.operands),
        lambda: f"{name} " + rng.choice(_WORDS_BETWEEN).join(d.operands),
    ]
    return rng.choice(forms)()


def _mnemonic(d: Draw) -> str:
    rng, own = d.rng, d.opcode.mnemonic.lower()
    roll = rng.random()
    if roll < 0.5:
        return d.join(d.operands, mixed_case(rng.choice(FOREIGN_MNEMONICS), rng))
    if roll < 0.85:
        return d.join(d.operands, mixed_case(edit(own, rng, string.ascii_lowercase), rng))
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
        return "".join(d.rng.choice(string.ascii_lowercase) for _ in range(d.rng.randint(2, 5)))
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
# Where one character decides, and a model is weakest. "in_range" is two valid instructions:
# a number out of range is no member of a grounded language, so a model that wrongly takes it
# does no harm by default, and one that wrongly refuses its neighbour does.
_PAIR_WEIGHTS: dict[str, int] = {
    "mnemonic": 24, "out_of_range": 10, "in_range": 44, "bad_literal": 14, "edited": 18,
    "bad_register": 8, "bad_target": 9, "missing_operand": 3, "extra_operand": 8, "wrong_kind": 4,
    "commas": 4, "label_only": 4, "stray": 8, "foreign_characters": 5,
    "no_blank": 2,
}  # fmt: skip


def refusal_candidate(rng: Random, isa: Isa, words: Sequence[str] = TRAINING_WORDS) -> Candidate:
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


def minimal_pair(
    rng: Random, isa: Isa, words: Sequence[str] = TRAINING_WORDS
) -> tuple[Candidate, Candidate]:
    """Draw a valid instruction and one a step away from it, mostly of the hardest faults.

    The step leads out of the dialect, but for one kind: numbers of many digits in range.

    Training data takes a share of these; evaluation data does not.

    Args:
        rng: Source of randomness.
        isa: The instruction set.
        words: Word list for labels.

    Returns:
        The instruction, and its neighbour. Whether that is refused, the oracle says.
    """
    kind = rng.choices(tuple(_PAIR_WEIGHTS), tuple(_PAIR_WEIGHTS.values()))[0]
    numeric = kind in ("out_of_range", "in_range", "bad_literal")
    d = draw(rng, isa, words, with_operands=kind not in ("mnemonic", "edited"))
    while numeric and d.position("immediate", "target") is None:
        d = draw(rng, isa, words)
    valid = in_range(d) if kind in ("out_of_range", "in_range") else d.join(d.operands)
    if kind == "in_range":
        broken = in_range(d)
    elif kind == "mnemonic" and rng.random() < 0.75:
        own = mixed_case(d.opcode.mnemonic, rng)
        broken = d.join(d.operands, edit(own, rng, string.ascii_letters))
    else:
        broken = _MAKERS[kind][1](d)
    return Candidate(valid, kind), Candidate(broken, kind)
