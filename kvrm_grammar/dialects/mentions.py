"""What an instruction's text mentions: registers, numbers and labels.

In: the text the model sees. Out: for each operand kind the JSON values that occur in the
text, numbers in decimal, so that a model chooses a number and never converts one. An operand
is mentioned as a whole word, from separator to separator: neither half of ``4*2`` is one.
"""

import json
import re
import string
from collections.abc import Mapping

from kvrm_grammar.isa.binding import Isa, OperandKind

__all__ = ["Mentions", "character_code", "is_label", "mentions", "whole_number"]

Mentions = Mapping[OperandKind, tuple[str, ...] | None]
"""By operand kind what a text mentions, as JSON values; None where it has nothing of that kind."""

_WORD = re.compile(r"#?'(?:\\.|[^\\])'(?=[ \t,]|\Z)|[^ \t,]+")
_LABEL = re.compile(r"[A-Za-z_.][A-Za-z0-9_.$]*")
_NUMBER = re.compile(
    r"(?P<prefix>#?)(?:'(?P<character>\\.|[^\\])'"
    r"|(?P<sign>[-+]?)(?:0[xX](?P<hexadecimal>[0-9A-Fa-f]+)"
    r"|0[bB](?P<binary>[01]+)|0[oO](?P<octal>[0-7]+)|(?P<decimal>0|[1-9][0-9]*)))"
)
_BASES = {"hexadecimal": 16, "binary": 2, "octal": 8, "decimal": 10}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", "'": "'"}


def mentions(text: str, isa: Isa) -> Mentions:
    """List what an instruction's text mentions, as JSON values.

    The first word names the operation, the others are operands. A name that may not stand
    where it does is still a mention of a register and of a target, a number still one of an
    immediate and of a target, and what is neither is a mention of all: only values come
    of none of them.

    Args:
        text: What the model sees of the instruction.
        isa: Gives registers and ranges.

    Returns:
        For each operand kind its JSON values, one for each mention, in order of appearance,
        only those that the schema allows; None where the text has nothing of that kind.

    >>> from kvrm_grammar.isa.binding import load_isa
    >>> mentions("add r5, r5, 0x1F", load_isa())
    {'register': ('"R5"', '"R5"'), 'immediate': ('31',), 'target': ('31',)}
    >>> mentions("mov r8, r1", load_isa())["immediate"], mentions("inc r1", load_isa())["immediate"]
    ((), None)
    """
    words = _WORD.findall(text)[1:]
    known = {register.upper() for register in isa.registers}
    low, high = isa.immediate
    first, last = isa.address
    registers, immediates, targets = list[str](), list[str](), list[str]()
    names = numbers = unreadable = False
    for word in words:
        number = _NUMBER.fullmatch(word)
        if number is not None:
            numbers = True
            value = _value(number)
            if value is not None and low <= value <= high:
                immediates.append(str(value))
            address = not (number["prefix"] or number["sign"] or number["character"])
            if value is not None and address and first <= value <= last:
                targets.append(str(value))
        elif word.upper() in known:
            names = True
            registers.append(json.dumps(word.upper()))
        elif is_label(word, isa):
            names = True
            targets.append(json.dumps(word))
        else:
            unreadable = True
    return {
        "register": tuple(registers) if names or unreadable else None,
        "immediate": tuple(immediates) if numbers or unreadable else None,
        "target": tuple(targets) if words else None,
    }


def character_code(literal: str) -> int | None:
    """The code of what stands between single quotes; None for an unknown escape."""
    plain = literal if len(literal) == 1 else _ESCAPES.get(literal[1])
    return None if plain is None else ord(plain)


def whole_number(digits: str, base: int) -> int | None:
    """The number of digits; None where it has so many that it is out of every range."""
    return int(digits, base) if len(digits.lstrip("0")) <= 40 else None


def _value(number: re.Match[str]) -> int | None:
    """The number of a literal; None where it is out of every range, or no escape."""
    if number["character"] is not None:
        return character_code(number["character"])
    digits, base = next((number[n], b) for n, b in _BASES.items() if number[n] is not None)
    value = whole_number(digits, base)
    return -value if value is not None and number["sign"] == "-" else value


def is_label(word: str, isa: Isa) -> bool:
    """Whether a jump may go to a word: a name that is no register's, existing or not."""
    stems = {name.rstrip(string.digits).upper() for name in isa.registers}
    reserved = word[0].upper() in stems and word[1:].isdigit()
    short = len(word) <= isa.label_max_length
    return short and not reserved and _LABEL.fullmatch(word) is not None
