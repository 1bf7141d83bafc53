"""lines.py: bytes become lines; none is dropped, torn or waited for in vain."""

import codecs
import errno
import gc
import io
import os
import re
import tracemalloc
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvrm_grammar.errors import InputError, LineTooLongError
from kvrm_grammar.lines import LONGEST_LINE, Line, lines_of_arguments, read_lines

BOM = codecs.BOM_UTF8


class Pipe:
    """A binary stream that hands out its bytes in the given pieces, and must not be over-read."""

    def __init__(self, pieces: Iterable[bytes], *, open_end: bool = False) -> None:
        self.pieces = deque(piece for piece in pieces if piece)
        self.open_end = open_end

    def read1(self, size: int = -1) -> bytes:
        if not self.pieces and self.open_end:
            raise AssertionError("read on although a whole line was there")
        return self.pieces.popleft() if self.pieces else b""

    def read(self, size: int = -1) -> bytes:
        data = b"".join(self.pieces)
        cut = len(data) if size < 0 else size
        self.pieces = deque([data[cut:]] if data[cut:] else [])
        return data[:cut]


def split(data: bytes) -> list[bytes]:
    """What lines there are, told in another way."""
    lines = re.sub(rb"\r\n?", b"\n", data).split(b"\n")
    return lines if lines[-1] else lines[:-1]


PIECES = st.lists(
    st.lists(
        st.sampled_from([b"\r", b"\n", b"\r\n", b"halt", b" ", b"\xff", b"\xc3", b"\xa9", b"\0"])
    ).map(b"".join)
)


@given(PIECES)
@example([b"a\r", b"\nb"])
@example([b"a\r", b"\r\nb"])
@example([b"a\r\r", b"\n", b"\nb"])
@example([b"caf\xc3", b"\xa9\n"])
def test_pieces_do_not_matter(pieces: list[bytes]) -> None:
    """Wherever a pipe cuts, the lines are those of the whole: CR LF ends one, not two."""
    lines = list(read_lines(Pipe(pieces)))  # type: ignore[arg-type]
    expected = split(b"".join(pieces))
    assert [line.text for line in lines] == [
        e.decode("utf-8", "backslashreplace") for e in expected
    ]
    for line, raw in zip(lines, expected, strict=True):
        assert (line.error is None) == (raw.decode("utf-8", "ignore").encode() == raw)


@pytest.mark.parametrize("first", [b"halt\n", b"halt\r\n", b"halt\r", b"halt\nno"])
def test_a_line_is_handed_out_as_soon_as_it_ends(first: bytes) -> None:
    """No read waits for what comes after a whole line, also after a CR."""
    assert next(read_lines(Pipe([first], open_end=True))) == Line("halt")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"\n\n", ["", ""]),
        (b"halt", ["halt"]),
        (b"halt\n", ["halt"]),
        (b"halt\n\nnop", ["halt", "", "nop"]),
        (b"a\r\nb\rc\n", ["a", "b", "c"]),
        (b"a\x0bb\x0c\x1c\xc2\x85\xe2\x80\xa8c\n", ["a\x0bb\x0c\x1c\x85\u2028c"]),
        (b" halt \t\n", [" halt \t"]),
        (b"a\0b\n", ["a\0b"]),
    ],
)
def test_line_ends(data: bytes, texts: list[str]) -> None:
    """LF, CR LF and CR end a line and nothing else does; blanks and empty lines stay."""
    assert list(read_lines(io.BytesIO(data))) == [Line(text) for text in texts]


def test_a_stream_without_read1() -> None:
    """A plain binary stream, which has ``read`` alone, will do."""

    class Plain:
        def __init__(self, data: bytes) -> None:
            self.read = io.BytesIO(data).read

    assert [x.text for x in read_lines(Plain(b"a\r\nb"))] == ["a", "b"]  # type: ignore[arg-type]


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n", b""])
@pytest.mark.parametrize("before", [0, 65_000, 65_536 - LONGEST_LINE, 65_536])
def test_a_line_may_lie_across_blocks(before: int, end: bytes) -> None:
    """Wherever a block of the reader ends, a line of the greatest length is one line."""
    data = b"\n" * before + b"x" * LONGEST_LINE + end + (b"halt\n" if end else b"")
    long, *after = [line for line in read_lines(io.BytesIO(data)) if line.text]
    assert long == Line("x" * LONGEST_LINE)
    assert after == [Line("halt")] * bool(end)


@pytest.mark.parametrize("character", ["x", "\u00e9", "\u20ac", "\U0001f600"])
@pytest.mark.parametrize("mark", [b"", BOM])
@pytest.mark.parametrize("more", [-1, 0, 1, 70_000, 1_000_000])
def test_the_longest_line(character: str, mark: bytes, more: int) -> None:
    """The limit counts characters; a longer line tells its true length and its beginning."""
    text = character * (LONGEST_LINE + more)
    for end in (b"", b"\r\nhalt"):
        line, *rest = read_lines(io.BytesIO(mark + text.encode() + end))
        assert line.text == text[:LONGEST_LINE]
        assert (line.error is None) == (more <= 0)
        if isinstance(line.error, LineTooLongError):
            assert (line.error.length, line.error.limit) == (len(text), LONGEST_LINE)
        assert rest == [Line("halt")] * bool(end)


@pytest.mark.parametrize("byte", [b"\x80", b"\xff", b"\0"])
def test_a_long_line_of_no_text(byte: bytes) -> None:
    """Bytes that are no characters do not make a line shorter than the limit it broke."""
    before, line, after = read_lines(io.BytesIO(b"nop\n" + byte * 300_000 + b"\nhalt"))
    assert (before, after) == (Line("nop"), Line("halt"))
    assert isinstance(line.error, LineTooLongError)
    assert line.error.length > line.error.limit
    assert len(line.text) == LONGEST_LINE


def test_memory_is_flat() -> None:
    """A line without an end, of 64 MiB, is read in a few hundred KiB."""

    class Endless:
        def __init__(self, blocks: int) -> None:
            self.blocks = blocks

        def read(self, size: int) -> bytes:
            self.blocks -= 1
            return b"x" * size if self.blocks >= 0 else b""

    tracemalloc.start()
    try:
        (line,) = read_lines(Endless(1024))  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(line.error, LineTooLongError)
    assert line.error.length == 1024 * 65_536
    assert peak < 1 << 20


@pytest.mark.parametrize("pieces", [[BOM, b"halt"], [BOM[:1], BOM[1:] + b"halt"], [BOM + b"halt"]])
def test_a_byte_order_mark(pieces: list[bytes]) -> None:
    """One at the very start is no part of the text, wherever a pipe cuts; any other is."""
    lines = [line.text for line in read_lines(Pipe([*pieces, b"\n" + BOM + b"nop"]))]  # type: ignore[arg-type]
    assert lines == ["halt", "\ufeffnop"]


@pytest.mark.parametrize(
    ("data", "texts"),
    [(BOM, []), (BOM + b"\n", [""]), (BOM + BOM, ["\ufeff"]), (b"\n" + BOM, ["", "\ufeff"])],
)
def test_little_more_than_a_byte_order_mark(data: bytes, texts: list[str]) -> None:
    """A mark alone is no line; only the first one of a stream goes."""
    assert [line.text for line in read_lines(io.BytesIO(data))] == texts


@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_by_its_name(kind: Callable[[Path], str | Path], tmp_path: Path) -> None:
    """A name is opened and read like a stream, and closed at its end."""
    file = tmp_path / "code.s"
    file.write_bytes(BOM + b"nop\r\n\xff\rhalt")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [line.text for line in read_lines(kind(file))] == ["nop", r"\xff", "halt"]
        assert next(read_lines(kind(file))) == Line("nop")  # left after the first line
        read_lines(kind(file))  # never begun
        gc.collect()
    assert [str(one.message) for one in caught] == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nowhere.s", "No such file or directory"), (".", "Is a directory"), ("a\0b", "null byte")],
)
def test_a_file_that_cannot_be_read(name: str, reason: str, tmp_path: Path) -> None:
    """At the call, not at the first line: an error that names the file and says why."""
    file = f"{tmp_path}/{name}"
    with pytest.raises(InputError, match=reason) as caught:
        read_lines(file)
    assert file in str(caught.value)


def test_a_stream_that_breaks(tmp_path: Path) -> None:
    """What was read comes first, then an error; then there is nothing more."""

    blocks = deque([b"nop\nhal"])

    class Broken(io.RawIOBase):
        name = "tape"

        def read(self, size: int = -1) -> bytes:
            if not blocks:
                raise OSError(errno.EIO, "Input/output error")
            return blocks.popleft()

    lines = read_lines(Broken())  # type: ignore[arg-type]
    assert next(lines) == Line("nop")
    with pytest.raises(InputError, match="tape cannot be read: Input/output error"):
        next(lines)
    assert list(lines) == []


@pytest.mark.parametrize("source", [io.StringIO("halt"), 5, None, ["halt"]])
def test_what_is_no_source(source: Any) -> None:
    """A text stream, or anything else without bytes, is refused at the call."""
    with pytest.raises(TypeError, match="binary mode"):
        read_lines(source)


@pytest.mark.skipif(os.name != "posix", reason="only sockets can be waited for on Windows")
def test_waiting_for_a_limited_time() -> None:
    """Nothing, half a line, a line, two lines, the end: told without waiting for more."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream:
        lines = read_lines(stream)
        for written, expected in (
            (b"", [None]),
            (b"ha", [None]),
            (b"lt\r", [Line("halt"), None]),
            (b"\na\nb\nc", [Line("a"), Line("b"), None]),
        ):
            os.write(write_end, written)
            assert [lines.next_within(0) for _ in expected] == expected
        os.close(write_end)
        assert [lines.next_within(0) for _ in range(3)] == [Line("c"), None, None]
        assert list(lines) == []
        assert not stream.closed


@pytest.mark.parametrize(
    ("raw", "text", "message"),
    [
        (b"\xff", r"\xff", "not UTF-8: byte 0xff at position 0"),
        (b"mov r1, \xe9", r"mov r1, \xe9", "not UTF-8: byte 0xe9 at position 8"),
        (b"\xc3\xa9\xc3", "\u00e9\\xc3", "not UTF-8: byte 0xc3 at position 2"),
        (b"\xed\xa0\x80", r"\xed\xa0\x80", "not UTF-8: byte 0xed at position 0"),
        (b"\xc0\xaf", r"\xc0\xaf", "not UTF-8: byte 0xc0 at position 0"),
    ],
)
def test_invalid_utf8(raw: bytes, text: str, message: str) -> None:
    """A line that is not text says which byte is wrong, and its neighbours are untouched."""
    before, line, after = read_lines(io.BytesIO(b"halt\n" + raw + b"\nnop\n"))
    assert (before, after) == (Line("halt"), Line("nop"))
    assert line.text == text
    assert isinstance(line.error, InputError)
    assert str(line.error) == message


@pytest.mark.parametrize("argument", ["", "halt", "caf\u00e9", "a\nb", "\r\n", "x" * 70_000, "\0"])
def test_an_argument_is_one_line(argument: str) -> None:
    """An argument is taken as it is, line ends included: those are refused, not split."""
    assert list(lines_of_arguments([argument, "halt"])) == [Line(argument), Line("halt")]


@pytest.mark.parametrize(
    ("argument", "text"),
    [("\udcff", r"\xff"), ("mov \udce9", r"mov \xe9"), ("\ud800", r"\xed\xa0\x80")],
)
def test_an_argument_that_is_not_text(argument: str, text: str) -> None:
    """Undecodable bytes, and halves of UTF-16 pairs, make an error and no crash."""
    line, after = lines_of_arguments([argument, "halt"])
    assert line.text == text
    assert isinstance(line.error, InputError)
    assert after == Line("halt")


def test_lines_are_immutable() -> None:
    """A line cannot be changed on its way."""
    with pytest.raises(AttributeError):
        Line("halt").text = "nop"  # type: ignore[misc]
