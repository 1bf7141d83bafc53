"""What an instruction's text mentions: registers, numbers and labels.

In: the text the model sees. Out: for each operand kind the JSON values that occur in the
text, numbers in decimal, so that a model chooses a number and never converts one.
"""

import json
import re
import string

from kvrm_grammar.isa import Isa, OperandKind

__all__ = ["mentions"]

# A letter of another script is part of its word: no half of it is a name.
_WORD = re.compile(r"[A-Za-z0-9_.$\u0080-\U0010ffff]+")
_LABEL = re.compile(r"[A-Za-z_.][A-Za-z0-9_.$]*")
# What names the operation is no operand.
_OPERATION = re.compile(r"[ \t]*[A-Za-z]+")
_STARTS = " \t,#"  # what an operand starts behind
_LITERAL = re.compile(
    r"'(?P<character>\\.|[^\\])'"
    r"|(?P<sign>[-+]?)(?<![A-Za-z0-9_.$])(?:0[xX](?P<hexadecimal>[0-9A-Fa-f]+)"
    r"|0[bB](?P<binary>[01]+)|0[oO](?P<octal>[0-7]+)|(?P<decimal>0|[1-9][0-9]*))(?![A-Za-z0-9_.$])"
)
_BASES = {"hexadecimal": 16, "binary": 2, "octal": 8, "decimal": 10}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", "'": "'"}


def mentions(text: str, isa: Isa) -> dict[OperandKind, tuple[str, ...] | None]:
    """List what an instruction's text mentions, as JSON values.

    Args:
        text: What the model sees of the instruction.
        isa: Gives registers and ranges.

    Returns:
        For each operand kind its JSON values, one for each mention, in order of appearance,
        only those that the schema allows; None where the text has nothing of that kind.

    >>> from kvrm_grammar.isa import load_isa
    >>> mentions("add r5, r5, 0x1F", load_isa())
    {'register': ('"R5"', '"R5"'), 'immediate': ('31',), 'target': ('31',)}
    """
    operation = _OPERATION.match(text)
    operands = text[operation.end() :] if operation else text
    words = _WORD.findall(operands)
    literals = list(_LITERAL.finditer(operands))
    numbers = [number for match in literals for number in _numbers(match)]
    numeric = bool(literals) or any(word[0].isdigit() for word in words)
    names = {register.upper() for register in isa.registers}
    stems = {name.rstrip(string.digits) for name in names}
    registers = [word.upper() for word in words if _is_reserved(word, stems)]
    labels = [word for word in words if _is_label(word, stems, isa.label_max_length)]
    low, high = isa.immediate
    first, last = isa.address
    values = [str(number) for number in numbers if low <= number <= high]
    addresses = [str(number) for number in numbers if first <= number <= last]
    return {
        "register": tuple(json.dumps(r) for r in registers if r in names) if registers else None,
        "immediate": tuple(values) if numeric else None,
        "target": (*map(json.dumps, labels), *addresses) if labels or numeric else None,
    }


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    """The number of a literal; also without its sign where that may be an operator."""
    character = match["character"]
    if character is not None:
        if len(character) == 1:
            return (ord(character),)
        escaped = _ESCAPES.get(character[1])
        return () if escaped is None else (ord(escaped),)
    for name, base in _BASES.items():
        digits = match[name]
        if digits is not None:
            if len(digits) > 40:  # out of every range, and slow to convert
                return ()
            number = int(digits, base)
            if match["sign"] != "-":
                return (number,)
            before = match.string[: match.start()][-1:]
            return (-number,) if before in _STARTS else (-number, number)
    return ()


def _is_reserved(word: str, stems: set[str]) -> bool:
    """Whether a word has the form of a register, existing or not."""
    return word[0].upper() in stems and word[1:].isdigit()


def _is_label(word: str, stems: set[str], longest: int) -> bool:
    fits = _LABEL.fullmatch(word) is not None and len(word) <= longest
    return fits and not _is_reserved(word, stems)
