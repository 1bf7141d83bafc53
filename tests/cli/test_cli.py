"""The command line: JSON alone on standard output, everything else on standard error."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner, Result

from kvrm_grammar.cli import app as cli
from kvrm_grammar.cli.app import app
from kvrm_grammar.decoding.decoded import CONSTRAINTS, Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS, find_dialect
from kvrm_grammar.errors import InputError
from kvrm_grammar.isa import load_set, operation_from_json, operation_to_json
from kvrm_grammar.lines import Line
from kvrm_grammar.oracle.reference import explain, parse
from kvrm_grammar.weights import packaged_base as base_module

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "kvrm_grammar"]
FIELDS = ["id", "ok", "key", "params", "error", "raw"]
MIXED = b"HALT\nsub r5 r3 r1\n\xff\xfe\nFOO R1\n" + b"x" * 1_000_000 + b"\na\x00b\n\nJMP loop"
MIXED_OK = [True, True, False, False, False, False, False, True]


class Oracle:
    """A decoder that never errs, in place of a model."""

    dialect = find_dialect("strict")

    def decode_many(
        self, texts: Iterable[str | Line], *, batch_size: int = 16, min_confidence: float = 0.0
    ) -> Iterator[Decoded]:
        for text in texts:
            line = text if isinstance(text, Line) else Line(text)
            try:
                yield Decoded(line.text, None if line.error else parse(line.text), line.error)
            except InputError as error:
                yield Decoded(line.text, None, error)


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that would load a model get one that never errs."""
    monkeypatch.setattr(Decoder, "from_pretrained", lambda *_, **__: Oracle())


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tiny_decoder: Decoder) -> None:
    """Commands that would load a model get the untrained one, already loaded."""
    monkeypatch.setattr(Decoder, "from_pretrained", lambda *_, **__: tiny_decoder)


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
    stdout, stderr = process.communicate(stdin, timeout=300)
    return stdout.decode("ascii"), stderr.decode(), process.returncode


# --- exit codes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["parse", "HALT"], 0),
        (["parse", "HALT", "NOP"], 0),
        (["parse", "FOO"], 1),
        (["parse", "HALT", "FOO", "NOP"], 1),
        (["parse", "--jsonl", "FOO"], 1),
        (["parse", ""], 1),
        (["parse", "x" * 257], 1),
        (["parse"], 2),
        (["parse", "--nothing", "HALT"], 2),
        (["decode"], 2),
        (["decode", "--batch-size", "0", "HALT"], 2),
        (["decode", "--batch-size", "x", "HALT"], 2),
        (["decode-program"], 2),
        (["decode-program", "/no/such/file.s"], 2),
        (["decode-program", "/"], 2),
        (["decode-program", "--reference", "--dialect", "lenient", "-"], 2),
        (["no-such-command"], 2),
        ([], 2),
        (["--help"], 0),
        (["-h"], 0),
        (["decode", "--help"], 0),
    ],
    ids=str,
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    """0: all decoded. 1: some refused or failed. 2: the command was not understood."""
    assert run(*arguments).exit_code == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["parse"], "give at least one instruction"),
        (["decode"], "give at least one instruction"),
        (["decode-program", "/no/such/file.s"], "/no/such/file.s: No such file or directory"),
        (["decode-program", "/"], "/: Is a directory"),
        (["decode-program", "--reference", "--dialect", "lenient", "-"], "no parser reads"),
        (["parse", "--nothing"], "No such option"),
        (["decode", "--batch-size", "0", "HALT"], "--batch-size"),
    ],
    ids=str,
)
def test_usage_errors_are_told_on_standard_error(arguments: list[str], message: str) -> None:
    """A command that was not understood prints no result, and says what is wrong."""
    result = run(*arguments)
    assert result.stdout == ""
    assert message in result.stderr


def test_help_names_the_defaults() -> None:
    """What an option does when it is left out is said, and not lost as markup."""
    text = " ".join(run("decode", "--help").stdout.replace("│", "").split())
    assert "(default: the packaged one)" in text
    assert "(default: the adapter's)" in text
    assert "(default: 16, and 1 where a person types)" in text


def test_help_names_every_command() -> None:
    """The overview has each command with a sentence."""
    text = run("--help").stdout
    for name in ("decode", "decode-program", "parse", "info", "setup"):
        assert f" {name} " in text


# --- parse -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["HALT", "sub r5 r3 r1", "MOV R1, -0x10", "JMP Loop", "NOP ; x", "a: inc r1 // y"]
)
def test_parse_prints_canonical_json(text: str) -> None:
    """One line: exactly the canonical JSON of the operation, and nothing on standard error."""
    result = run("parse", text)
    assert (result.stdout, result.stderr) == (operation_to_json(parse(text)) + "\n", "")


@pytest.mark.parametrize(
    "text", ["FOO R1", "ADD R1, R2", "", "HALT\nHALT", "caf\u00e9", "a\x1b[2J"]
)
def test_refusals_are_explained_on_standard_error(text: str) -> None:
    """A refused line is ``OP_INVALID`` on standard output; its number and reason go beside it."""
    result = run("parse", "HALT", text)
    assert rows(result.stdout)[1] == {"key": "OP_INVALID", "params": {}}
    assert result.stderr == f"input 2: {explain(text).reason}\n"


def test_jsonl_adds_fields() -> None:
    """With ``--jsonl`` each line has id, ok, key, params, error and raw, and says it all."""
    result = run("parse", "--jsonl", "MOV R1, 5 ; five", "FOO", "x" * 257)
    assert result.stderr == ""
    first, second, third = rows(result.stdout)
    assert [list(row) for row in (first, second, third)] == [FIELDS] * 3
    assert first == {
        "id": 1,
        "ok": True,
        "key": "OP_MOV_REG_IMM",
        "params": {"dest": "R1", "value": 5},
        "error": None,
        "raw": "MOV R1, 5 ; five",
    }
    assert (second["id"], second["ok"], second["key"]) == (2, False, "OP_INVALID")
    assert (second["params"], second["error"]) == ({}, "FOO is not a mnemonic")
    assert (third["id"], third["ok"], third["key"], third["params"]) == (3, False, None, None)
    assert third["error"].startswith("line has 257 characters")
    assert third["raw"] == "x" * 257


def test_without_jsonl_an_unreadable_line_is_an_error_object() -> None:
    """A line that never was an instruction has no key, only an error."""
    result = run("parse", "x" * 257, "HALT")
    error, halt = rows(result.stdout)
    assert list(error) == ["error"]
    assert halt == {"key": "OP_HALT", "params": {}}
    assert result.stderr == f"input 1: {error['error']}\n"


def test_order_is_kept() -> None:
    """As many lines come out as went in, in their order."""
    texts = [f"MOV R{number % 8}, {number}" if number % 3 else "FOO" for number in range(200)]
    result = run("parse", "--jsonl", "-", stdin="\n".join(texts))
    assert [row["id"] for row in rows(result.stdout)] == list(range(1, 201))
    assert [row["raw"] for row in rows(result.stdout)] == texts


@pytest.mark.parametrize("command", ["parse", "decode"])
@pytest.mark.usefixtures("oracle")
def test_a_bad_line_does_not_stop_the_rest(command: str) -> None:
    """Not UTF-8, a megabyte, a NUL, an empty line: each is reported, and the rest decoded."""
    result = run(command, "--jsonl", "-", stdin=MIXED)
    found = rows(result.stdout)
    assert [row["ok"] for row in found] == MIXED_OK
    assert result.exit_code == 1
    assert [row["id"] for row in found] == list(range(1, 9))
    errors = [row["error"] for row in found]
    assert errors[2] == "not UTF-8: byte 0xff at position 0"
    assert found[2]["raw"] == r"\xff\xfe"
    assert "1000000 characters, at most 256" in errors[4]
    assert len(found[4]["raw"]) == 1_000_000
    assert errors[5] == "character U+0000 is not allowed"
    assert errors[6] == "empty instruction"
    assert result.stderr == ""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(end: str, last: bool) -> None:
    """LF, CR LF and CR end lines, with or without one at the end of the input."""
    result = run("parse", "-", stdin=end.join(["HALT", "NOP", "INC R1"]) + end * last)
    assert [row["key"] for row in rows(result.stdout)] == ["OP_HALT", "OP_NOP", "OP_INC"]
    assert result.exit_code == 0


@pytest.mark.parametrize("command", ["parse", "decode"])
@pytest.mark.usefixtures("oracle")
def test_empty_input(command: str) -> None:
    """No lines, no results, and nothing went wrong."""
    result = run(command, "-", stdin=b"")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "", 0)


def test_a_dash_among_others_is_an_instruction() -> None:
    """Only ``-`` alone means standard input; after ``--`` a text may start with a dash."""
    result = run("parse", "--jsonl", "--", "HALT", "-", "--x", stdin="NOP\n")
    assert [row["raw"] for row in rows(result.stdout)] == ["HALT", "-", "--x"]


@pytest.mark.parametrize(("argument", "raw"), [("\udcff", r"\xff"), ("mov \udce9", r"mov \xe9")])
def test_an_argument_that_is_not_utf8(argument: str, raw: str) -> None:
    """Bytes that are not text are an error of that argument alone."""
    bad, good = rows(run("parse", "--jsonl", argument, "HALT").stdout)
    assert (bad["ok"], bad["raw"]) == (False, raw)
    assert bad["error"].startswith("not UTF-8")
    assert good["ok"]


# --- decode ------------------------------------------------------------------------------


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("batch_size", ["1", "3", "16"])
def test_an_untrained_model_prints_valid_operations(batch_size: str) -> None:
    """Whatever comes in, every answered line is a valid operation in canonical JSON."""
    result = run("decode", "--batch-size", batch_size, "-", stdin=MIXED)
    found = rows(result.stdout)
    assert [list(row) for row in found].count(["error"]) == 2  # not UTF-8, and too long
    keys = {str(model.model_fields["key"].annotation.__args__[0]) for model in load_set().models}
    for line, row in zip(result.stdout.splitlines(), found, strict=True):
        if "error" not in row:
            assert operation_to_json(operation_from_json(line)) == line
            assert row["key"] in keys
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("tiny")
def test_the_exit_code_says_whether_all_is_well() -> None:
    """0 if and only if every row is ok; a row is ok if and only if it is an instruction."""
    for texts in (["HALT"], ["sub r5 r3 r1", "jmp a"], ["?"]):
        result = run("decode", "--jsonl", *texts)
        found = rows(result.stdout)
        assert [list(row) for row in found] == [FIELDS] * len(texts)
        assert [row["ok"] for row in found] == [row["key"] != "OP_INVALID" for row in found]
        assert result.exit_code == (0 if all(row["ok"] for row in found) else 1)


@pytest.mark.usefixtures("oracle")
def test_decode_explains_refusals_like_parse() -> None:
    """What the model refuses is explained by the reference; the two commands look the same."""
    texts = ["HALT", "ADD R1, R2", "JMP R3", "x" * 257]
    for options in ([], ["--jsonl"]):
        decoded, parsed = (run(name, *options, *texts) for name in ("decode", "parse"))
        assert decoded.stdout == parsed.stdout
        assert decoded.stderr == parsed.stderr
        assert decoded.exit_code == parsed.exit_code == 1


def test_options_reach_the_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapter, base, constraint, dialect and the others are handed on, or the usual ones."""
    calls: list[Any] = []

    class Recorder(Oracle):
        def decode_many(
            self, texts: Any, *, batch_size: int = 16, min_confidence: float = 0.0
        ) -> Iterator[Decoded]:
            calls.append((batch_size, min_confidence))
            return super().decode_many(texts)

    def load(path: Path | None, **options: Any) -> Recorder:
        calls.append((path, options["base"], options["constraint"], options["dialect"]))
        return Recorder()

    monkeypatch.setattr(Decoder, "from_pretrained", load)
    options = ["--base", "a/b", "--batch-size", "3", "--constraint", "schema"]
    options += ["--dialect", "lenient", "--min-confidence", "0.9"]
    run("decode", "--adapter", "some/folder", *options, "HALT")
    run("decode", "HALT")
    usual = (None, None, "grounded", "strict")
    named = (Path("some/folder"), "a/b", "schema", "lenient")
    assert calls == [named, (3, 0.9), usual, (16, 0.0)]
    for wrong in (["--constraint", "none"], ["--dialect", "casual"], ["--min-confidence", "2"]):
        assert run("decode", *wrong, "HALT").exit_code == 2
    assert get_args(get_args(cli.DialectOption)[0]) == tuple(DIALECTS)
    assert get_args(get_args(cli.ConstraintOption)[0]) == CONSTRAINTS


def test_a_person_who_types_is_answered_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a terminal one line at a time, from a file or a pipe in batches."""
    sizes: list[int] = []

    class Recorder(Oracle):
        def decode_many(
            self, texts: Any, *, batch_size: int = 16, min_confidence: float = 0.0
        ) -> Iterator[Decoded]:
            sizes.append(batch_size)
            return super().decode_many(texts)

    monkeypatch.setattr(Decoder, "from_pretrained", lambda *_, **__: Recorder())
    for terminal in (True, False):
        monkeypatch.setattr(cli, "_a_person_types", lambda terminal=terminal: terminal)
        run("decode", "-", stdin="HALT\n")
    assert sizes == [1, 16]


@pytest.mark.usefixtures("tiny")
def test_confidence_is_added_on_request() -> None:
    """A probability for each answer, none for a line without one, with or without --jsonl."""
    texts = ["HALT", "x" * 257]
    plain = rows(run("decode", "--confidence", *texts).stdout)
    assert list(plain[0]) == ["key", "params", "confidence"]
    assert list(plain[1]) == ["error"]
    told = rows(run("decode", "--confidence", "--jsonl", *texts).stdout)
    assert [list(row) for row in told] == [[*FIELDS, "confidence"]] * 2
    assert 0 < told[0]["confidence"] <= 1
    assert told[0]["confidence"] == pytest.approx(plain[0]["confidence"])
    assert told[1]["confidence"] is None


@pytest.mark.usefixtures("tiny")
def test_what_is_uncertain_is_refused() -> None:
    """An untrained model is sure of nothing: exit code 1, and the reason."""
    told = run("decode", "--min-confidence", "1", "--jsonl", "sub r5 r3 r1")
    (row,) = rows(told.stdout)
    assert row["key"] == "OP_INVALID"
    assert row["error"] in ("uncertain", "the model did not recognise this instruction")
    assert told.exit_code == 1


# --- models that cannot be used ----------------------------------------------------------


def _truncated(adapter: Path, tmp_path: Path) -> list[str]:
    folder = Path(shutil.copytree(adapter, tmp_path / "damaged"))
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    return ["--adapter", str(folder)]


def _broken_config(adapter: Path, tmp_path: Path) -> list[str]:
    folder = Path(shutil.copytree(adapter, tmp_path / "broken"))
    (folder / "adapter_config.json").write_text("{")
    return ["--adapter", str(folder)]


UNUSABLE: dict[str, tuple[Callable[[Path, Path], list[str]], str]] = {
    "missing": (lambda a, t: ["--adapter", str(t / "nowhere")], "no adapter folder"),
    "a file": (lambda a, t: ["--adapter", str(a / "adapter_config.json")], "no adapter folder"),
    "truncated": (_truncated, "is damaged"),
    "broken config": (_broken_config, "is not valid JSON"),
    "no base": (
        lambda a, t: ["--adapter", str(a), "--base", str(t / "no")],
        "no base model folder",
    ),
}


@pytest.mark.parametrize("command", ["decode", "decode-program"])
@pytest.mark.parametrize(("prepare", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_models(
    command: str,
    prepare: Callable[[Path, Path], list[str]],
    message: str,
    tiny_adapter: Path,
    tmp_path: Path,
    cache_folder: Path,
) -> None:
    """A model that cannot be used is one clear line on standard error and exit code 1."""
    result = run(command, *prepare(tiny_adapter, tmp_path), "-", stdin="HALT\n")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_adapter_of_another_base(
    tiny_adapter: Path, make_base: Callable[..., Path], cache_folder: Path
) -> None:
    """A base of another shape does not fit, and both are named."""
    other = make_base(layers=1)
    result = run("decode", "--adapter", str(tiny_adapter), "--base", str(other), "HALT")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert "does not fit base" in result.stderr
    assert str(other) in result.stderr and str(tiny_adapter) in result.stderr


@pytest.fixture
def blocked_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that cannot be: its name is taken by a file."""
    file = tmp_path / "not-a-folder"
    file.write_text("")
    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", str(file))
    return file


def test_a_blocked_cache_costs_a_warning(tiny_adapter: Path, blocked_cache: Path) -> None:
    """Without a cache the index is compiled each time; the answer is there all the same."""
    with pytest.warns(RuntimeWarning, match=r"cannot (read|write).*not-a-folder") as caught:
        result = run("decode", "--adapter", str(tiny_adapter), "--jsonl", "HALT")
    (row,) = rows(result.stdout)
    assert row["key"].startswith("OP_")
    assert result.exit_code == (0 if row["ok"] else 1)
    assert any("cannot write to the cache folder" in str(one.message) for one in caught)
    assert blocked_cache.read_text() == ""


def test_setup_with_a_blocked_cache(blocked_cache: Path) -> None:
    """The base model needs the cache folder: setup says so, and which variable moves it."""
    result = run("setup")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert str(blocked_cache) in result.stderr
    assert "set KVRM_GRAMMAR_CACHE" in result.stderr


@pytest.mark.parametrize("verify", [True, False])
def test_setup_prepares_base_and_index(
    verify: bool,
    tiny_adapter: Path,
    tiny_base: Path,
    cache_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Setup builds the base, loads the adapter and leaves the index; results go nowhere."""
    asked: list[bool] = []

    def ensure(*, progress: bool, verify: bool) -> Path:
        asked.append(verify)
        return tiny_base

    monkeypatch.setattr(base_module, "ensure_packaged_base", ensure)
    result = run("setup", "--adapter", str(tiny_adapter), "--verify" if verify else "--no-verify")
    assert (result.stdout, result.exit_code, asked) == ("", 0, [verify])
    assert result.stderr == f"base model: {tiny_base}\nadapter and index: ready\n"
    assert list((cache_folder / "index").glob("*.entry"))


# --- decode-program ----------------------------------------------------------------------

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


# --- info --------------------------------------------------------------------------------


def test_info_as_json(tiny_adapter: Path, tiny_base: Path, cache_folder: Path) -> None:
    """Versions, adapter, base, constraint and cache, as one JSON object."""
    result = run("info", "--json", "--adapter", str(tiny_adapter))
    (facts,) = rows(result.stdout)
    assert result.exit_code == 0
    assert facts["adapter"] == str(tiny_adapter)
    assert facts["base"] == str(tiny_base)
    assert facts["cache"] == str(cache_folder)
    assert facts["base_ready"] is False
    assert facts["opcodes"] == len(load_set().models)
    assert len(facts["adapter_sha256"]) == len(facts["constraint_digest"]) == 64
    assert {"torch", "transformers", "outlines", "lark"} <= facts["packages"].keys()
    assert not cache_folder.exists()


def test_info_as_a_table(tiny_adapter: Path, cache_folder: Path) -> None:
    """The same facts for a person."""
    facts = json.loads(run("info", "--json", "--adapter", str(tiny_adapter)).stdout)
    text = run("info", "--adapter", str(tiny_adapter)).stdout
    assert facts["constraint_digest"] in text
    assert str(tiny_adapter) in text


@pytest.mark.parametrize("damage", ["missing", "broken config", "truncated"])
def test_info_of_what_is_not_there(
    damage: str, tiny_adapter: Path, tmp_path: Path, blocked_cache: Path
) -> None:
    """Info tells what it can of a missing or damaged model and a blocked cache."""
    options = UNUSABLE[damage][0](tiny_adapter, tmp_path)
    result = run("info", "--json", *options)
    (facts,) = rows(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (facts["base"] is None) == (damage != "truncated")
    assert (facts["adapter_sha256"] is None) == (damage == "missing")
    assert run("info", *options).exit_code == 0


# --- in a process of its own -------------------------------------------------------------


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
        "    ({'torch', 'transformers', 'peft'}, ['parse', 'HALT']),\n"
        "    ({'torch', 'transformers', 'peft'}, ['info', '--json']),\n"
        "):\n"
        "    run(*arguments)\n"
        "    print(arguments[0], sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == ""
    assert done.stdout == "--help []\ndecode []\nparse []\ninfo []\n"


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
    """Output that cannot be written is one line on standard error and exit code 1."""
    with Path("/dev/full").open("wb") as full, start("parse", "HALT", stdout=full) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b"error: input or output failed: No space left on device\n"
        assert process.wait(timeout=300) == 1


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
