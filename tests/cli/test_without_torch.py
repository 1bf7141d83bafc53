"""The plain install: every command that decodes, with the packaged models, without torch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.blocked import WITHOUT_TORCH
from training.data.strict import generate_examples

pytestmark = pytest.mark.model

MAIN = """
from kvrm_grammar.cli.app import main

try:
    main()
finally:
    assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}
"""
SUB = {"key": "OP_SUB", "params": {"dest": "R5", "src1": "R3", "src2": "R1"}}


def run(*arguments: str, text: str | None = None, status: int = 0) -> str:
    """Standard output of a command."""
    command = [sys.executable, "-c", WITHOUT_TORCH + MAIN, *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_set_up_and_both_dialects() -> None:
    """What was set up is found, and an answer comes with others beside it."""
    assert run("setup") == ""
    assert json.loads(run("decode", "sub r5 r3 r1")) == SUB
    found = json.loads(run("decode", "--dialect", "lenient", "--alternatives", "3", "r5 = r3 - r1"))
    assert {"key": found["key"], "params": found["params"]} == SUB
    assert found["alternatives"][0]["key"] == "OP_SUB"


@pytest.mark.parametrize(
    ("dialect", "source"),
    [
        ("strict", "loop: dec r1\njnz loop\nhalt\n"),
        ("lenient", "loop: r1 -= 1\ngo to loop if not zero\nstop\n"),
    ],
)
def test_a_program(dialect: str, source: str, tmp_path: Path) -> None:
    """Labels and all."""
    file = tmp_path / "program.s"
    file.write_text(source)
    rows = map(json.loads, run("decode-program", "--dialect", dialect, str(file)).splitlines())
    assert [row["key"] for row in rows] == ["OP_DEC", "OP_JNZ", "OP_HALT"]


def test_two_hundred_texts() -> None:
    """Generated instructions of every kind: each has an answer, and it is the right one."""
    examples = list(generate_examples(200, 707_070))
    source = "".join(f"{example.text}\n" for example in examples if "\n" not in example.text)
    # Some of them are to be refused, which the status says.
    answers = run("decode", "--file", "-", text=source, status=1)
    rows = [json.loads(line) for line in answers.splitlines()]
    expected = [json.loads(one.answer) for one in examples if "\n" not in one.text]
    assert len(rows) == len(expected) > 150
    wrong = [row for row, own in zip(rows, expected, strict=True) if row != own]
    assert wrong == []
