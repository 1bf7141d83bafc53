"""Notations of numbers that more than one dialect reads.

In: a word. Out: its value. Apart from the reference parser's own reading, which judges it.
"""

import re

__all__ = ["character_code", "read_number", "whole_number"]

_NUMBER = re.compile(
    r"#?(?:'(?P<character>\\.|[^\\])'"
    r"|(?P<sign>[-+]?)(?:0[xX](?P<hexadecimal>[0-9A-Fa-f]+)"
    r"|0[bB](?P<binary>[01]+)|0[oO](?P<octal>[0-7]+)|(?P<decimal>0|[1-9][0-9]*)))"
)
_BASES = {"hexadecimal": 16, "binary": 2, "octal": 8, "decimal": 10}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", "'": "'"}
_MAX_DIGITS = 40


def read_number(word: str) -> int | None:
    """The number that a whole word writes.

    Args:
        word: Decimal without leading zeros, ``0x``, ``0b``, ``0o`` or a character in quotes, with
            an optional hash sign and sign.

    Returns:
        Its value; one that is out of every range for a number of too many digits; None where the
        word is no number.

    >>> read_number("#-0x1F"), read_number("'A'"), read_number("067")
    (-31, 65, None)
    """
    number = _NUMBER.fullmatch(word)
    if number is None:
        return None
    if number["character"] is not None:
        code = character_code(number["character"])
        return _beyond() if code is None else code
    digits, base = next((number[n], b) for n, b in _BASES.items() if number[n] is not None)
    value = whole_number(digits, base)
    if value is None:
        return _beyond()
    return -value if number["sign"] == "-" else value


def _beyond() -> int:
    """A value that no range has."""
    return int(10**_MAX_DIGITS)


def character_code(literal: str) -> int | None:
    """The code of what stands between single quotes; None where it is no literal's content.

    That is one printable ASCII character but a quote, or one of the escapes.
    """
    plain = _ESCAPES.get(literal[1]) if len(literal) > 1 else literal
    if plain is None or (plain == literal and (plain == "'" or not " " <= plain <= "~")):
        return None
    return ord(plain)


def whole_number(digits: str, base: int) -> int | None:
    """The number of digits; None where it has so many that it is out of every range."""
    return int(digits, base) if len(digits.lstrip("0")) <= _MAX_DIGITS else None
