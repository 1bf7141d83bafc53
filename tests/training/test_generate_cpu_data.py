"""The command that writes training data: the same arguments, the same bytes."""

import json
from pathlib import Path

import pytest

from training import generate_cpu_data
from training.data.files import file_digest
from training.defaults import TRAINING_COUNT, TRAINING_DATA

ROOT = Path(__file__).resolve().parents[2]


def test_the_command_writes_the_same_bytes_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Same count and seed, same file; the digest printed is the file's; kinds go to stderr."""
    files = [tmp_path / "new" / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "c.jsonl"]
    for file, seed in zip(files, ("1", "1", "2"), strict=True):
        arguments = ["--output", str(file), "--count", "80", "--seed", seed]
        assert generate_cpu_data.main(arguments) == 0
        printed = capsys.readouterr()
        assert printed.out == (f"{file}: 80 examples, seed {seed}, sha256 {file_digest(file)}\n")
        assert "refusal" in printed.err
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].read_bytes() != files[2].read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--count", "0"], ["--count", "-1"], ["--refusals", "1.5"], ["--refusals", "-0.1"]),
        *(["--pairs", "-0.1"], ["--pairs", "1.01"], ["--pairs", "nan"], ["--no"]),
    ],
    ids=str,
)
def test_the_command_checks_its_arguments(arguments: list[str], tmp_path: Path) -> None:
    """Numbers out of range are usage errors, and nothing is written."""
    file = tmp_path / "data.jsonl"
    with pytest.raises(SystemExit) as caught:
        generate_cpu_data.main(["--output", str(file), *arguments])
    assert caught.value.code == 2
    assert not file.exists()


def test_the_defaults_are_those_of_the_report() -> None:
    """Fifty thousand pairs in data/cpu_decode_train.jsonl."""
    assert TRAINING_COUNT == 50_000
    assert Path("data/cpu_decode_train.jsonl") == TRAINING_DATA["strict"]
    assert generate_cpu_data.build_parser().parse_args([]).count == TRAINING_COUNT


@pytest.mark.slow
def test_the_shipped_adapters_data_can_be_made_again(tmp_path: Path) -> None:
    """The defaults still give the very bytes that the shipped adapter was trained on."""
    record = ROOT / "models" / "decode_llm" / "training.json"
    file = tmp_path / "data.jsonl"
    assert generate_cpu_data.main(["--output", str(file)]) == 0
    assert file_digest(file) == json.loads(record.read_text("utf-8"))["data_sha256"]
