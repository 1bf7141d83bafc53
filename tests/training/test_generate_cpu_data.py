"""The command that writes training data: the same arguments, the same bytes."""

from pathlib import Path

import pytest

from training import generate_cpu_data
from training.data.files import file_digest
from training.data.origin import origin_of
from training.defaults import TRAINING_COUNT, TRAINING_DATA
from training.provenance import current_commit


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
        *(["--only", "typo"], ["--dialect", "lenient", "--only", "typo", "nothing"]),
        *(["--general", "0.5"], ["--dialect", "lenient", "--general", "1.5"]),
        ["--dialect", "lenient", "--general", "0.5", "--without", "english"],
        ["--dialect", "lenient", "--general", "0.5", "--isa", "rv32im"],
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


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--refusals", "0.1", "--pairs", "0.9"],
        ["--dialect", "lenient", "--without", "english", "typo"],
        ["--dialect", "lenient", "--only", "typo", "other_operation", "typo"],
        ["--dialect", "lenient", "--only", "unnamed", "wrapped"],
        ["--dialect", "lenient", "--general", "0.9"],
        ["--isa", "rv32im", "--dialect", "lenient"],
        ["--isa", "rv32im", "--dialect", "lenient", "--only", "unnamed", "ambiguous"],
        ["--isa", "rv32im"],
    ],
    ids=" ".join,
)
def test_what_made_a_file_makes_it_again(options: list[str], tmp_path: Path) -> None:
    """The command beside a file names all that was chosen, and gives the same bytes."""
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    generate_cpu_data.main(["--output", str(first), "--count", "60", "--seed", "5", *options])
    origin = origin_of(first)
    assert origin is not None
    assert (origin["sha256"], origin["commit"]) == (file_digest(first), current_commit())
    words: list[str] = origin["command"].split()
    assert words[:3] == ["python", "-m", "training.generate_cpu_data"]
    again = words[3:]
    generate_cpu_data.main(["--output", str(second), *again])
    assert first.read_bytes() == second.read_bytes()


def test_kinds_alone(tmp_path: Path) -> None:
    """Every text is of a kind that was named, one that was named twice comes twice as often."""
    file = tmp_path / "a.jsonl"
    only = ["typo", "other_operation", "typo"]
    generate_cpu_data.main(
        [
            "--output",
            str(file),
            "--count",
            "90",
            "--seed",
            "5",
            "--dialect",
            "lenient",
            "--only",
            *only,
        ]
    )
    lines = file.read_text("utf-8").splitlines()
    typos = sum('"typo"' in line for line in lines)
    assert len({*lines}) == 90 and typos == 60
    assert all('"typo"' in line or '"other_operation"' in line for line in lines)


def test_an_origin_is_of_these_bytes(tmp_path: Path) -> None:
    """A file that was changed, or that nothing is written down of, has none."""
    file = tmp_path / "a.jsonl"
    generate_cpu_data.main(["--output", str(file), "--count", "3", "--seed", "5"])
    file.write_bytes(file.read_bytes() + b"\n")
    assert origin_of(file) is None
    other = tmp_path / "b.jsonl"
    other.write_text("{}\n", "utf-8")
    assert origin_of(other) is None
