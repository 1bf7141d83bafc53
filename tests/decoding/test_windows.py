"""decoding/windows.py: nothing is lost, doubled, turned round, or waited for without need."""

import io
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.windows import windows
from kvrm_grammar.errors import InputError
from kvrm_grammar.lines import Line, read_lines

LONG_S = 3600.0
posix = pytest.mark.skipif(os.name != "posix", reason="only sockets can be waited for on Windows")


class Failing:
    """Gives its items, then raises."""

    def __init__(self, items: Iterable[Any], error: BaseException) -> None:
        self.items, self.error = iter(items), error

    def __iter__(self) -> Iterator[Any]:
        yield from self.items
        raise self.error


@given(st.lists(st.integers()), st.integers(1, 9), st.booleans())
def test_windows_are_the_items_in_order(items: list[int], size: int, as_iterator: bool) -> None:
    """Put together they are the source; all are full but the last, and none is empty."""
    found = list(windows(iter(items) if as_iterator else items, size))
    assert [item for window in found for item in window] == items
    assert all(len(window) == size for window in found[:-1])
    assert all(1 <= len(window) <= size for window in found)


@given(st.lists(st.integers(), max_size=20), st.integers(1, 9))
def test_what_was_read_comes_before_the_error(items: list[int], size: int) -> None:
    """A source that raises loses nothing, and the error itself arrives, once."""
    error = OSError("gone")
    source = windows(Failing(items, error), size)
    found: list[int] = []
    with pytest.raises(OSError) as caught:
        for window in source:
            found.extend(window)
    assert caught.value is error
    assert found == items
    assert list(source) == []


def test_an_interruption_is_not_kept_waiting() -> None:
    """Ctrl-C is no error of the source: it ends at once."""
    with pytest.raises(KeyboardInterrupt):
        next(windows(Failing([1, 2], KeyboardInterrupt()), 8))


@pytest.mark.parametrize(
    ("texts", "size", "error"),
    [
        ("halt", 8, TypeError),
        (b"halt", 8, TypeError),
        (None, 8, TypeError),
        (5, 8, TypeError),
        (Line("halt"), 8, TypeError),
        ([], 0, ValueError),
        ([], -1, ValueError),
        ([], 2.5, TypeError),
    ],
)
def test_wrong_arguments_are_told_at_the_call(
    texts: Any, size: Any, error: type[Exception]
) -> None:
    """Not when the first window is asked for: that may be never."""
    with pytest.raises(error):
        windows(texts, size)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"texts": "halt"}, TypeError),
        ({"texts": 5}, TypeError),
        ({"batch_size": 0}, ValueError),
        ({"batch_tokens": 0}, ValueError),
        ({"min_confidence": 1.1}, ValueError),
        ({"min_confidence": float("nan")}, ValueError),
    ],
    ids=str,
)
def test_decode_many_checks_at_the_call(
    arguments: dict[str, Any], error: type[Exception], tiny_decoder: Decoder
) -> None:
    """``decode_many`` raises for a wrong argument although nobody iterates."""
    with pytest.raises(error):
        tiny_decoder.decode_many(**{"texts": ["halt"], **arguments})


def test_decode_many_answers_what_was_read(tiny_decoder: Decoder) -> None:
    """Five lines and then an error are five answers and then that error."""
    answers = tiny_decoder.decode_many(Failing(["nop"] * 5, OSError("gone")))
    assert [next(answers).text for _ in range(5)] == ["nop"] * 5
    with pytest.raises(OSError, match="gone"):
        next(answers)


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-8-sig"])
def test_a_bad_byte_in_a_text_file_costs_one_line(encoding: str, tmp_path: Path) -> None:
    """``open(name)`` is read by lines, although Python's own reader gives up on the block."""
    file = tmp_path / "code.s"
    file.write_bytes(b"nop\n" * 5 + b"\xff\nhalt\r\n")
    with file.open(encoding=encoding) as plain, pytest.raises(UnicodeDecodeError):
        next(plain)
    with file.open(encoding=encoding) as opened:
        (lines,) = windows(opened, 128)
    texts = [line.text for line in lines if isinstance(line, Line)]
    assert texts == ["nop"] * 5 + [r"\xff", "halt"]


@pytest.mark.parametrize("how", ["latin-1", "replace", "begun"])
def test_a_text_file_with_a_reader_of_its_own(how: str, tmp_path: Path) -> None:
    """Another encoding, another choice for bad bytes, or a file already begun: left as it is."""
    file = tmp_path / "code.s"
    file.write_bytes(b"nop\n" + (b"\xe9\n" if how == "latin-1" else b"\xff\n" * (how != "begun")))
    options: dict[str, dict[str, str]] = {
        "latin-1": {"encoding": "latin-1"},
        "replace": {"encoding": "utf-8", "errors": "replace"},
        "begun": {"encoding": "utf-8"},
    }
    expected = {"latin-1": ["nop\n", "\xe9\n"], "replace": ["nop\n", "\ufffd\n"], "begun": []}
    with file.open(**options[how]) as opened:  # type: ignore[call-overload]
        if how == "begun":
            file.write_bytes(b"nop\nhalt\n")
            assert next(opened) == "nop\n"
            expected["begun"] = ["halt\n"]
        assert list(windows(opened, 128)) == [expected[how]]


def within(answer: Any, seconds: float = 60) -> Any:
    """The result of a call that must come back; one that hangs is a failure, not a hang."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(answer()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert found, "waited for more lines"
    return found[0]


@posix
def test_a_slow_stream_is_not_waited_for() -> None:
    """A line that comes alone is a window of its own, while the pipe stays open."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream:
        source = windows(read_lines(stream), 128)
        for written in (b"halt\n", b"nop\ninc r1\n", b"jmp a\ndec"):
            os.write(write_end, written)
            *lines, _ = written.decode().split("\n")
            assert within(lambda: next(source)) == [Line(line) for line in lines]
        os.close(write_end)
        assert list(source) == [[Line("dec")]]


@posix
def test_a_text_stream_of_a_pipe_is_not_waited_for() -> None:
    """Standard input as Python opens it is answered like its bytes."""
    read_end, write_end = os.pipe()
    with open(read_end, encoding="utf-8") as stream:
        source = windows(stream, 128)
        os.write(write_end, b"halt\n")
        assert within(lambda: next(source)) == [Line("halt")]
        os.close(write_end)
        assert list(source) == []


@posix
def test_a_fast_stream_makes_full_windows() -> None:
    """What is there already is taken together, however short the patience."""
    read_end, write_end = os.pipe()
    os.write(write_end, b"nop\n" * 1000)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        sizes = [len(window) for window in windows(read_lines(stream), 128, patience_s=0)]
    assert sizes == [128] * 7 + [104]


@posix
def test_a_window_waits_for_company() -> None:
    """With patience, a window is filled by lines that come one by one."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream, os.fdopen(write_end, "wb", 0) as writer:
        source = windows(read_lines(stream), 3, patience_s=LONG_S)
        writer.write(b"a\n")
        later = threading.Timer(0.05, lambda: [writer.write(b"b\n"), writer.write(b"c\nd\n")])
        later.start()
        assert within(lambda: next(source)) == [Line("a"), Line("b"), Line("c")]
        later.join()


@posix
def test_a_stream_is_closed_while_it_waits() -> None:
    """A consumer that leaves after the first window leaves nothing behind: no thread, no read."""
    before = threading.active_count()
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream, os.fdopen(write_end, "wb", 0) as writer:
        writer.write(b"halt\n")
        source = windows(read_lines(stream), 128)
        assert next(source) == [Line("halt")]
        source.close()  # type: ignore[attr-defined]
        assert threading.active_count() == before
        writer.write(b"nop\n")
        assert stream.read1() == b"nop\n"


@posix
def test_a_slow_stream_is_decoded(tiny_decoder: Decoder) -> None:
    """``decode_many`` answers a line that came alone before there is another."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream:
        answers = tiny_decoder.decode_many(read_lines(stream))
        for text in ("halt", "jmp loop"):
            os.write(write_end, text.encode() + b"\n")
            assert within(lambda: next(answers)).text == text
        os.close(write_end)
        assert list(answers) == []


def test_a_generator_is_read_by_who_asks() -> None:
    """A caller's generator never runs beside the caller, nor further than the window."""
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(10):
            taken.append(threading.get_ident())
            yield number

    source = windows(numbers(), 4)
    assert taken == []
    assert next(source) == [0, 1, 2, 3]
    assert taken == [threading.get_ident()] * 4


def test_a_file_that_breaks_is_decoded_up_to_there(tiny_decoder: Decoder) -> None:
    """A stream whose reading fails is answered as far as it was read."""

    blocks = [b"nop\nhalt\n"]

    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            if not blocks:
                raise OSError("unplugged")
            return blocks.pop()

    answers = tiny_decoder.decode_many(read_lines(Broken()))  # type: ignore[arg-type]
    assert [next(answers).text, next(answers).text] == ["nop", "halt"]
    with pytest.raises(InputError, match="the input stream cannot be read: unplugged"):
        next(answers)
