"""The command ``run``: end states, traces, and programs that do not come to their end."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.cli import run as run_command
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.machine import MAX_CYCLES
from tests.cli.running import Oracle, rows, run
from tests.sets import SCAFFOLD, ZETA

SOURCE = "mov r1, 2\n\nloop: DEC R1 ; down\n  jnz loop\nhalt"
EITHER = pytest.mark.parametrize("options", [["--reference"], []], ids=["reference", "model"])


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """Write a source file and return its name."""

    def write(source: str) -> str:
        file = tmp_path / "program.s"
        file.write_text(source, "utf-8")
        return str(file)

    return write


def _registers(**numbers: int) -> dict[str, int]:
    return {f"R{n}": numbers.get(f"R{n}", 0) for n in range(8)}


@EITHER
@pytest.mark.usefixtures("oracle")
def test_a_program_is_run(options: list[str], program: Callable[[str], str]) -> None:
    """One line with the end state, from a file and from standard input; nothing else is told."""
    end = {"registers": _registers(), "flags": {"Z": 1, "S": 0}, "counter": 3, "cycles": 6}
    for result in (
        run("run", program(SOURCE), *options),
        run("run", "-", *options, stdin=SOURCE),
    ):
        assert rows(result.stdout) == [end]
        assert (result.stderr, result.exit_code) == ("", 0)
    (whole,) = rows(run("run", "-", *options, "--jsonl", stdin=SOURCE).stdout)
    assert whole == {"id": None, "ok": True, **end, "error": None, "raw": None}


@EITHER
@pytest.mark.usefixtures("oracle")
def test_a_trace_has_a_line_for_each_step(options: list[str]) -> None:
    """Source line, text, operation, changed registers and flags; the end state is the last."""
    result = run("run", "-", *options, "--trace", stdin=SOURCE)
    *steps, end = rows(result.stdout)
    assert [step["line"] for step in steps] == [1, 3, 4, 3, 4, 5]
    assert [step["changed"] for step in steps] == [{"R1": 2}, {"R1": 1}, {}, {"R1": 0}, {}, {}]
    assert [step["flags"]["Z"] for step in steps] == [0, 0, 0, 1, 1, 1]
    assert steps[1] == {
        "line": 3, "text": "loop: DEC R1 ; down", "key": "OP_DEC", "params": {"dest": "R1"},
        "changed": {"R1": 1}, "flags": {"Z": 0, "S": 0},
    }  # fmt: skip
    assert end["cycles"] == len(steps)
    whole = rows(run("run", "-", *options, "--trace", "--jsonl", stdin=SOURCE).stdout)
    assert [row["id"] for row in whole] == [1, 2, 3, 4, 5, 6, None]
    assert whole[1] == {
        "id": 2, "ok": True, "line": 3, "key": "OP_DEC", "params": {"dest": "R1"},
        "confidence": None, "changed": {"R1": 1}, "flags": {"Z": 0, "S": 0}, "address": 1,
        "error": None, "raw": "loop: DEC R1 ; down",
    }  # fmt: skip


@pytest.mark.usefixtures("tiny")
def test_a_trace_says_how_sure_the_model_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a model decoded has its confidence, in both kinds of lines."""
    decode = Decoder.decode_many

    def forced(self: Decoder, texts: Any, **options: Any) -> Any:
        """The untrained model's confidence, of an answer that can be run."""
        for decoded, operation in zip(decode(self, texts, **options), (halt,), strict=True):
            yield type(decoded)(decoded.text, operation, confidence=decoded.confidence)

    halt = Oracle.dialect.read("halt").verdict.operation
    monkeypatch.setattr(Decoder, "decode_many", forced)
    for options in ([], ["--jsonl"]):
        step, _ = rows(run("run", "-", "--trace", *options, stdin="halt").stdout)
        assert 0 < step["confidence"] <= 1


@EITHER
@pytest.mark.usefixtures("oracle")
@pytest.mark.parametrize(
    ("source", "message", "steps"),
    [
        ("nop\nfoo r1 ; bar\nadd r1", "line 2: 'foo r1 ; bar' is refused: foo is not a", 0),
        ("nop\nfoo r1\nadd r1", "lines refused: 2, 3", 0),
        ("nop\njmp 9", "line 2: a jump to 9, outside of the program", 1),
        ("again: nop\njmp again", "not stopped after 20 cycles, next is line 1", 20),
        ("jmp nowhere", "Unknown label: 'nowhere' in line 1", 0),
    ],
)
def test_programs_that_do_not_come_to_their_end(
    options: list[str], source: str, message: str, steps: int, program: Callable[[str], str]
) -> None:
    """Exit code 1, one message with the file's name, the steps that were made, and no end state."""
    file = program(source)
    result = run("run", file, *options, "--trace", "--max-cycles", "20")
    assert (len(rows(result.stdout)), result.exit_code) == (steps, 1)
    assert all("key" in row for row in rows(result.stdout))
    assert result.stderr.startswith(f"error: {file}: ") and message in result.stderr
    assert result.stderr.count("\n") == 1
    told = run("run", "-", *options, "--max-cycles", "20", stdin=source)
    assert (told.stdout, told.exit_code) == ("", 1)
    assert told.stderr.startswith("error: standard input: ")


@pytest.mark.usefixtures("tiny")
def test_an_uncertain_line_stops_before_anything_runs() -> None:
    """An untrained model is sure of nothing: nothing is run, and the line is named."""
    result = run("run", "-", "--trace", "--min-confidence", "1", stdin="\njmp a\na: inc r1")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert "line 2: 'jmp a' is refused: " in result.stderr
    assert "(confidence 0." in result.stderr


def test_registers_at_the_start() -> None:
    """``--set`` takes any spelling of a register and of an integer, once for each."""
    given = ["--set", "R0=5", "--set", "r3 = -0x10", "--set", "R7=2147483647"]
    (end,) = rows(run("run", "-", "--reference", *given, stdin="dec r0\ninc r7").stdout)
    assert end["registers"] == _registers(R0=4, R3=-16, R7=-(2**31))
    assert end["flags"] == {"Z": 0, "S": 1}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("R8=1", "--set R8=1: no register 'R8'; there are R0, R1"),
        ("R1", "--set R1: give a register and an integer"),
        ("R1=", "give a register and an integer"),
        ("R1=1.5", "give a register and an integer"),
        ("=1", "no register ''"),
        ("R1=2147483648", "R1 cannot hold 2147483648"),
        ("r0=1", "R0 is set twice"),
    ],
)
def test_settings_that_are_not_understood(setting: str, message: str) -> None:
    """Exit code 2; the option is shown as it was given, and nothing is run."""
    result = run("run", "-", "--reference", "--set", "R0=0", "--set", setting, stdin="halt")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert message in result.stderr


def test_sets_of_other_people() -> None:
    """One that says what its operations do is run; one that does not is code 3, with its name."""
    lamps = ["--isa", SCAFFOLD.source, "--reference"]
    (end,) = rows(run("run", "-", *lamps, "--set", "entrance=7", stdin="on porch").stdout)
    assert end["registers"] == {"hall": 7, "kitchen": 0, "porch": 100}
    result = run("run", "-", "--isa", ZETA.source, "--reference", stdin="beep")
    assert (result.stdout, result.exit_code) == ("", 3)
    assert "the set 'zeta' does not say what its operations do" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["/no/such/file.s"],
        ["--max-cycles", "0", "-"],
        ["--reference", "--dialect", "lenient", "-"],
        ["--reference", "--min-confidence", "0.5", "-"],
        ["--reference", "--isa", "nothing", "-"],
    ],
    ids=str,
)
def test_usage(arguments: list[str]) -> None:
    """What is not understood is code 2, and prints no result."""
    result = run("run", *arguments, stdin="halt")
    assert (result.stdout, result.exit_code) == ("", 2)


def test_results_go_to_a_file(tmp_path: Path) -> None:
    """``--output`` takes what standard output would get; without a result it keeps what it has."""
    output = tmp_path / "end.json"
    output.write_text("before", "utf-8")
    chosen = ["--reference", "--output", str(output)]
    assert run("run", "-", *chosen, stdin="jmp 5").exit_code == 1
    assert output.read_text("utf-8") == "before"
    result = run("run", "-", *chosen, stdin="halt")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert json.loads(output.read_text("utf-8"))["cycles"] == 1


def test_options_reach_the_decoder(oracle: Oracle) -> None:
    """Dialect and constraint are loaded with the model; the threshold goes with the lines."""
    loaded: list[Any] = []

    def load(path: Path | None, **options: Any) -> Oracle:
        loaded.append((options["dialect"], options["constraint"], options["backend"]))
        return oracle

    chosen = ["--dialect", "lenient", "--constraint", "schema", "--backend", "openvino"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Decoder, "from_pretrained", load)
        result = run("run", "-", *chosen, "--min-confidence", "0.25", stdin="halt")
    assert result.exit_code == 0
    assert loaded == [("lenient", "schema", "openvino")]
    assert oracle.calls == [{"min_confidence": 0.25}]


def test_the_limit_is_the_machine_s() -> None:
    """The option's default is written twice, because help loads no machine."""
    assert inspect.signature(run_command.run).parameters["max_cycles"].default == MAX_CYCLES
