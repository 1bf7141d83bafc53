"""Bytes of a file or of standard input -> instruction lines.

In: a binary stream. Out: ``Line``: text, or the error that kept it from being text. Lines
end at LF, CR LF or CR; nothing is dropped.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from kvrm_grammar.errors import InputError

__all__ = ["Line", "as_line", "lines_of_arguments", "read_lines"]

_ENDS = re.compile(rb"\r\n|\r|\n")
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class Line:
    r"""One line of input. Immutable.

    Attributes:
        text: The line; bytes that are not UTF-8 are written as ``\xNN``.
        error: Why it is not text, or None.
    """

    text: str
    error: InputError | None = None


def as_line(text: object) -> Line:
    """Take a text, or a line as read, as a line; anything else becomes one with an error."""
    if isinstance(text, Line):
        return text
    if isinstance(text, str):
        return Line(text)
    return Line(repr(text), InputError(f"an instruction is text, got {type(text).__name__}"))


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    """Read lines as they come; a last line without an end counts.

    Args:
        stream: Open for reading in binary mode.

    Yields:
        One ``Line`` per line.
    """
    pieces: list[bytes] = []
    after_cr = False
    while block := _read(stream):
        if after_cr and block.startswith(b"\n"):
            block = block[1:]  # the second half of a CR LF: its line has been handed out
        after_cr = block.endswith(b"\r")
        *whole, rest = _ENDS.split(block)
        for piece in whole:
            yield _line(b"".join([*pieces, piece]))
            pieces = []
        pieces.append(rest)
    if any(pieces):
        yield _line(b"".join(pieces))


def lines_of_arguments(arguments: Iterable[str]) -> Iterator[Line]:
    """Make lines of command-line arguments; undecodable bytes arrive as surrogates."""
    for argument in arguments:
        yield _line(_encoded(argument))


def _encoded(argument: str) -> bytes:
    try:
        return argument.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a UTF-16 pair, as Windows may hand over: not UTF-8 either
        return argument.encode("utf-8", "surrogatepass")


def _read(stream: BinaryIO) -> bytes:
    # read1 returns what is there: a pipe that is written line by line is answered so.
    read = getattr(stream, "read1", stream.read)
    block: bytes = read(_BLOCK_BYTES)
    return block


def _line(raw: bytes) -> Line:
    try:
        return Line(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte 0x{raw[error.start]:02x} at position {error.start}"
        return Line(raw.decode("utf-8", "backslashreplace"), InputError(message))
