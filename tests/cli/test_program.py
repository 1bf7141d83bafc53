"""The command ``decode-program``: addresses, labels, and sources that cannot be read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.decoding.decoder import Decoder
from tests.cli.running import FIELDS, Oracle, rows, run

SOURCE = "start: MOV R1, 3\n; comment\nloop:\n  DEC R1\r\n  JNZ loop ; again\nend: JMP end"


@pytest.fixture
def program(tmp_path: Path) -> Callable[[bytes], str]:
    """Write a source file and return its name."""

    def write(source: bytes) -> str:
        file = tmp_path / "program.s"
        file.write_bytes(source)
        return str(file)

    return write


@pytest.mark.parametrize("options", [["--reference"], []], ids=["reference", "model"])
@pytest.mark.usefixtures("oracle")
def test_a_program_is_decoded(options: list[str], program: Callable[[bytes], str]) -> None:
    """One line per instruction, with address and source line; labels are addresses."""
    file = program(SOURCE.encode())
    result = run("decode-program", file, *options, "--jsonl")
    found = rows(result.stdout)
    assert [list(row) for row in found] == [[*FIELDS, "line"]] * 4
    assert [(row["id"], row["line"]) for row in found] == [(0, 1), (1, 4), (2, 5), (3, 6)]
    assert [row["params"].get("addr") for row in found] == [None, None, 1, 3]
    assert found[2]["raw"] == "  JNZ loop ; again"
    assert (result.stderr, result.exit_code) == ("", 0)
    plain = run("decode-program", "-", *options, stdin=SOURCE)
    assert [list(row) for row in rows(plain.stdout)] == [["key", "params"]] * 4


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"NOP\nJMP nowhere\n", "Unknown label: 'nowhere' in line 2"),
        (b"a: NOP\na: NOP\n", "defined in line 1 and again in line 2"),
        (b"NOP\n" + b"x" * 257, "line 2: line has 257 characters"),
        (b"NOP\n\xff\xfe\n", "not UTF-8: invalid start byte at byte 4"),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("options", [["--reference"], []], ids=["reference", "model"])
@pytest.mark.usefixtures("oracle")
def test_broken_programs(
    options: list[str], source: bytes, message: str, program: Callable[[bytes], str]
) -> None:
    """A program whose addresses cannot be known gives no line at all, one message, and 1."""
    result = run("decode-program", program(source), *options)
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr.startswith("error: ") and message in result.stderr


@pytest.mark.parametrize(
    ("source", "code", "keys"),
    [
        (b"", 0, []),
        (b"; nothing\n\n", 0, []),
        (b"NOP\nwhat is this\nHALT", 1, ["OP_NOP", "OP_INVALID", "OP_HALT"]),
        (b"NOP\x00\nHALT", 1, ["OP_INVALID", "OP_HALT"]),
    ],
    ids=ascii,
)
def test_refused_lines_stay_in_the_program(
    source: bytes, code: int, keys: list[str], program: Callable[[bytes], str]
) -> None:
    """A refused line keeps its place, and the exit code tells."""
    result = run("decode-program", program(source), "--reference")
    assert [row["key"] for row in rows(result.stdout)] == keys
    assert result.exit_code == code
    assert result.stderr.count("input ") == keys.count("OP_INVALID")


@pytest.mark.usefixtures("oracle")
def test_messages_name_the_file(program: Callable[[bytes], str]) -> None:
    """Whatever is wrong with a program, its file is told; standard input by its name."""
    for source in (b"JMP nowhere", b"\xff", b"a:\na:\n"):
        file = program(source)
        assert run("decode-program", file).stderr.startswith(f"error: {file}: ")
        told = run("decode-program", "-", stdin=source).stderr
        assert told.startswith("error: standard input: ")


@pytest.mark.parametrize("options", [["--reference"], []], ids=["reference", "model"])
@pytest.mark.usefixtures("oracle")
def test_a_byte_order_mark_is_dropped(options: list[str], program: Callable[[bytes], str]) -> None:
    """A mark at the start is no part of the first line; elsewhere it is refused."""
    result = run("decode-program", program(b"\xef\xbb\xbfa: NOP\n\xef\xbb\xbfHALT"), *options)
    assert [row["key"] for row in rows(result.stdout)] == ["OP_NOP", "OP_INVALID"]


def test_the_line_that_is_not_utf8(program: Callable[[bytes], str]) -> None:
    """The message says in which line, however the lines end."""
    for end in (b"\n", b"\r\n", b"\r"):
        result = run("decode-program", program(b"NOP" + end + b"HALT" + end + b"a\xff"))
        assert (result.stdout, result.exit_code) == ("", 1)
        assert "in line 3" in result.stderr


def test_options_reach_the_decoder(oracle: Oracle, program: Callable[[bytes], str]) -> None:
    """The constraint is loaded with the model; the threshold goes with the lines."""
    loaded: list[Any] = []

    def load(path: Path | None, **options: Any) -> Oracle:
        loaded.append((options["constraint"], options["precision"], options["device"]))
        return oracle

    chosen = ["--constraint", "schema", "--precision", "float32", "--device", "cpu"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Decoder, "from_pretrained", load)
        run("decode-program", program(b"NOP"), *chosen, "--min-confidence", "0.25")
    assert loaded == [("schema", "float32", "cpu")]
    assert oracle.calls == [{"min_confidence": 0.25}]


@pytest.mark.usefixtures("tiny")
def test_what_is_uncertain_is_refused(program: Callable[[bytes], str]) -> None:
    """An untrained model is sure of nothing: every line is refused, and says why."""
    result = run("decode-program", program(b"jmp a\na: inc r1"), "--min-confidence", "1", "--jsonl")
    found = rows(result.stdout)
    assert [row["key"] for row in found] == ["OP_INVALID"] * 2
    assert {row["error"] for row in found} <= {
        "uncertain",
        "the model did not recognise this instruction",
    }
    assert "uncertain" in {row["error"] for row in found}
