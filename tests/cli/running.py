"""Commands, run in this process or in one of their own, and a decoder that never errs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from kvrm_grammar.cli.app import app
from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import InputError
from kvrm_grammar.lines import Line

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "kvrm_grammar"]
FIELDS = ["id", "ok", "key", "params", "error", "raw"]
MIXED = b"HALT\nsub r5 r3 r1\n\xff\xfe\nFOO R1\n" + b"x" * 1_000_000 + b"\na\x00b\n\nJMP loop"
MIXED_OK = [True, True, False, False, False, False, False, True]


class Oracle:
    """A decoder that never errs, in place of a model; ``calls`` keeps what it was asked with."""

    dialect = find_dialect("strict")

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def decode_many(self, texts: Iterable[str | Line], **options: Any) -> Iterator[Decoded]:
        self.calls.append(options)
        for text in texts:
            line = text if isinstance(text, Line) else Line(text)
            try:
                if line.error is not None:
                    raise line.error
                reading = self.dialect.read(line.text)
                yield Decoded(line.text, reading.verdict.operation, reading=reading)
            except InputError as error:
                yield Decoded(line.text, None, error=error)


def run(*arguments: str, stdin: bytes | str | None = None) -> Result:
    """Run a command in this process; an exception that escapes it fails the test."""
    return CliRunner().invoke(app, list(arguments), input=stdin, catch_exceptions=False)


def rows(stdout: str) -> list[dict[str, Any]]:
    """Standard output, every line of which must be one JSON object."""
    assert stdout == "" or stdout.endswith("\n")
    parsed = [json.loads(line) for line in stdout.split("\n")[:-1]]
    assert all(isinstance(row, dict) for row in parsed)
    return parsed


def start(*arguments: str | bytes, **options: Any) -> "subprocess.Popen[bytes]":
    """Run a command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **options.pop("env", {})}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [*COMMAND, *arguments]
    return subprocess.Popen(command, env=environment, **{**pipes, **options})


def finish(process: "subprocess.Popen[bytes]", stdin: bytes = b"") -> tuple[str, str, int]:
    """Standard output, standard error and exit code."""
    stdout, stderr = process.communicate(stdin, timeout=300)
    return stdout.decode("ascii"), stderr.decode(), process.returncode
