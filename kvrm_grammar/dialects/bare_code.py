"""Comments, label definitions and blanks: what every dialect leaves out of what the model sees.

In: a line and an instruction set, whose ``isa.toml`` says what starts a comment and whose grammar
says what a label is. Out: the line without them.
"""

import re
import string
from functools import lru_cache

from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.isa.grammar import loose_brackets

__all__ = [
    "ASCII_LOWER",
    "defines_label",
    "one_blank",
    "split_label",
    "tight_brackets",
    "without_comments",
]

ASCII_LOWER = {ord(letter): ord(letter.lower()) for letter in string.ascii_uppercase}
"""For ``str.translate``: ``str.lower`` makes letters of ASCII of some that are none."""

_BLANKS = re.compile(r"[ \t]+")
_LITERAL = re.compile(r"'(?:\\.|[^\\\r\n])'")


@lru_cache(maxsize=16)
def _scanner(isa: InstructionSet) -> re.Pattern[str]:
    """A character literal keeps its content even if that looks like a comment."""
    signs = isa.comments
    parts = [f"(?P<literal>{_LITERAL.pattern})"]
    if signs.operand_sign:
        parts.append(rf"(?P<prefix>(?<=[ \t,]){re.escape(signs.operand_sign)}(?=[-+0-9']))")
    if signs.block:
        pairs = (f"{re.escape(a)}.*?{re.escape(b)}" for a, b in signs.block)
        parts.append(f"(?P<block>{'|'.join(pairs)})")
    if signs.line:
        parts.append(f"(?P<comment>{'|'.join(map(re.escape, signs.line))})")
    return re.compile("|".join([*parts, "(?P<other>.)"]), re.DOTALL)


def without_comments(line: str, isa: InstructionSet) -> str:
    """Cut off the comment, and the blanks around the rest.

    >>> from kvrm_grammar.isa import load_set
    >>> without_comments("  mov r1, #';' ; the sign", load_set())
    "mov r1, #';'"
    """
    kept = []
    for match in _scanner(isa).finditer(line):
        if match.lastgroup == "comment":
            break
        kept.append(" " if match.lastgroup == "block" else match[0])
    return "".join(kept).strip(" \t")


def split_label(code: str, isa: InstructionSet) -> tuple[str | None, str]:
    """Take a label definition off; of two in a row, which make a line invalid, neither.

    Args:
        code: A line without comment and outer blanks.
        isa: The instruction set.

    Returns:
        The label or None, and the rest without blanks in front.

    >>> from kvrm_grammar.isa import load_set
    >>> split_label("loop: dec r0", load_set())
    ('loop', 'dec r0')
    """
    pattern = isa.label_definition
    label = pattern.match(code) if pattern else None
    if pattern is None or label is None:
        return None, code
    rest = code[label.end() :].lstrip(" \t")
    if pattern.match(rest):
        return None, code
    return label[0][:-1], rest


def defines_label(code: str, isa: InstructionSet) -> bool:
    """Whether a line begins with a name and a colon, whatever follows."""
    return isa.label_definition is not None and bool(isa.label_definition.match(code))


def one_blank(code: str) -> str:
    """Make one blank of every run of blanks and tabs outside character literals.

    Behind a quote that begins none, everything stays: with a blank less it could begin one.

    >>> one_blank("mov   r1,  ' '   ; '  '  x")
    "mov r1, ' ' ; '  '  x"
    """
    return _outside_literals(_BLANKS, " ", code)


def tight_brackets(code: str, isa: InstructionSet) -> str:
    """Take off the blanks on the inner side of brackets, where the set's grammar minds none.

    Outside character literals, as :func:`one_blank`.

    >>> from kvrm_grammar.isa import load_set
    >>> tight_brackets("lw a0, 4 ( sp )", load_set("rv32im"))
    'lw a0, 4 (sp)'
    """
    pattern = _inner_blanks(isa)
    return code if pattern is None else _outside_literals(pattern, "", code)


def _outside_literals(pattern: re.Pattern[str], instead: str, code: str) -> str:
    """Replace what matches in front of, between and behind a text's literals."""
    shown, place = "", 0
    while (quote := code.find("'", place)) >= 0:
        literal = _LITERAL.match(code, quote)
        if literal is None:
            return shown + pattern.sub(instead, code[place:quote]) + code[quote:]
        shown += pattern.sub(instead, code[place:quote]) + literal[0]
        place = literal.end()
    return shown + pattern.sub(instead, code[place:])


@lru_cache(maxsize=16)
def _inner_blanks(isa: InstructionSet) -> re.Pattern[str] | None:
    sides = [
        rf"(?<={re.escape(mark)})[ \t]+" if mark in "([{" else rf"[ \t]+(?={re.escape(mark)})"
        for mark in loose_brackets(isa.parser)
    ]
    return re.compile("|".join(sides)) if sides else None
