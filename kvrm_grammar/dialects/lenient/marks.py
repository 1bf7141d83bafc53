"""What a rule can take off a lenient text safely: marks around a line, wide letters, case.

In: a line. Out: the line without the marks that copying, listings and quotation leave.
"""

import re

from kvrm_grammar.dialects.lenient.names import name_patterns
from kvrm_grammar.isa import InstructionSet

__all__ = ["lower_case", "narrow", "unmarked", "without_colon"]

# What copying and listings leave in front of a line: `>>> `, `- `, `12 | `, `3. `, `0x0040: `.
_MARK = re.compile(
    r"(?:>>>[ \t]*|-[ \t]+(?=[A-Za-z])|[0-9]+[ \t]*\|[ \t]*|[0-9]+\.[ \t]+"
    r"|0[xX][0-9A-Fa-f]+:[ \t]*)(?=[^ \t])"
)
_QUOTED = re.compile(r"""([`'"])[ \t]*((?:(?!\1).)*[^ \t])[ \t]*\1""")
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
# Full-width letters, digits and commas: what the lenient dialect takes for the ASCII ones.
_NARROW = {
    code: code - 0xFEE0
    for low, high in ("\uff10\uff19", "\uff21\uff3a", "\uff41\uff5a", "\uff0c\uff0c")
    for code in range(ord(low), ord(high) + 1)
}
# The first word, up to what may begin a label behind it: `JMP@Loop`, `jmp->Loop`.
_FIRST = r"\A\(?(?:[^ \t(,=:@>&%-]|-(?=[A-Za-z]))+"


def narrow(line: str) -> str:
    """Write full-width letters, digits and commas as the ASCII ones."""
    return line.translate(_NARROW)


def unmarked(code: str) -> str:
    """Take off the marks around a line, as long as there are some and something is in them.

    >>> unmarked("0x0040: `DEC R0`")
    'DEC R0'
    """
    while True:
        if mark := _MARK.match(code):
            code = code[mark.end() :]
        elif quoted := _QUOTED.fullmatch(code):
            code = quoted[2]
        else:
            return code


def without_colon(code: str) -> str:
    """Take off a colon behind an instruction of several words."""
    return code[:-1].rstrip(" \t") if re.search(r"[ \t].*:\Z", code) else code


def lower_case(code: str, isa: InstructionSet) -> str:
    """Lower the case of the first word and of numbered names: it means nothing there.

    A label keeps its case, also where a part of it looks like a name: ``main.R5``, ``a$R1``.
    A name with a full stop behind it, ``jmp R3.``, is a name at the end of a sentence here; in the
    strict dialect it is a label.
    """
    stem = name_patterns(isa).stem
    pattern = _FIRST
    if stem:
        digits = "".join(sorted({name[-1] for name in isa.names}))
        beginning = rf"(?<![\w.])(?<![\w.]\$)(?:{re.escape(stem)}|REG|REGISTER)"
        pattern += rf"|{beginning}(?=[ ]?[{digits}](?![\w$]|\.\w))"
    before, quote, literal = code.partition("'")
    lowered = re.sub(pattern, lambda found: found[0].translate(_LOWER), before, flags=re.IGNORECASE)
    return lowered + quote + literal
