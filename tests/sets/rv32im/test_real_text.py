"""Real text: how lines are taken from what binutils print."""

import json
from pathlib import Path

import pytest

from kvrm_grammar.isa import load_set
from kvrm_grammar.oracle.reference import parse
from tests.sets.rv32im.binutils import missing
from tests.sets.rv32im.listing import PROGRAMS, compiled, compiler_missing
from tests.sets.rv32im.real_text import LIBRARY, Line, compiled_lines, main, parsed


@pytest.mark.skipif(compiler_missing() is not None, reason=compiler_missing() or "")
def test_gcc_writes_what_the_parser_reads() -> None:
    """Of every program each line means its bytes, or is refused for a reason of the set."""
    lines = [
        line for path in sorted(PROGRAMS.glob("*.c")) for line in compiled_lines(compiled(path))
    ]
    found = parsed(lines)
    assert found["wrong"] == [] and found["right"] > 200
    assert sum(found["refused"].values()) < 20
    assert {reason.split(" ")[0] for reason in found["refused"]} <= {"li", "relocation", "stands"}


def test_wrong_and_refused_are_counted_apart() -> None:
    """A refusal has its reason, another meaning is wrong, a line counts once."""
    nop = {"key": "OP_ADDI", "params": {"rd": "zero", "rs1": "zero", "imm": 0}}
    lines = [Line(text, text, nop) for text in ("nop", "nop", "ecall", "call there")]
    found = parsed(lines)
    assert (found["lines"], found["distinct"], found["right"]) == (4, 3, 1)
    assert found["refused"] == {"stands for two instructions": 1}
    assert [one["text"] for one in found["wrong"]] == ["ecall"]


def test_without_the_library_it_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 and Debian's names, whatever is lacking."""
    assert main(["--library", str(tmp_path / "none.a"), "--output", str(tmp_path / "o.json")]) == 1
    assert "picolibc-riscv64-unknown-elf" in capsys.readouterr().err
    assert not (tmp_path / "o.json").exists()


@pytest.mark.skipif(
    missing() is not None or not LIBRARY.is_file(), reason="needs picolibc's library"
)
@pytest.mark.slow
def test_the_whole_library(tmp_path: Path) -> None:
    """Every distinct line of picolibc, in three forms, is what its bytes say."""
    assert main(["--output", str(tmp_path / "real.json")]) == 0
    record = json.loads((tmp_path / "real.json").read_text("utf-8"))["reference"]
    for name in ("default", "no-aliases", "numeric"):
        assert record[name]["right"] == record[name]["distinct"] > 30_000


def test_texts_of_objdump_are_read() -> None:
    """Three of each form, written down."""
    for text in ("add\tsp,sp,-16", "addi\tsp,sp,-16", "add\tx2,x2,-16"):
        assert parse(text, load_set("rv32im")).model_dump()["params"]["imm"] == -16
