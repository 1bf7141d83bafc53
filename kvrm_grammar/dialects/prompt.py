"""Instruction text -> the prompt that the model continues with JSON.

In: the raw text of one instruction. Out: the text the model sees. Decoding and
training share this module, so that both show the model the same thing.
"""

import re

from kvrm_grammar.errors import LineTooLongError

__all__ = ["MAX_LINE_LENGTH", "PROMPT_PREFIX", "PROMPT_SUFFIX", "prompt_text", "visible_text"]

MAX_LINE_LENGTH = 256
PROMPT_PREFIX = "asm"
PROMPT_SUFFIX = "\n"

# A character literal keeps its content even if that looks like a comment; the text
# ends where a comment starts. `#` is an immediate's prefix, not a comment, where it
# starts an operand and a sign, a digit or a quote follows.
_SCAN = re.compile(
    r"""(?P<literal>'(?:\\.|[^\\\r\n])')
      | (?P<prefix>(?<=[ \t,])\#(?=[-+0-9']))
      | (?P<comment>;|//|\#)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
# A label definition, as the grammar's LABEL_DEF: it is ignored in the result.
_LABEL_DEF = re.compile(r"(?![Rr][0-9]+:)[A-Za-z_.][A-Za-z0-9_.$]{0,63}:[ \t]*")
# What copying and listings leave in front of a line: `>>> `, `- `, `12 | `, `3. `, `0x0040: `.
_MARK = re.compile(
    r"(?:>>>[ \t]*|-[ \t]+(?=[A-Za-z])|[0-9]+[ \t]*\|[ \t]*|[0-9]+\.[ \t]+"
    r"|0[xX][0-9A-Fa-f]+:[ \t]*)(?=[^ \t])"
)
_QUOTED = re.compile(r"""([`'"])[ \t]*((?:(?!\1).)*[^ \t])[ \t]*\1""")
# The first word and registers, whose case means nothing: that of anything else is a label's.
_CASELESS = re.compile(r"\A\(?[^ \t(,=:]+|\bR(?:EG(?:ISTER)?)?(?=[ ]?[0-7]\b)", re.IGNORECASE)
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
# Full-width letters, digits and commas: what the lenient dialect takes for the ASCII ones.
_NARROW = {
    code: code - 0xFEE0
    for low, high in ("\uff10\uff19", "\uff21\uff3a", "\uff41\uff5a", "\uff0c\uff0c")
    for code in range(ord(low), ord(high) + 1)
}
# Control characters get visible stand-ins: one instruction stays one line of prompt.
_PICTURES = {code: chr(0x2400 + code) for code in range(32) if code != 9} | {127: "\u2421"}


def visible_text(text: str, *, fold: bool = False) -> str:
    r"""Cut what the dialect ignores, and make control characters visible.

    Comment, outer blanks and a label definition are ignored, and a run of blanks and tabs
    means one blank outside a character literal. Two label definitions make a line invalid:
    neither is cut.

    Args:
        text: One instruction as written, at most ``MAX_LINE_LENGTH`` characters
            without its line end.
        fold: Whether full-width letters, digits and commas mean the ASCII ones, the marks that
            listings, prompts and quotation leave around a line mean nothing, and the first word
            and registers are shown in lower case, as in the lenient dialect.

    Returns:
        What the model sees of it; empty if there is nothing but comment.

    Raises:
        LineTooLongError: The line is longer than ``MAX_LINE_LENGTH`` characters.

    >>> visible_text("  SUB R5, R3, R1  ; the difference")
    'SUB R5, R3, R1'
    >>> visible_text("loop: \t dec   r0")
    'dec r0'
    >>> visible_text("0x0040: `DEC R0`", fold=True)
    'dec r0'
    """
    line = re.sub(r"(?:\r\n|\r|\n)\Z", "", text)
    if len(line) > MAX_LINE_LENGTH:
        raise LineTooLongError(len(line), MAX_LINE_LENGTH)
    if fold:
        line = line.translate(_NARROW)
    shown = line.strip(" \t")
    if "\n" not in line and "\r" not in line:  # several lines are shown whole: they are refused
        shown = _instruction(line, marks=fold)
    shown = shown.translate(_PICTURES)
    return shown.encode("utf-8", "replace").decode("utf-8")  # lone surrogates become "?"


def _instruction(line: str, *, marks: bool) -> str:
    comments = (m.start() for m in _SCAN.finditer(line) if m.lastgroup == "comment")
    code = line[: next(comments, len(line))].strip(" \t")
    if marks:
        code = _unmarked(code)
    label = _LABEL_DEF.match(code)
    if label and not _LABEL_DEF.match(code, label.end()):
        code = code[label.end() :]
        if marks:
            code = _unmarked(code)
    if marks and not label and re.search(r"[ \t].*:\Z", code):
        code = code[:-1].rstrip(" \t")
    before, quote, literal = code.partition("'")  # blanks inside quotes have a meaning
    before = re.sub(r"[ \t]+", " ", before)
    if marks:
        before = _CASELESS.sub(lambda found: found[0].translate(_LOWER), before)
    return before + quote + literal


def _unmarked(code: str) -> str:
    """Take off the marks around a line, as long as there are some and something is in them."""
    while True:
        if mark := _MARK.match(code):
            code = code[mark.end() :]
        elif quoted := _QUOTED.fullmatch(code):
            code = quoted[2]
        else:
            return code


def prompt_text(text: str, *, fold: bool = False) -> str:
    r"""Build the whole prompt of one instruction.

    Args:
        text: One instruction as written.
        fold: See :func:`visible_text`.

    Returns:
        Prefix, visible text and suffix. It is tokenised as plain text: no chat
        template, and the names of special tokens mean nothing in it.

    Raises:
        LineTooLongError: See :func:`visible_text`.

    >>> prompt_text("halt")
    'asm halt\n'
    """
    return f"{PROMPT_PREFIX} {visible_text(text, fold=fold)}{PROMPT_SUFFIX}"
