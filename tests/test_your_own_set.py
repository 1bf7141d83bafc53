"""The tutorial is true: its commands, read out of the page, go from nothing to an answer."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kvrm_grammar.cli.app import app
from kvrm_grammar.isa import load_set
from kvrm_grammar.weights.manifest import read_manifest

PAGE = Path(__file__).parents[1] / "docs" / "your-own-set.md"
COMMANDS = [
    line.removeprefix("kvrm-grammar ")
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
]


def run(command: str, *more: str) -> Result:
    """Run one of the page's commands, as a shell would take it apart."""
    return CliRunner().invoke(app, [*shlex.split(command, comments=False), *more])


def changed_copy(folder: str, file: str, old: str, new: str) -> None:
    """A copy of ./lamp with one change: from one folder a set is loaded once."""
    shutil.copytree("lamp", folder)
    path = Path(folder) / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_page_has_its_commands() -> None:
    """One for each step, in their order."""
    assert [re.match(r"(isa \w+|\w+)", command)[0] for command in COMMANDS] == [  # type: ignore[index]
        *("isa new", "isa check", "parse", "isa sample"),
        *("isa train", "isa evaluate", "decode"),
    ]


@pytest.mark.usefixtures("cache_folder")
def test_the_tutorial_works(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command ends well in an empty folder; training is on a tiny model and a few texts."""
    monkeypatch.chdir(tmp_path)
    new, check, parse, sample, train, evaluate, decode = COMMANDS
    assert run(new).exit_code == 0
    checked = run(check)
    assert (checked.exit_code, "problem" in checked.output) == (0, False)
    assert "OP_DIM" in checked.stdout
    parsed = [json.loads(line) for line in run(parse).stdout.splitlines()]
    assert [row["params"]["level"] for row in parsed] == [0, 40]
    drawn = [json.loads(line) for line in run(sample).stdout.splitlines()]
    assert len(drawn) == 5
    # What the page prints takes minutes with the real model: a later option replaces an earlier.
    base = ("--base", str(tiny_base))
    trained = run(train, "--count", "120", "--max-samples", "32", *base)
    assert trained.exit_code == 0, trained.output
    assert json.loads(trained.stdout) == {"adapter": "lamp-adapter"}
    manifest, lamp = read_manifest("lamp-adapter"), load_set("./lamp")
    assert manifest is not None
    assert (manifest.set, manifest.set_digest) == ("lamp", lamp.digest)
    evaluated = run(evaluate, "--count", "20", *base)
    assert evaluated.exit_code == 0, evaluated.output
    assert json.loads(evaluated.stdout)["validity"] == 1.0
    decoded = run(decode, *base)
    assert decoded.exit_code in (0, 1), decoded.output  # the tiny model knows nothing
    answers = [json.loads(line) for line in decoded.stdout.splitlines()]
    assert len(answers) == 3
    for answer in answers:
        assert lamp.parse_json(json.dumps(answer))
    _changed_sets_are_told(decode, base)


def _changed_sets_are_told(decode: str, base: tuple[str, str]) -> None:
    """An adapter of another version of the set is refused, with both digests."""
    changed_copy("changed/lamp", "isa.toml", 'prompt = "lamps"', 'prompt = "light"')
    refused = run(decode, *base, "--isa", "./changed/lamp")
    assert refused.exit_code == 3
    assert "another version of the instruction set 'lamp'" in refused.output


@pytest.mark.parametrize("command", ["check ./nowhere", "sample ./nowhere", "check nothing"])
def test_sets_that_are_not_there(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says what is missing."""
    monkeypatch.chdir(tmp_path)
    result = run(f"isa {command}")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "message"), [("Lamp", "cannot be the name"), ("full", "not empty")]
)
def test_folders_that_cannot_be_a_new_set(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong name or a folder with something in it is left as it is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("mine")
    result = run(f"isa new {name}")
    assert (result.exit_code, message in result.stderr) == (2, True)
    assert (tmp_path / "full" / "kept").read_text() == "mine"


def test_a_disagreement_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1: for a wrong case, and for a name that one side lacks."""
    monkeypatch.chdir(tmp_path)
    assert run("isa new lamp").exit_code == 0
    changed_copy("wrong/lamp", "cases.jsonl", '"level": 40', '"level": 41')
    result = run("isa check ./wrong/lamp --json")
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["problems"]) == 1
    assert "dim kitchen, 40" in result.stderr
    changed_copy("fewer/lamp", "operations.py", ', "porch"', "")
    result = run("isa check ./fewer/lamp")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "register porch is in the grammar only" in result.stderr
