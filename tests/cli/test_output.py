"""Where results go: a file that keeps what it held, a bar between none of them, the log."""

import errno
import io
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import typer

from kvrm_grammar.cli.failures import failures
from kvrm_grammar.cli.output import Writer, finish
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.errors import AdapterError
from tests.cli.running import COMMAND, ROOT, Oracle, rows, run


@pytest.mark.parametrize("command", ["parse", "decode", "decode-program"])
@pytest.mark.usefixtures("oracle")
def test_results_go_to_a_file(command: str, tmp_path: Path) -> None:
    """``--output`` holds what standard output would, and what it held before is gone."""
    source, output = tmp_path / "code.s", tmp_path / "out.jsonl"
    source.write_text("HALT\nFOO\nNOP\n")
    output.write_text("old\n" * 1000)
    given = [str(source)] if command == "decode-program" else ["--file", str(source)]
    plain = run(command, *given)
    filed = run(command, *given, "--output", str(output))
    assert len(rows(plain.stdout)) == 3
    assert output.read_text() == plain.stdout
    assert (filed.stdout, filed.stderr, filed.exit_code) == ("", plain.stderr, plain.exit_code)


def test_a_file_is_kept_until_there_is_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that cannot be loaded costs no earlier results; an empty input does."""

    def fail(*_: Any, **__: Any) -> None:
        raise AdapterError("damaged")

    output = tmp_path / "out.jsonl"
    output.write_text("precious\n")
    monkeypatch.setattr(Decoder, "from_pretrained", fail)
    assert run("decode", "--output", str(output), "HALT").exit_code == 3
    assert output.read_text() == "precious\n"
    assert run("parse", "--output", str(output), "-", stdin="").exit_code == 0
    assert output.read_text() == ""


@pytest.mark.parametrize("command", [["parse", "--file"], ["decode-program", "--reference"]])
def test_the_input_is_not_overwritten(command: list[str], tmp_path: Path) -> None:
    """A file that is read is not written, under whatever name."""
    source, link = tmp_path / "code.s", tmp_path / "link.s"
    source.write_text("HALT\n")
    link.symlink_to(source)
    for output in (source, link):
        result = run(*command, str(source), "--output", str(output))
        assert (result.stdout, result.exit_code) == ("", 2)
        assert "would overwrite the input" in result.stderr
        assert source.read_text() == "HALT\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_a_file() -> None:
    """An output that cannot be written is one line with its name, and exit code 3."""
    result = run("parse", "--output", "/dev/full", "HALT", "NOP")
    assert (result.stdout, result.exit_code) == ("", 3)
    assert result.stderr == "error: /dev/full cannot be written: No space left on device\n"


def test_a_row_is_written_at_once() -> None:
    """Each row is flushed before the next is made."""

    class File(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed = len(self.getvalue().splitlines())

    file = File()

    def made() -> Any:
        for number in range(3):
            assert file.flushed == number
            yield {"ok": True, "key": "k", "params": {}}

    with pytest.raises(typer.Exit) as caught:
        finish(made(), Writer(file, "x"), jsonl=False)
    assert (caught.value.exit_code, file.flushed) == (0, 3)


def _on_a_terminal(*arguments: str, stdin: bytes, stdout: int | None = None) -> tuple[bytes, bytes]:
    """Run a command whose standard error is a terminal; what it wrote, and what was seen."""
    master, slave = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if stdout is None else slave,
        stderr=slave,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"},
    )
    os.close(slave)
    seen: list[bytes] = []

    def look() -> None:
        try:
            while piece := os.read(master, 65_536):
                seen.append(piece)
        except OSError as error:  # how Linux tells that the last writer has gone
            assert error.errno == errno.EIO

    watcher = threading.Thread(target=look)
    watcher.start()
    written, _ = process.communicate(stdin, timeout=300)
    watcher.join(60)
    os.close(master)
    return written or b"", b"".join(seen)


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal is POSIX")
def test_a_bar_for_long_input() -> None:
    """A terminal sees a bar for long input, and reasons beside it; results are JSON alone."""
    written, seen = _on_a_terminal("parse", "-", stdin=b"HALT\n" * 3000 + b"FOO\n")
    assert len(rows(written.decode())) == 3001
    assert b"/?" in seen
    assert b"input 3001: FOO is not a mnemonic" in seen
    assert b"OP_HALT" not in seen


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal is POSIX")
def test_no_bar_for_short_input_or_between_results(tmp_path: Path) -> None:
    """Nothing is drawn for a few lines, nor where results themselves appear on the terminal."""
    _, seen = _on_a_terminal("parse", "-", stdin=b"HALT\n" * 20)
    assert seen == b""
    _, seen = _on_a_terminal("parse", "-", stdin=b"HALT\n" * 300, stdout=1)
    assert seen.replace(b"\r\n", b"\n") == b'{"key":"OP_HALT","params":{}}\n' * 300


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal is POSIX")
def test_the_bar_knows_a_files_length(tmp_path: Path) -> None:
    """The bar of a file counts to its number of lines."""
    source = tmp_path / "code.s"
    source.write_bytes(b"HALT\n" * 2000)
    _, seen = _on_a_terminal("parse", "--file", str(source), stdin=b"")
    assert b"/2000" in seen


def test_a_bar_is_not_for_pipes() -> None:
    """Without a terminal standard error stays empty, however long the input."""
    result = run("parse", "-", stdin="HALT\n" * 500)
    assert (result.stderr, result.exit_code) == ("", 0)


@pytest.mark.parametrize(
    ("options", "levels"),
    [
        ([], ["warning"]),
        (["-v"], ["info", "warning"]),
        (["-vv"], ["debug", "info", "warning"]),
        (["--verbose", "--verbose", "-v"], ["debug", "info", "warning"]),
    ],
)
def test_the_log(options: list[str], levels: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's log goes to standard error, as much of it as asked for, and only then."""
    logger = logging.getLogger("kvrm_grammar.somewhere")

    def load(*_: Any, **__: Any) -> Oracle:
        for level in ("debug", "info", "warning"):
            getattr(logger, level)("this is %s", level)
        logging.getLogger("elsewhere").error("not ours")
        return Oracle()

    monkeypatch.setattr(Decoder, "from_pretrained", load)
    result = run("decode", *options, "HALT")
    told = [line for line in result.stderr.splitlines() if "this is" in line]
    assert told == [f"{level}: this is {level}" for level in levels]
    assert "not ours" not in result.stderr
    assert rows(result.stdout) == [{"key": "OP_HALT", "params": {}}]
    assert logging.getLogger("kvrm_grammar").handlers == []
    assert run("decode", "-v", "HALT").stderr.count("adapter loaded in") == 1


def test_the_log_is_put_back_after_an_error() -> None:
    """A command that fails leaves no handler behind."""
    before = list(logging.getLogger("kvrm_grammar").handlers)
    with pytest.raises(typer.Exit), failures(2):
        raise AdapterError("x")
    assert logging.getLogger("kvrm_grammar").handlers == before
    assert sys.stdout is not None
