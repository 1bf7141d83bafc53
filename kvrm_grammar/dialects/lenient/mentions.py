"""What a lenient text mentions: registers, numbers and labels in all their spellings.

In: the text the model sees, marks and full-width forms already taken off. Out: the same table as
:mod:`kvrm_grammar.dialects.mentions` gives for the strict dialect. Where a spelling could be
read in two ways, both readings are mentions: grounding leaves the choice to the model.
"""

import json
import re
from collections.abc import Iterator

from kvrm_grammar.dialects.lenient.spelling import NUMBER_WORDS
from kvrm_grammar.dialects.mentions import Mentions, character_code, is_label, whole_number
from kvrm_grammar.isa.binding import Isa

__all__ = ["lenient_mentions"]

_MINUS = "\u2212"
# `r5`, `reg5`, `register 5`, `r 5`, also glued: `subr5`, `r5r3`.
_REGISTER = re.compile(
    r"(?:(?<![A-Za-z0-9])(?:register|reg|r)[ \t]|register|reg|r)(?P<number>[0-9]+)(?![0-9])",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"'(?P<character>\\.|[^\\])'"
    r"|(?P<sign>[-+]?)(?P<gap>[ \t]?)(?<![A-Za-z0-9_.$%])"
    r"(?:0[xX](?P<hexadecimal>[0-9A-Fa-f]+)|0[bB](?P<binary>[01]+)|0[oO](?P<octal>[0-7]+)"
    r"|(?P<suffixed>[0-9][0-9A-Fa-f]*)[hH]|\$(?P<dollar>[0-9A-Fa-f]+)|%(?P<percent>[01]+)"
    r"|(?P<decimal>[0-9]+(?:_[0-9]+)*))(?![A-Za-z0-9_$]|\.[0-9])"
)
_BASES = {
    "hexadecimal": 16, "binary": 2, "octal": 8, "suffixed": 16, "dollar": 16, "percent": 2,
    "decimal": 10,
}  # fmt: skip
_STARTS = " \t,#=(:>'\"`"  # what a signed number starts behind
_NUMBER_WORD = re.compile(
    r"(?<![A-Za-z])(?:" + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True)) + r")(?![A-Za-z])",
    re.IGNORECASE,
)
# A letter of another script is part of its word: no half of it is a name.
_WORD = re.compile(r"[A-Za-z0-9_.$\u0080-\U0010ffff]+")


def lenient_mentions(text: str, isa: Isa) -> Mentions:
    """List what a lenient text mentions, as JSON values.

    Args:
        text: What the model sees of the instruction.
        isa: Gives registers and ranges.

    Returns:
        For each operand kind its JSON values, one for each mention, in order of appearance,
        only those that the schema allows; None where the text has nothing of that kind.

    >>> from kvrm_grammar.isa.binding import load_isa
    >>> lenient_mentions("put forty-two in register 3", load_isa())["immediate"]
    ('42',)
    """
    plain = text.replace(_MINUS, "-")
    registers = {name.upper() for name in isa.registers}
    named = list(_REGISTER.finditer(plain))
    found = [f"R{match['number']}" for match in named]
    taken = {place for match in named for place in range(match.start(), match.end())}
    numbers = list(_numbers(plain, taken))
    labels = [word for word in _labels(plain) if is_label(word, isa)]
    (low, high), (first, last) = isa.immediate, isa.address
    addresses = [str(value) for value in numbers if first <= value <= last]
    return {
        "register": tuple(json.dumps(n) for n in found if n in registers) if found else None,
        "immediate": tuple(str(v) for v in numbers if low <= v <= high) if numbers else None,
        "target": (*map(json.dumps, labels), *addresses) if labels or numbers else None,
    }


def _numbers(text: str, taken: set[int]) -> Iterator[int]:
    """All numbers, those in words last; a sign that may be an operator gives both readings."""
    for match in _NUMBER.finditer(text):
        if match["character"] is not None:
            code = character_code(match["character"])
            if code is not None:
                yield code
            continue
        if match.end() - 1 in taken:  # the digit of a register
            continue
        name, base = next((n, b) for n, b in _BASES.items() if match[n] is not None)
        value = whole_number(match[name].replace("_", ""), base)
        if value is None:
            continue
        if match["sign"] != "-":
            yield value
            continue
        yield -value
        before = text[: match.start()][-1:]
        if match["gap"] or before not in _STARTS:
            yield value
    for match in _NUMBER_WORD.finditer(text):
        yield NUMBER_WORDS[match[0].lower()]


def _labels(text: str) -> Iterator[str]:
    """Words that may be labels, with and without a full stop behind them."""
    for word in _WORD.findall(text):
        for name in dict.fromkeys((word, word.rstrip("."))):
            if name:
                yield name
