"""Bytes of a file or of standard input -> instruction lines.

In: the name of a file, or a binary stream. Out: ``Line``: text, or the error that kept it
from being text. Lines end at LF, CR LF or CR; none is dropped. ``io.TextIOWrapper`` would
split too, but waits for what follows a CR, has no limit, and drops a block for a bad byte.
"""

import codecs
import os
import re
import select
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from kvrm_grammar.errors import InputError, LineTooLongError

__all__ = ["LONGEST_LINE", "Line", "LineReader", "as_line", "lines_of_arguments", "read_lines"]

LONGEST_LINE = 4096
"""Characters of a line that are read; more is counted and skipped. Above any set's limit."""

_ENDS = re.compile(rb"\r\n|\r|\n")
_BLOCK_BYTES = 1 << 16
# No UTF-8 character has more than four bytes; a byte order mark may come first.
_KEPT_BYTES = 4 * LONGEST_LINE + len(codecs.BOM_UTF8)
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


@dataclass(frozen=True)
class Line:
    r"""One line of input. Immutable.

    Attributes:
        text: The line; bytes that are not UTF-8 are written as ``\xNN``. Of a line of more
            than ``LONGEST_LINE`` characters, its beginning.
        error: Why it is not an instruction line, or None.
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


def read_lines(source: str | os.PathLike[str] | BinaryIO) -> "LineReader":
    r"""Read lines as they come; a last line without an end counts, a byte order mark does not.

    Memory does not grow with the input, nor with the length of a line.

    Args:
        source: The name of a file, which is opened here and closed at its end, or a stream
            that is open for reading in binary mode, which is left open.

    Returns:
        An iterator of one ``Line`` per line. A line that is not UTF-8, or longer than
        ``LONGEST_LINE`` characters, carries its error and stops nothing.

    Raises:
        InputError: The file cannot be opened; while iterating: it cannot be read on.
        TypeError: ``source`` is neither a name nor a binary stream.

    >>> from io import BytesIO
    >>> [line.text for line in read_lines(BytesIO(b"inc r1\r\nhalt"))]
    ['inc r1', 'halt']
    """
    if isinstance(source, str | os.PathLike):
        try:
            # Unbuffered: the reader takes large blocks, and whole what a pipe has.
            return LineReader(Path(source).open("rb", buffering=0), closes=True)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            _unreadable(os.fspath(source), error)
    if not hasattr(source, "read") or hasattr(source, "encoding"):
        kind = type(source).__name__
        raise TypeError(f"read_lines takes a file's name or a stream in binary mode, got {kind}")
    return LineReader(source)


def lines_of_arguments(arguments: Iterable[str]) -> Iterator[Line]:
    """Make lines of command-line arguments; undecodable bytes arrive as surrogates."""
    for argument in arguments:
        yield _line(_encoded(argument))


class LineReader(Iterator[Line]):
    """The lines of a stream, in order; what :func:`read_lines` returns. For one thread.

    Args:
        stream: Open for reading in binary mode.
        closes: Whether to close the stream at its end, or when this is dropped.
    """

    def __init__(self, stream: BinaryIO, *, closes: bool = False) -> None:
        self._stream = stream
        self._closes = closes
        self._splitter = _Splitter()
        self._whole: Iterator[Line] = iter(())
        self._ended = False

    def __next__(self) -> Line:
        line = self.next_within(None)
        if line is None:
            raise StopIteration
        return line

    def next_within(self, seconds: float | None) -> Line | None:
        """Wait for the next line, but not for ever.

        Args:
            seconds: How long; None for as long as it takes. So it is too where the system does
                not tell what can be read: no file descriptor, or a pipe of Windows.

        Returns:
            The line; None where none came in time, or where there are no more.

        Raises:
            InputError: The stream cannot be read on.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            line = next(self._whole, None)
            if line is not None or self._ended:
                return line
            if until is not None and not _has_bytes(self._stream, until - time.monotonic()):
                return None
            self._read_block()

    def close(self) -> None:
        """Close the stream where it was opened by :func:`read_lines`; may be called again."""
        self._ended = True
        if self._closes:
            self._stream.close()

    def __del__(self) -> None:
        self.close()

    def _read_block(self) -> None:
        # read1 returns what is there: a pipe that is written line by line is answered so.
        read = getattr(self._stream, "read1", self._stream.read)
        try:
            block: bytes = read(_BLOCK_BYTES)
        except (OSError, ValueError) as error:  # ValueError: somebody closed it
            self.close()
            _unreadable(_name(self._stream), error)
        if block:
            self._whole = self._splitter.feed(block)
        else:
            self._whole = self._splitter.finish()
            self.close()


class _Splitter:
    """Cuts blocks of bytes into lines; holds the beginning of the line that has no end yet."""

    def __init__(self) -> None:
        self._start_of_line()
        self._after_cr = False
        self._is_first = True

    def feed(self, block: bytes) -> Iterator[Line]:
        """Take the next block; it must be used up before the next one comes."""
        if self._after_cr and block.startswith(b"\n"):
            block = block[1:]  # the second half of a CR LF: its line has been handed out
        self._after_cr = block.endswith(b"\r")
        *whole, rest = _ENDS.split(block)
        for piece in whole:
            self._add(piece)
            yield self._take()
        self._add(rest)

    def finish(self) -> Iterator[Line]:
        """Hand out a last line that has no end."""
        alone_is_a_mark = self._is_first and self._kept == codecs.BOM_UTF8
        if self._kept and not alone_is_a_mark:
            yield self._take()

    def _start_of_line(self) -> None:
        self._kept = bytearray()
        self._skipped_characters = 0
        self._is_cut = False

    def _add(self, piece: bytes) -> None:
        room = _KEPT_BYTES - len(self._kept)
        self._kept += piece[:room]
        if len(piece) > room:
            self._is_cut = True
            self._skipped_characters += _characters(piece[room:])

    def _take(self) -> Line:
        raw = bytes(self._kept)
        if self._is_first:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        length = _characters(raw) + self._skipped_characters
        is_too_long = self._is_cut or length > LONGEST_LINE
        self._is_first = False
        self._start_of_line()
        if not is_too_long:
            return _line(raw)
        text = raw.decode("utf-8", "backslashreplace")[:LONGEST_LINE]
        # Bytes that are no UTF-8 may count as no character, but they are not nothing.
        return Line(text, LineTooLongError(max(length, LONGEST_LINE + 1), LONGEST_LINE))


def _characters(raw: bytes) -> int:
    """Characters of UTF-8, told without decoding it: a cut may stand inside of one."""
    return len(raw.translate(None, _CONTINUATION_BYTES))


def _has_bytes(stream: BinaryIO, seconds: float) -> bool:
    """Wait until a read would return at once; True too where nobody can tell."""
    try:
        return bool(select.select([stream.fileno()], [], [], max(0.0, seconds))[0])
    except (AttributeError, OSError, ValueError):
        return True


def _unreadable(name: str, error: Exception) -> NoReturn:
    reason = getattr(error, "strerror", None) or error
    raise InputError(f"{name} cannot be read: {reason}; name a file that can be read") from error


def _name(stream: BinaryIO) -> str:
    name = getattr(stream, "name", None)
    name = "standard input" if name == "<stdin>" else name
    return name if isinstance(name, str) else "the input stream"


def _encoded(argument: str) -> bytes:
    try:
        return argument.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a UTF-16 pair, as Windows may hand over: not UTF-8 either
        return argument.encode("utf-8", "surrogatepass")


def _line(raw: bytes) -> Line:
    try:
        return Line(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte 0x{raw[error.start]:02x} at position {error.start}"
        return Line(raw.decode("utf-8", "backslashreplace"), InputError(message))
