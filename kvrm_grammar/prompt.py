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
# Control characters get visible stand-ins: one instruction stays one line of prompt.
_PICTURES = {code: chr(0x2400 + code) for code in range(32) if code != 9} | {127: "\u2421"}


def visible_text(text: str) -> str:
    """Cut the comment and the outer blanks, and make control characters visible.

    Args:
        text: One instruction as written, at most ``MAX_LINE_LENGTH`` characters
            without its line end.

    Returns:
        What the model sees of it; empty if there is nothing but comment.

    Raises:
        LineTooLongError: The line is longer than ``MAX_LINE_LENGTH`` characters.

    >>> visible_text("  SUB R5, R3, R1  ; the difference")
    'SUB R5, R3, R1'
    """
    line = re.sub(r"(?:\r\n|\r|\n)\Z", "", text)
    if len(line) > MAX_LINE_LENGTH:
        raise LineTooLongError(len(line), MAX_LINE_LENGTH)
    end = len(line)
    if "\n" not in line and "\r" not in line:  # several lines are shown whole: they are refused
        end = next((m.start() for m in _SCAN.finditer(line) if m.lastgroup == "comment"), end)
    shown = line[:end].strip(" \t").translate(_PICTURES)
    return shown.encode("utf-8", "replace").decode("utf-8")  # lone surrogates become "?"


def prompt_text(text: str) -> str:
    r"""Build the whole prompt of one instruction.

    Args:
        text: One instruction as written.

    Returns:
        Prefix, visible text and suffix. It is tokenised as plain text: no chat
        template, and the names of special tokens mean nothing in it.

    Raises:
        LineTooLongError: See :func:`visible_text`.

    >>> prompt_text("halt")
    'asm halt\n'
    """
    return f"{PROMPT_PREFIX} {visible_text(text)}{PROMPT_SUFFIX}"
