"""The commands ``isa …``: what each says, from any folder, and what each says where it cannot."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.cli.isa import evaluate as evaluate_command
from kvrm_grammar.cli.isa import makers
from kvrm_grammar.isa import load_set, operation_to_json, packaged_sets
from kvrm_grammar.isa.cases import read_cases
from kvrm_grammar.oracle.reference import explain
from kvrm_grammar.resources import resource_path
from tests.cli.running import ROOT, rows, run
from tests.sets import SCAFFOLD, ZETA

PACKAGE = ROOT / "kvrm_grammar"


@pytest.fixture
def lamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new set, and ``/`` as the current directory."""
    assert run("isa", "new", str(tmp_path / "lamps")).exit_code == 0
    monkeypatch.chdir("/")
    return tmp_path / "lamps"


def test_a_new_set_works_as_it_is(lamps: Path) -> None:
    """Its files are the scaffold's, its name the folder's; its cases hold, valid and refused."""
    names = {path.name for path in resource_path("grammars/scaffold").iterdir() if path.is_file()}
    assert {path.name for path in lamps.iterdir() if path.is_file()} == names
    assert names == {
        "README.md", "cases.jsonl", "grammar.lark", "isa.toml", "operations.py", "semantics.py",
    }  # fmt: skip
    isa = load_set(lamps)
    assert (isa.name, len(isa.opcodes)) == ("lamps", 3)
    answers = [case["answer"]["key"] for case in read_cases(isa)]
    assert {*answers} == {*isa.keys}


def test_the_scaffold_is_no_set_of_the_package(lamps: Path) -> None:
    """Nobody can load it by its name, in the folder of all sets or elsewhere."""
    assert "scaffold" not in packaged_sets()
    result = run("isa", "check", "scaffold")
    assert (result.exit_code, "no instruction set 'scaffold'" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Lamps", "cannot be the name of a set"),
        ("1lamp", "cannot be the name of a set"),
        ("my-lamps", "cannot be the name of a set"),
        ("class", "cannot be the name of a set"),
        ("kvrm", "is the name of a set that comes with the package"),
        ("file", "File exists"),
        ("full", "is not empty"),
        ("file/lamps", "Not a directory"),
    ],
)
def test_folders_that_cannot_be_a_set(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, exit code 2, and what is there stays as it was."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    result = run("isa", "new", str(tmp_path / name))
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_folder_may_be_there_and_be_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``isa new .`` takes the folder's own name."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert run("isa", "new", ".").exit_code == 0
    assert load_set(tmp_path / "here").name == "here"


@pytest.mark.parametrize("source", ["kvrm", SCAFFOLD.source, ZETA.source], ids=["kvrm", "s", "z"])
def test_sets_of_ours_are_checked(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 0, nothing on standard error, and each line says proved or probed."""
    monkeypatch.chdir("/")
    result = run("isa", "check", source)
    assert (result.exit_code, result.stderr) == (0, "")
    isa = load_set(source)
    for opcode in isa.opcodes:
        assert f"{opcode.key} " in result.stdout
    assert "automaton" in result.stdout and "longest answer" in result.stdout
    told = [line.split()[0] for line in result.stdout.splitlines()]
    assert told.count("proved") >= 5 and told.count("probed") >= 3
    facts = json.loads(run("isa", "check", source, "--json").stdout)
    assert (facts["name"], facts["digest"], facts["problems"]) == (isa.name, isa.digest, [])
    assert facts["opcodes"] == {o.key: list(o.mnemonics) for o in isa.opcodes}
    assert facts["states"] > 100 and facts["longest_answer_bytes"] > 50


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("grammar.lark", "op_dim: DIM", "op_dim: dim", "not a usable grammar"),
        ("isa.toml", "[comments]", "[comment]", "'comment' means nothing"),
        ("isa.toml", "name =", "name", "is not TOML"),
        ("operations.py", "import Path", "import Road", "cannot be imported"),
        ("operations.py", "Operation = ", "Operations = ", "defines no Operation"),
        ("operations.py", "le=100", "le=100.5", "must be coercible to an integer"),
        ("operations.py", ", le=100", "", "OP_DIM.level must be"),
        ("cases.jsonl", '{"text": ""', '{"texts": ""', "cases.jsonl, line 10: a case has"),
        ("cases.jsonl", '{"text": ""', '{"text": 7', "cases.jsonl, line 10: text must be"),
        ("cases.jsonl", '{"text": ""', '{"text": "', "cases.jsonl, line 10: "),
    ],
)
def test_a_broken_set_is_one_line(
    file: str, old: str, new: str, message: str, as_json: bool, lamps: Path
) -> None:
    """It names what is wrong where; exit code 1; for programs the same as JSON."""
    text = (lamps / file).read_text("utf-8")
    assert old in text
    (lamps / file).write_text(text.replace(old, new), "utf-8")
    result = run("isa", "check", str(lamps), *(["--json"] if as_json else []))
    assert result.exit_code == 1
    assert message in result.stderr and result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
    (problem,) = json.loads(result.stdout)["problems"] if as_json else [message]
    assert message in problem


@pytest.mark.parametrize("command", ["check", "sample", "train", "evaluate"])
@pytest.mark.parametrize("source", ["./nowhere", "nowhere"])
def test_a_set_that_is_not_there_is_one_line(
    command: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, before anything is written."""
    monkeypatch.chdir(tmp_path)
    more = {"train": ["--output", "a"], "evaluate": ["--adapter", "a"]}.get(command, [])
    result = run("isa", command, source, *more)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert "nowhere" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_samples_are_what_the_set_says(lamps: Path, tmp_path: Path) -> None:
    """The same seed, the same lines; each answer is the parser's; the share of refusals counts."""
    command = ["isa", "sample", str(lamps), "--count", "60", "--seed", "4"]
    result = run(*command)
    assert (result.exit_code, result.stderr) == (0, "")
    drawn, isa = rows(result.stdout), load_set(lamps)
    assert len(drawn) == 60
    for row in drawn:
        assert json.loads(operation_to_json(explain(row["text"], isa).operation)) == row["answer"]
    assert {row["answer"]["key"] for row in drawn} == {*isa.keys}
    file = tmp_path / "lines.jsonl"
    file.write_text("a line of before\n")
    assert run(*command, "--output", str(file)).exit_code == 0
    assert file.read_text("utf-8") == result.stdout
    valid = rows(run(*command, "--refusals", "0").stdout)
    assert all(row["answer"]["key"] != isa.invalid.key for row in valid)


def test_samples_of_the_test_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set with brackets, aliases and implied values has makers too."""
    monkeypatch.chdir("/")
    drawn = rows(run("isa", "sample", ZETA.source, "--count", "300").stdout)
    assert {row["answer"]["key"] for row in drawn} == {*ZETA.keys}


def test_training_needs_the_source_checkout(lamps: Path, tmp_path: Path) -> None:
    """Where ``training`` is not to be found, one line says so and the exit code is 3."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "kvrm_grammar").symlink_to(PACKAGE)
    # An installed checkout would be found by its import hook: the search ends at this folder.
    code = (
        "import sys; from kvrm_grammar.cli import main\n"
        "sys.path = [p for p in sys.path if not __import__('os').path.isdir(p + '/training')]\n"
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        "main()"
    )
    for command in (
        ["sample", str(lamps)],
        ["train", str(lamps), "--output", str(tmp_path / "a")],
        ["evaluate", str(lamps), "--adapter", str(tmp_path / "a")],
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, "isa", *command], capture_output=True, text=True,
            check=False, cwd="/", env={**os.environ, "PYTHONPATH": str(site)},
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (3, ""), done.stderr
        assert done.stderr.startswith("error: this command needs the folder training/")
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "a-training").exists()


def test_a_package_that_training_needs_is_named(
    lamps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it is missing is not taken for a missing ``training``."""

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name="accelerate")

    monkeypatch.setattr(makers, "import_module", missing)
    result = run("isa", "sample", str(lamps))
    assert result.exit_code == 3
    assert "a package is missing: accelerate" in result.stderr


def test_only_the_makers_name_training() -> None:
    """No other module of the package reaches for it, by whatever way."""
    naming = {path for path in PACKAGE.rglob("*.py") if "import_module" in path.read_text("utf-8")}
    own = {path.relative_to(PACKAGE).as_posix() for path in naming}
    assert "cli/isa/makers.py" in own
    assert own <= {"cli/isa/makers.py", "isa/loading.py", "__init__.py"}


def test_options_reach_the_training(lamps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are drawn as asked, then trained on; with ``--data`` nothing is drawn."""
    asked: list[tuple[str, list[str]]] = []

    class Module:
        def __init__(self, name: str) -> None:
            self.name = name

        def main(self, arguments: list[str]) -> int:
            asked.append((self.name, arguments))
            return 0

    monkeypatch.setattr(makers, "import_module", Module)
    options = ["--preset", "report", "--epochs", "2", "--threads", "1", "--resume"]
    command = ["isa", "train", str(lamps), "--output", "/runs/lamps"]
    result = run(*command, "--count", "7", "--refusals", "0.5", "--seed", "3", *options)
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"adapter": "/runs/lamps"})
    (first, drawing), (second, training) = asked
    assert (first, second) == ("training.generate_cpu_data", "training.train_decode")
    isa, data = ["--isa", f"{lamps}/"], "/runs/lamps-training/data.jsonl"
    drawn = ["--count", "7", "--refusals", "0.5", "--seed", "3"]
    assert drawing == [*isa, "--output", data, *drawn]
    fixed = ["--data", data, "--output", "/runs/lamps", "--seed", "3"]
    given = ["--preset", "report", "--epochs", "2.0", "--threads", "1", "--resume"]
    assert training == [*isa, *fixed, "--checkpoints", "/runs/lamps-training", *given]
    asked.clear()
    assert run(*command, "--data", "mine.jsonl").exit_code == 0
    ((only, training),) = asked
    assert only == "training.train_decode"
    assert training[training.index("--data") + 1] == "mine.jsonl"


@pytest.mark.parametrize("code", [1, 2])
def test_a_failed_training_fails_the_command(
    code: int, lamps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exit code is the command's, and no adapter is announced."""

    class Module:
        def __init__(self, name: str) -> None: ...

        def main(self, arguments: list[str]) -> int:
            if code == 2:
                raise SystemExit(2)
            return code

    monkeypatch.setattr(makers, "import_module", Module)
    result = run("isa", "train", str(lamps), "--output", "/runs/lamps")
    assert (result.exit_code, result.stdout) == (code, "")


def test_an_adapter_is_not_examined_on_what_it_learned(lamps: Path, tmp_path: Path) -> None:
    """A seed of its training, or of one before that, is refused; others are not."""
    record = {"seed": 2, "previous": {"seed": 1, "previous": None}}
    (tmp_path / "training.json").write_text(json.dumps(record))
    assert evaluate_command._seeds(tmp_path) == {1, 2}
    for seed in ("1", "2"):
        result = run("isa", "evaluate", str(lamps), "--adapter", str(tmp_path), "--seed", seed)
        assert result.exit_code == 2
        assert f"--seed {seed} drew what" in result.stderr
    assert evaluate_command._seeds(tmp_path / "nowhere") == set()


def test_an_adapter_that_is_not_there_is_one_line(lamps: Path, tmp_path: Path) -> None:
    """Told by evaluation, with the folder's name, and exit code 1."""
    result = run("isa", "evaluate", str(lamps), "--adapter", str(tmp_path / "nowhere"))
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
    assert f"error: no adapter folder {tmp_path / 'nowhere'}" in result.stderr


@pytest.mark.parametrize("command", ["new", "check", "sample", "train", "evaluate"])
def test_help_says_what_it_is_for(command: str) -> None:
    """Each has help, and its exit codes are those of these commands."""
    result = run("isa", command, "--help")
    assert result.exit_code == 0
    assert "Exit codes: 0 done" in " ".join(result.stdout.split())
