"""cli/export.py: one file, and nothing besides."""

import json
import shutil
from pathlib import Path

import gguf
import pytest

from kvrm_grammar.isa import load_set
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.language.formats import gbnf, json_schema
from kvrm_grammar.weights.manifest import Manifest, write_manifest
from tests.cli.running import run
from tests.sets import SCAFFOLD

ISA = ["--isa", SCAFFOLD.source]


@pytest.mark.parametrize("isa", [None, SCAFFOLD])
def test_the_text_is_all_of_standard_output(isa: object) -> None:
    """The expression, the grammar and the schema, of the packaged set or of one's own."""
    options, own = ([], load_set()) if isa is None else (ISA, SCAFFOLD)
    expression = run("export", "--regex", *options)
    assert expression.stdout == build_constraint(own).regex + "\n"
    assert run("export", "--gbnf", *options).stdout == gbnf(own)
    schema = run("export", "--json-schema", *options)
    assert json.loads(schema.stdout) == json_schema(own)
    assert (schema.exit_code, schema.stderr) == (0, "")


def test_a_file_is_written_instead(tmp_path: Path) -> None:
    """The same text, in a file, and nothing on standard output."""
    result = run("export", "--gbnf", *ISA, "--output", str(tmp_path / "lamp.gbnf"))
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "lamp.gbnf").read_text() == gbnf(SCAFFOLD)


def test_the_set_is_the_adapters(tiny_adapter: Path, tmp_path: Path) -> None:
    """An adapter names its set; one of another set is refused."""
    adapter = Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))
    write_manifest(adapter, Manifest("rv32im", load_set("rv32im").digest, "strict", 1))
    found = run("export", "--gbnf", "--adapter", str(adapter))
    assert found.stdout == gbnf(load_set("rv32im"))
    other = run("export", "--gbnf", "--adapter", str(adapter), "--isa", "kvrm")
    assert other.exit_code == 3 and "was trained for the instruction set 'rv32im'" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give one of --regex"),
        (["--regex", "--gbnf"], "give one of --regex"),
        (["--gguf-lora"], "--output"),
        (["--gbnf", "--base", "x"], "--base and --dialect are for --gguf-lora"),
        (["--regex", "--dialect", "lenient"], "--base and --dialect are for --gguf-lora"),
        (["--regex", "--isa", "nothing"], "no instruction set 'nothing'"),
    ],
)
def test_usage_is_checked(arguments: list[str], message: str) -> None:
    """What cannot be meant is exit code 2, one line, and no result."""
    result = run("export", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr and result.stderr.count("\n") == 1


def test_the_adapters_file(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    """The tensors of the adapter, for the base that it records or that is named."""
    target = tmp_path / "lora.gguf"
    result = run("export", "--gguf-lora", "--adapter", str(tiny_adapter), "--output", str(target))
    assert (result.exit_code, result.output) == (0, "")
    assert len(gguf.GGUFReader(target).tensors) == 28
    nowhere = ["--base", str(tmp_path / "nothing")]
    adapter = ["--adapter", str(tiny_adapter), "--output", str(target)]
    missing = run("export", "--gguf-lora", *adapter, *nowhere)
    assert missing.exit_code == 3 and "no base model folder" in missing.stderr


def test_a_place_that_cannot_be_written_is_named(tiny_adapter: Path, tmp_path: Path) -> None:
    """Exit code 2 and the file's name, for either kind of file."""
    target = tmp_path / "nowhere" / "file"
    for kind in ("--gguf-lora", "--regex"):
        result = run("export", kind, "--adapter", str(tiny_adapter), "--output", str(target))
        assert result.exit_code == 2 and f"{target} cannot be written" in result.stderr
