"""What a rule can take off a lenient text safely: marks, remarks, bare labels, wide letters, case.

In: a line. Out: the line without what copying, listings and quotation leave around an instruction,
and without remarks. What only may be such a mark stays, and the model reads it. What else listings
have in front of an instruction is of :mod:`.columns`.
"""

import re
from functools import lru_cache

from kvrm_grammar.dialects.bare_code import ASCII_LOWER, split_label
from kvrm_grammar.dialects.lenient.data import lenient_data, operation_names
from kvrm_grammar.dialects.lenient.names import name_patterns
from kvrm_grammar.isa import INVALID, InstructionSet
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, parse

__all__ = [
    "bare_label",
    "beginning",
    "is_name",
    "lower_case",
    "narrow",
    "unmarked",
    "without_blocks",
    "without_colon",
    "without_other_comments",
    "without_remarks",
]

# What copying and listings leave in front of a line: `>>> `, `- `, `12 | `, `3. `, `3: `, `[3] `,
# `(3) `, `3) `, `• `, `0x0040: `, `1a6: `, `(gdb) `, `In [3]: `.
_MARK = re.compile(
    r"(?:>>>[ \t]*|-[ \t]+(?=[A-Za-z])|[0-9]+[ \t]*\|[ \t]*|[0-9]+\.[ \t]+"
    r"|(?:0[xX])?(?=[0-9])[0-9A-Fa-f]+:[ \t]*|0[xX][0-9A-Fa-f]+:[ \t]*"
    r"|(?:\(gdb\)|In \[[0-9]+\]:)[ \t]+"
    r"|(?:\[[0-9]+\]|\(?[0-9]+\)|\u2022)[ \t]+(?=[A-Za-z]))(?=[^ \t])"
)
_QUOTES = (
    *("\u201c\u201d", "\u201e\u201c", "\u201e\u201d", "\u2018\u2019", "\u201a\u2018"),
    *("\u00ab\u00bb", "\u00bb\u00ab", "\u2039\u203a"),
)
_QUOTED = re.compile(r"""([`'"])[ \t]*((?:(?!\1).)*[^ \t])[ \t]*\1""")
_PAIRED = re.compile("|".join(rf"{q[0]}[ \t]*([^{q}]*[^{q} \t])[ \t]*{q[1]}" for q in _QUOTES))
_BARS = re.compile(r"\|[ \t]*([^|]*[^| \t])[ \t]*\|")
_LINE_END = re.compile(r"(?<=.)(?:\\[nrt])+\Z")  # of a string in a program's source
_BLOCK = re.compile(r"('(?:\\.|[^\\])')|/\*.*?\*/")
_REMARK = re.compile(r"[ \t]+(?:@|--)[ \t]+")
_NO_SPEECH = re.compile("[0-9_]")
_OPENING = " \t|`'\"" + "".join(quotes[0] for quotes in _QUOTES)
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
            code = _LINE_END.sub("", quoted[2]) if quoted[1] == '"' else quoted[2]
        elif paired := _PAIRED.fullmatch(code):
            code = paired[paired.lastindex or 0]
        elif barred := _BARS.fullmatch(code):
            code = barred[1]
        else:
            return code


def without_blocks(line: str) -> str:
    """Make a blank of every ``/* ... */``, whatever is in it.

    >>> without_blocks("dec r0 /* #1 */")
    'dec r0'
    """
    blocks, end, rest = line.rpartition("*/")  # behind the last, no search for one can succeed
    return (_BLOCK.sub(lambda found: found[1] or " ", blocks + end) + rest).strip(" \t")


def beginning(line: str) -> str:
    """What of a long line says whether it has more than comment: its beginning, less much of it.

    Blocks are left out and blanks in a row are one; of what is left, twice the characters that an
    instruction may have. Time and memory are linear in the line.
    """
    return re.sub(r"[ \t]+", " ", without_blocks(line))[: 2 * MAX_LINE_LENGTH]


def without_other_comments(code: str, isa: InstructionSet) -> str:
    """Cut off a comment by a sign that the strict dialect does not have.

    Not where an instruction is behind it: then the sign separates two. A literal is no sign.
    """
    for sign, pattern in _signs(isa):
        found = next((one for one in pattern.finditer(code) if one["sign"]), None)
        if found is None:
            continue
        behind = code[found.end() :].split(sign)
        if not any(_is_instruction(text.strip(" \t"), isa) for text in behind):
            code = code[: found.start()].rstrip(" \t")
    return code


@lru_cache(maxsize=16)
def _signs(isa: InstructionSet) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What begins a comment, and what finds it outside a literal."""
    literal = r"'(?:\\.|[^\\])'"
    signs = lenient_data(isa).comments
    return tuple((s, re.compile(rf"{literal}|(?P<sign>{re.escape(s)})")) for s in signs)


def _is_instruction(text: str, isa: InstructionSet) -> bool:
    """Whether the strict dialect takes a text; one that is too long it does not."""
    return len(text) <= MAX_LINE_LENGTH and parse(text, isa) != INVALID


def without_remarks(code: str, isa: InstructionSet) -> str:
    """Leave out what is behind ``@`` or ``--`` between blanks.

    Behind a name alone they are no remark yet: ``r1 -- see below`` steps a register down.

    >>> from kvrm_grammar.isa import load_set
    >>> isa = load_set()
    >>> without_remarks("dec r0 -- and again", isa), without_remarks("$r1 -- @ and again", isa)
    ('dec r0', '$r1 --')
    """
    remark = _REMARK.search(code)
    if remark and is_name(code[: remark.start()], isa):
        remark = _REMARK.search(code, remark.end() - 1)
    return code[: remark.start()].rstrip(" \t") if remark else code


def is_name(code: str, isa: InstructionSet) -> bool:
    """Whether a name of the set stands alone, behind a label or marks at most."""
    text = split_label(unmarked(code.lstrip(_OPENING)), isa)[1].lstrip(_OPENING)
    patterns = name_patterns(isa)
    return bool(patterns.mention.fullmatch(text) or re.fullmatch(patterns.one, text, re.IGNORECASE))


def bare_label(code: str, isa: InstructionSet) -> tuple[str | None, str]:
    """Take a label definition without its colon off: ``LOOP dec r3``.

    Only where rules are sure: the first word names no operation of any machine and is none of the
    words of speech in ``lenient.toml``; behind it stand a mnemonic or a synonym and operands as
    the strict dialect writes them. A first word with a digit or an underline is no speech, so it
    is a label before other operands too, or before a mnemonic that takes none; but not a name.

    >>> from kvrm_grammar.isa import load_set
    >>> bare_label("LOOP dec r3", load_set()), bare_label("never dec r3", load_set())
    (('LOOP', 'dec r3'), (None, 'never dec r3'))
    >>> bare_label("limit_3 NOP", load_set())
    ('limit_3', 'NOP')
    """
    first, _, rest = code.partition(" ")
    name, _, operands = rest.partition(" ")
    data = lenient_data(isa)
    if not isa.is_label(first) or first.lower() in data.no_labels:
        return None, code
    if first.upper() in operation_names(isa) or first.lower() in data.all_other_operations:
        return None, code
    meant = operation_names(isa).get(name.upper()) if name.isascii() else None
    if meant is None:
        return None, code
    if _NO_SPEECH.search(first) and not is_name(first, isa):
        alone = any(not form.operands for _, form in isa.by_mnemonic[meant])
        return (first, rest) if alone or re.search("[A-Za-z0-9]", operands) else (None, code)
    # Two registers may stand for three, the first of them twice.
    twice = re.split("[ ,]", operands, maxsplit=1)[0]
    ways = (operands, f"{twice}, {operands}")
    if not operands or not any(_is_instruction(f"{meant} {way}", isa) for way in ways):
        return None, code
    return first, rest


def without_colon(code: str) -> str:
    """Take off a colon behind an instruction of several words."""
    return code[:-1].rstrip(" \t") if re.search(r"[ \t].*:\Z", code) else code


def lower_case(code: str, isa: InstructionSet) -> str:
    """Lower the case of the first word and of numbered names: it means nothing there.

    A label keeps its case, also where a part of it looks like a name: ``main.R5``, ``a$R1``,
    ``R3.``.
    """
    stem = name_patterns(isa).stem
    pattern = _FIRST
    if stem:
        digits = "".join(sorted({name[-1] for name in isa.names}))
        beginning = rf"(?<![\w.])(?<![\w.]\$)(?:{re.escape(stem)}|REG|REGISTER)"
        pattern += rf"|{beginning}(?=[ ]?[{digits}](?![\w$.]))"
    before, quote, literal = code.partition("'")
    lowered = re.sub(
        pattern, lambda found: found[0].translate(ASCII_LOWER), before, flags=re.IGNORECASE
    )
    return lowered + quote + literal
