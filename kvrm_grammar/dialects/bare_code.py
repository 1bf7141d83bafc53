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

_FIRST = re.compile(r"[^ \t]+[ \t]*")
_LITERAL = r"'(?:\\.|[^\\\r\n])'"


def _outside_literals(pattern: str) -> re.Pattern[str]:
    """What a pattern matches; a literal, or all from a stray quote on, is the first group."""
    return re.compile(rf"({_LITERAL}|'.*)|(?:{pattern})", re.DOTALL)


_BLANKS = _outside_literals(r"[ \t]+")


@lru_cache(maxsize=16)
def _scanner(isa: InstructionSet) -> re.Pattern[str]:
    """A character literal keeps its content even if that looks like a comment."""
    signs = isa.comments
    parts = [f"(?P<literal>{_LITERAL})"]
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
    return _BLANKS.sub(lambda found: found[1] or " ", code)


def tight_brackets(code: str, isa: InstructionSet, *, in_front: bool = False) -> str:
    """Take off the blanks on the inner side of brackets, where the set's grammar minds none.

    Outside character literals, as :func:`one_blank`.

    Args:
        code: An instruction without comment and label.
        isa: The instruction set.
        in_front: Also those between an operand and a bracket. Behind the first word, a comma and
            another bracket they stay.

    >>> from kvrm_grammar.isa import load_set
    >>> tight_brackets("lw a0, 4 ( sp )", load_set("rv32im"))
    'lw a0, 4 (sp)'
    >>> tight_brackets("lw a0, 4 ( sp )", load_set("rv32im"), in_front=True)
    'lw a0, 4(sp)'
    """
    inner, before = _beside_brackets(isa)
    if in_front and before:
        first = _FIRST.match(code)
        start = first.end() if first else 0
        code = before.sub(lambda m: m[0] if m.end() <= start else m[1] or "", code)
    return inner.sub(lambda m: m[1] or "", code) if inner else code


@lru_cache(maxsize=16)
def _beside_brackets(isa: InstructionSet) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    """Blanks on the inner side of loose brackets, and those between an operand and one."""
    inner, before = loose_brackets(isa.parser)
    sides = [
        rf"(?<={re.escape(mark)})[ \t]+" if mark in "([{" else rf"[ \t]+(?={re.escape(mark)})"
        for mark in inner
    ]
    return (
        _outside_literals("|".join(sides)) if sides else None,
        _outside_literals(rf"(?<=[^ \t,)\]}}])[ \t]+(?=[{re.escape(before)}])") if before else None,
    )
