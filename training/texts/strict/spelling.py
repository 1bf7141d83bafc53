"""How names and numbers are spelled: case, labels, notations.

In: a ``random.Random``. Out: the text of one name or number. :mod:`training.texts.strict.valid`
makes instructions of them.
"""

import string
from collections.abc import Sequence
from random import Random

from kvrm_grammar.isa import InstructionSet
from training.texts.operands import longest_label
from training.texts.strict.words import FOREIGN_MNEMONICS, TRAINING_WORDS

__all__ = [
    "BASES",
    "NOTATIONS",
    "digits_of",
    "integer_text",
    "label_name",
    "mixed_case",
    "near",
    "notation_value",
    "random_integer",
]

NOTATIONS: tuple[str, ...] = ("decimal", "hexadecimal", "binary", "octal", "character")

BASES = {"decimal": 10, "hexadecimal": 16, "binary": 2, "octal": 8}
_USUAL_DIGITS = {"hexadecimal": 2, "binary": 8, "octal": 3}
_LABEL_START = string.ascii_letters + "_."
_LABEL_CHARS = string.ascii_letters + string.digits + "_.$"
_ESCAPES = {10: "\\n", 9: "\\t", 13: "\\r", 0: "\\0", 92: "\\\\", 39: "\\'"}


def mixed_case(name: str, rng: Random) -> str:
    """Write a name in upper, lower, title or random case."""
    roll = rng.random()
    if roll < 0.42:
        return name.upper()
    if roll < 0.84:
        return name.lower()
    if roll < 0.92:
        return name.capitalize()
    return _random_case(name, rng)


def _random_case(name: str, rng: Random) -> str:
    """Write each letter of a name in upper or lower case."""
    return "".join(rng.choice((c.upper(), c.lower())) for c in name)


def label_name(rng: Random, isa: InstructionSet, words: Sequence[str] = TRAINING_WORDS) -> str:
    """Invent a label: random identifiers, so that a model must copy and cannot guess.

    Args:
        rng: Source of randomness.
        isa: Gives the maximal length, the registers and the mnemonics.
        words: Word list for the wordlike ones.

    Returns:
        A name the dialect accepts as a label.
    """
    while True:
        name = _raw_label(rng, isa, words)[: longest_label(isa)]
        if isa.is_label(name) or isa.label_pattern is None:
            return name


def _raw_label(rng: Random, isa: InstructionSet, words: Sequence[str]) -> str:
    roll, longest = rng.random(), longest_label(isa)
    if roll < 0.32:
        return _word_label(rng, words)
    if roll < 0.62:
        return _random_label(rng, rng.randint(1, 9))
    if roll < 0.76:
        return _random_label(rng, rng.randint(8, 24))
    if roll < 0.79:
        return _random_label(rng, rng.randint(min(25, longest), longest))
    if roll < 0.81:
        return _monotonous_label(rng, longest)
    if roll < 0.84:
        return mixed_case(rng.choice(isa.opcodes).mnemonic, rng)
    if roll < 0.86:
        return mixed_case(rng.choice(FOREIGN_MNEMONICS), rng)
    if roll < 0.91:  # looks like a register, and is none
        return rng.choice("Rr") + rng.choice(
            ("", "_", "x", "1a", "3.", "$", "eg", "0_7", "12b", "et")
        )
    return rng.choice((".L", "L", "_", "loc_", "sub_", "$L"[1:], "LBB0_")) + str(
        rng.randint(0, 9999)
    )


def _word_label(rng: Random, words: Sequence[str]) -> str:
    parts = [mixed_case(rng.choice(words), rng) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]
    name = rng.choice(("_", "_", "", ".", "$")).join(parts)
    if rng.random() < 0.35:
        name += rng.choice(("", "_", ".", "$")) + str(rng.randint(0, 99))
    return rng.choice(("", "", "", "_", ".")) + name


def _random_label(rng: Random, length: int) -> str:
    chars = rng.choice(
        (_LABEL_CHARS, string.ascii_lowercase, string.ascii_lowercase + "_0123456789")
    )
    first = rng.choice([c for c in chars if c in _LABEL_START])
    return first + "".join(rng.choice(chars) for _ in range(length - 1))


def _monotonous_label(rng: Random, longest: int) -> str:
    """One character many times, and perhaps others now and then."""
    usual = rng.choice((rng.choice(_LABEL_CHARS), rng.choice("aA0_.")))
    start, share = rng.choice(_LABEL_START), rng.choice((0.0, 0.0, 0.1))
    length = rng.randint(1, max(1, longest - 1))
    return start + "".join(
        rng.choice(_LABEL_CHARS) if rng.random() < share else usual for _ in range(length)
    )


def random_integer(rng: Random, low: int, high: int) -> int:
    """Draw an integer from [low, high]: small ones often, the bounds sometimes."""
    if low < 0 and rng.random() < 0.3:
        return -_magnitude(rng, -low)
    return _magnitude(rng, high)


def _magnitude(rng: Random, bound: int) -> int:
    """From [0, bound]: any number of digits, and a share near the bound."""
    roll = rng.random()
    if roll < 0.35:
        value = rng.randint(0, 255)
    elif roll < 0.80:
        digits = rng.randint(1, len(str(bound)))
        value = rng.randint(10 ** (digits - 1) if digits > 1 else 0, min(10**digits - 1, bound))
    elif roll < 0.86:
        value = rng.choice((2 ** rng.randint(0, 31), 10 ** rng.randint(0, 9))) - rng.randint(0, 1)
    else:
        value = near(rng, bound, above=False)
    return min(value, bound)


def near(rng: Random, bound: int, *, above: bool, notation: str = "decimal") -> int:
    """Draw a number that shares its leading digits with a bound, and lies on one side of it.

    Args:
        rng: Source of randomness.
        bound: At least 0.
        above: Beyond the bound, or at most the bound.
        notation: Whose digits: one of ``NOTATIONS``, characters apart.

    Returns:
        The number; where no digit can change that way, one within nine of the bound.
    """
    base = BASES[notation]
    digits = digits_of(bound, base)
    places = [i for i, digit in enumerate(digits) if digit != (base - 1 if above else 0)]
    if not places or rng.random() < 0.15:
        return bound + rng.randint(1, 9) if above else max(bound - rng.randint(0, 9), 0)
    place = rng.choice(places)
    own = digits[place]
    digits[place] = rng.randint(own + 1, base - 1) if above else rng.randint(0, own - 1)
    digits[place + 1 :] = [rng.randrange(base) for _ in digits[place + 1 :]]
    value = 0
    for digit in digits:
        value = value * base + digit
    return value


def digits_of(value: int, base: int) -> list[int]:
    """The digits of a number from 0 on, the highest first."""
    digits = [value % base]
    while value >= base:
        value //= base
        digits.append(value % base)
    return digits[::-1]


def integer_text(value: int, notation: str, rng: Random, *, sign: bool = True) -> str:
    """Write an integer in a notation, without the `#` prefix.

    Args:
        value: The number; a character code for the notation ``character``.
        notation: One of ``NOTATIONS``.
        rng: Source of randomness (digits' case, an optional plus sign).
        sign: Whether a plus sign may be written.
    """
    if notation == "character":
        return f"'{_ESCAPES[value]}'" if value in _ESCAPES else f"'{chr(value)}'"
    letter = {"hexadecimal": "x", "binary": "b", "octal": "o"}.get(notation, "")
    body = format(abs(value), letter or "d")
    if letter:
        if rng.random() < 0.15:
            body = "0" * (rng.randint(3, 60) if rng.random() < 0.2 else rng.randint(1, 2)) + body
        style = rng.random()
        body = body.upper() if style < 0.45 else body
        body = "0" + (letter.upper() if rng.random() < 0.15 else letter) + body
    mark = "-" if value < 0 else ("+" if sign and rng.random() < 0.06 else "")
    return mark + body


def notation_value(rng: Random, notation: str, low: int, high: int) -> int:
    """Draw a number for a notation: mostly small ones, as people write outside decimal.

    One in five has any number of digits, up to as many as the bound has.
    """
    if notation == "decimal":
        return random_integer(rng, low, high)
    if notation == "character":
        return rng.choice(tuple(range(32, 127)) + tuple(_ESCAPES))
    base, usual = BASES[notation], _USUAL_DIGITS[notation]
    digits = rng.randint(1, usual if rng.random() < 0.8 else len(digits_of(high, base)))
    value = rng.randrange(min(base**digits, max(high, 0) + 1))
    return -value if low < 0 and rng.random() < 0.12 else value
