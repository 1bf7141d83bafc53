"""In a process of its own: standard streams, pipes, memory, and what is loaded."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.running import MIXED, ROOT, finish, rows, start

PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def test_light_commands_load_no_model() -> None:
    """Help needs neither torch nor pydantic; parsing and info need no torch."""
    code = (
        "import contextlib, io, sys\n"
        "from kvrm_grammar.cli.app import app\n"
        "def run(*arguments):\n"
        "    with contextlib.redirect_stdout(io.StringIO()):\n"
        "        app(list(arguments), standalone_mode=False)\n"
        "for heavy, arguments in (\n"
        "    ({'torch', 'transformers', 'pydantic', 'lark'}, ['--help']),\n"
        "    ({'torch', 'transformers', 'peft', 'lark'}, ['decode', '--help']),\n"
        "    ({'torch', 'transformers', 'peft', 'lark'}, ['run', '--help']),\n"
        "    ({'torch', 'transformers', 'peft'}, ['parse', 'HALT']),\n"
        "    ({'torch', 'transformers', 'peft'}, ['info', '--json']),\n"
        "):\n"
        "    run(*arguments)\n"
        "    print(arguments[0], sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == ""
    assert done.stdout == "--help []\ndecode []\nrun []\nparse []\ninfo []\n"


def test_lines_are_answered_as_they_come() -> None:
    """``parse -`` answers a line before the next is written."""
    with start("parse", "-", bufsize=0) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"HALT\n")
        assert process.stdout.readline() == b'{"key":"OP_HALT","params":{}}\n'
        process.stdin.write(b"NOP\r")
        assert process.stdout.readline() == b'{"key":"OP_NOP","params":{}}\n'
        process.stdin.write(b"\nINC R1")
        assert finish(process)[0] == '{"key":"OP_INC","params":{"dest":"R1"}}\n'
    assert process.returncode == 0


def test_a_reader_that_leaves_is_no_crash(tmp_path: Path) -> None:
    """``kvrm-grammar parse - | head -1`` ends quietly, with exit code 1."""
    source = tmp_path / "long.s"
    source.write_bytes(b"HALT\n" * 20_000)
    with source.open("rb") as stdin, start("parse", "-", stdin=stdin) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b'{"key":"OP_HALT","params":{}}\n'
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=300) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told() -> None:
    """Output that cannot be written is one line on standard error and exit code 3."""
    with Path("/dev/full").open("wb") as full, start("parse", "HALT", stdout=full) as process:
        assert process.stderr is not None
        told = b"error: standard output cannot be written: No space left on device\n"
        assert process.stderr.read() == told
        assert process.wait(timeout=300) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", ["--version", "--help", "parse --help"])
def test_a_full_disk_under_a_page(arguments: str) -> None:
    """Pages that no command writes are told in the same way."""
    with Path("/dev/full").open("wb") as full, start(*arguments.split(), stdout=full) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b"error: No space left on device\n"
        assert process.wait(timeout=300) == 3


@pytest.mark.skipif(os.name != "posix", reason="arguments are bytes on POSIX alone")
def test_raw_bytes_as_arguments() -> None:
    """Arguments that are not UTF-8 arrive, are refused, and cost the others nothing."""
    stdout, stderr, code = finish(start("parse", "--jsonl", b"mov \xff", b"HALT", "caf\u00e9"))
    assert [row["ok"] for row in rows(stdout)] == [False, True, False]
    assert rows(stdout)[0]["error"] == "not UTF-8: byte 0xff at position 4"
    assert (stderr, code) == ("", 1)


def test_decode_from_another_folder(tiny_adapter: Path, tmp_path: Path) -> None:
    """The whole way in one process: bad bytes in, JSON alone out, the cache's trouble beside it."""
    blocked = tmp_path / "not-a-folder"
    blocked.write_text("")
    stdout, stderr, code = finish(
        start(
            *("decode", "--jsonl", "--adapter", str(tiny_adapter), "--batch-size", "2", "-"),
            env={"KVRM_GRAMMAR_CACHE": str(blocked)},
            cwd=tmp_path,
        ),
        MIXED,
    )
    found = rows(stdout)
    assert [row["id"] for row in found] == list(range(1, 9))
    assert [row["key"] is None for row in found] == [False, False, True, False, True] + [False] * 3
    assert "cannot write to the cache folder" in stderr
    assert "Traceback" not in stderr
    assert code == 1


def shell(command: str, *, stdin: bytes = b"") -> tuple[bytes, bytes, int]:
    """Run ``kvrm-grammar`` in a shell, where standard streams can be closed."""
    script = "shift; " + command.replace("kvrm-grammar", '"$0" -m kvrm_grammar')
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, "-"],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        timeout=300,
    )
    return done.stdout, done.stderr, done.returncode


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes the streams")
@pytest.mark.parametrize(
    ("command", "message", "code"),
    [
        ("parse halt >&-", "error: standard output is closed; give --output FILE", 3),
        ("decode halt >&-", "error: standard output is closed; give --output FILE", 3),
        ("decode-program --reference - >&-", "error: standard output is closed", 3),
        ("info >&-", "error: standard output is closed", 3),
        ("parse - <&-", "error: standard input is closed; give instructions", 2),
        ("decode --file - <&-", "error: standard input is closed; give instructions", 2),
        ("decode-program - <&-", "error: standard input is closed; name a file", 2),
        ("parse - 0>/dev/null", "error: standard input cannot be read: Bad file descriptor", 2),
        ("decode-program - 0>/dev/null", "error: standard input: Bad file descriptor", 2),
    ],
)
def test_closed_streams(command: str, message: str, code: int) -> None:
    """A standard stream that is not there is one clear line and an exit code."""
    stdout, stderr, found = shell(f"kvrm-grammar {command}")
    assert (stdout, found) == (b"", code)
    assert stderr.decode().startswith(message)
    assert stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes the streams")
@pytest.mark.parametrize(
    ("command", "stdout", "code"),
    [
        ("parse foo 2>&-", b'{"key":"OP_INVALID","params":{}}\n', 1),
        ("decode --adapter /no/such/folder halt 2>&-", b"", 3),
        ("parse 2>&-", b"", 2),
    ],
)
def test_closed_standard_error(command: str, stdout: bytes, code: int) -> None:
    """Without standard error nothing is told, and nothing breaks."""
    assert shell(f"kvrm-grammar {command}") == (stdout, b"", code)


@pytest.mark.skipif(os.name != "posix", reason="only sockets can be waited for on Windows")
def test_a_slow_pipe_is_decoded_as_it_comes(tiny_adapter: Path, tmp_path: Path) -> None:
    """``tail -f log | kvrm-grammar decode - | head -2``: each line before the next is written.

    When the reader goes, the command ends, and Python with it, although its input stays open.
    """
    process = start(
        *("decode", "--jsonl", "--adapter", str(tiny_adapter), "-"),
        env={"KVRM_GRAMMAR_CACHE": str(tmp_path)},
        bufsize=0,
    )
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    with process:
        assert process.stdin and process.stdout and process.stderr
        for text in ("halt", "jmp a"):
            process.stdin.write(text.encode() + b"\n")
            assert json.loads(process.stdout.readline())["raw"] == text
        process.stdout.close()
        process.stdin.write(b"nop\n")
        assert process.wait() == 1
        assert process.stderr.read() == b""
    watchdog.cancel()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by /proc")
def test_a_line_without_an_end_is_not_kept() -> None:
    """100 MB without a line end: one error, the true length, and no more memory than usual."""
    peaks = []
    for megabytes in (1, 100):
        code = (
            "import contextlib, sys\n"
            "from kvrm_grammar.cli import main\n"
            "with contextlib.suppress(SystemExit):\n"
            "    main()\n"
            "peak = [l for l in open('/proc/self/status') if l.startswith('VmHWM')][0]\n"
            "print(int(peak.split()[1]), file=sys.stderr)\n"
        )
        command = [sys.executable, "-c", code, "parse", "--jsonl", "-"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, env=environment, **PIPES) as process:  # type: ignore[call-overload]
            for _ in range(megabytes):
                process.stdin.write(b"x" * 1_000_000)
            stdout, stderr = process.communicate(b"\nHALT", timeout=300)
        long, halt = rows(stdout.decode())
        assert long["error"].startswith(f"line has {megabytes * 1_000_000} characters")
        assert halt["ok"]
        peaks.append(int(stderr))
    assert peaks[1] < peaks[0] + 10_000  # KiB
