"""What listings have in columns in front of an instruction: addresses, symbols, bytes, code.

In: a line. Out: the line without them, where a rule is sure; the model reads the rest.
"""

import re

from kvrm_grammar.dialects.bare_code import split_label
from kvrm_grammar.dialects.lenient.data import lenient_data, operation_names
from kvrm_grammar.dialects.lenient.marks import is_name
from kvrm_grammar.isa import InstructionSet

__all__ = ["address_of_symbol", "without_bytes", "without_columns"]

_HEX = "[0-9A-Fa-f]"
# An address, and groups of bytes or words behind it: `0040  bf00 f8d0`.
_BYTES = re.compile(
    rf"(?:(?P<address>{_HEX}{{4}})[ \t]+)?"
    rf"(?P<bytes>(?:(?:{_HEX}{{2}}){{1,4}}(?:[ \t]+|(?=\t)))*)(?=[A-Za-z])"
)
_TWO_DIGITS = re.compile(f"{_HEX}{{2}} ")
# A disassembler's target: `100b4 <main+0x40>`.
_SYMBOL = re.compile(rf"(?<=[ \t,])(?:0[xX])?({_HEX}{{1,16}})[ \t]+<[A-Za-z_.$][^<>]*>\Z")
# An address and where that is, as debuggers have it, and perhaps code: `=> 0x8010 <main+16>: `.
_PLACE = re.compile(
    rf"(?:(?:=>[ \t]*)?(?:0[xX]{_HEX}|[0-9]){_HEX}{{0,15}}[ \t]+<[^<>]*>"
    rf"|=>[ \t]*0[xX]{_HEX}{{1,16}}):[ \t]*"
    rf"(?:0[xX]{_HEX}{{4,16}}[ \t]+(?=[A-Za-z]))?(?=[0-9A-Za-z.])"
)
# The same of simulators: `core   0: 0x80000010 (0x00a00513) `.
_CORE = re.compile(
    rf"core[ \t]+[0-9]+:[ \t]*0[xX]{_HEX}{{1,16}}[ \t]+\(0[xX]{_HEX}{{4,16}}\)[ \t]+(?=[A-Za-z])"
)
# An address and code, which could be numbers: `[80000010] 00a00513  `, `0x80000010  0x00a00513  `,
# `pc=0x80000010 inst=0x00a00513 `.
_COLUMNS = re.compile(
    rf"(?:[0-9]+\t)?(?:\[(?:0[xX])?{_HEX}{{4,16}}\]|(?:pc=)?0[xX]{_HEX}{{1,16}}:?)[ \t]+"
    rf"(?:(?:inst=)?0[xX]|(?=[A-Fa-f]*[0-9])){_HEX}{{4,16}}[ \t]+(?=[A-Za-z])"
)


def address_of_symbol(code: str) -> str:
    """Write a disassembler's target, an address and where that is, as a hexadecimal number.

    >>> address_of_symbol("j 100b4 <main+0x40>")
    'j 0x100b4'
    """
    return _SYMBOL.sub(r"0x\1", code)


def without_columns(code: str, isa: InstructionSet) -> str:
    """Take off the columns of debuggers and simulators.

    An address and code that nothing marks as such could be operands: they go where a word for an
    operation of any machine follows.

    >>> from kvrm_grammar.isa import load_set
    >>> isa = load_set()
    >>> without_columns("=> 0x80000010 <main+16>: dec r3", isa)
    'dec r3'
    >>> without_columns("0x80000010  0x00a00513  dec r3", isa)
    'dec r3'
    >>> without_columns("0x0010: 0x1234 into r3", isa)
    '0x0010: 0x1234 into r3'
    """
    found = _PLACE.match(code) or _CORE.match(code)
    if found is not None:
        return code[found.end() :]
    found = _COLUMNS.match(code)
    return code[found.end() :] if found and _names_operation(code, found.end(), isa) else code


def _names_operation(code: str, start: int, isa: InstructionSet) -> bool:
    """Whether a word for an operation is there, of this or another machine, or behind a label."""
    _, behind = split_label(code[start:], isa)
    word = re.match("[A-Za-z]+", behind)
    if word is None:
        return False
    others = lenient_data(isa).all_other_operations
    return word[0].upper() in operation_names(isa) or word[0].lower() in others


def without_bytes(code: str, isa: InstructionSet) -> str:
    """Take off an address of four digits and bytes, where a word for an operation follows.

    Not where all of it are names of the set, such as ``a0 plus a1``, nor a number of two digits
    alone, such as ``42 load r3``.

    >>> from kvrm_grammar.isa import load_set
    >>> without_bytes("0040  bf00  nop", load_set()), without_bytes("1000 r1 add", load_set())
    ('nop', '1000 r1 add')
    """
    found = _BYTES.match(code)
    if found is None or not any(character.isdigit() for character in found[0]):
        return code
    if all(is_name(group, isa) for group in found[0].split()) or _TWO_DIGITS.fullmatch(found[0]):
        return code
    rest = code[found.end() :]
    word = re.match("[A-Za-z]+", rest)
    return rest if word and word[0].upper() in operation_names(isa) else code
