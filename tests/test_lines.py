"""lines.py: bytes become lines; none is dropped, torn or waited for in vain."""

import io
import re
from collections import deque
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvrm_grammar.errors import InputError
from kvrm_grammar.lines import Line, lines_of_arguments, read_lines


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


@pytest.mark.parametrize("length", [65_535, 65_536, 65_537, 1_000_000])
@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n", b""])
def test_long_lines_are_whole(length: int, end: bytes) -> None:
    """A line longer than a block is one line."""
    lines = list(read_lines(io.BytesIO(b"x" * length + end + b"halt\n")))
    tail = [] if end else ["x" * length + "halt"]
    assert [line.text for line in lines] == (tail or ["x" * length, "halt"])


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
