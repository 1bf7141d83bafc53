"""average.py: the mean of adapters is an adapter, and says what it is the mean of."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from kvrm_grammar.errors import AdapterError, DataError
from kvrm_grammar.weights.adapter import read_adapter
from kvrm_grammar.weights.checksums import write_checksums
from kvrm_grammar.weights.manifest import Manifest, read_manifest, write_manifest
from training.average import average, main
from training.cards.rounds import mean_text
from training.data.files import file_digest

WEIGHTS = "adapter_model.safetensors"
RECORD = {
    "preset": "cpu-lenient-sharpen",
    "started_from": "zero",
    "data": "lenient.jsonl",
    "data_sha256": "ab" * 32,
    "training_samples": 16,
    "minutes": 0.5,
    "log": [],
}


@pytest.fixture
def rounds(tiny_adapter: Path, tmp_path: Path) -> list[Path]:
    """Two adapters, the second with three times the weights of the first."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for factor, folder in zip((1, 3), folders, strict=True):
        shutil.copytree(tiny_adapter, folder)
        tensors = {name: factor * t for name, t in load_file(folder / WEIGHTS).items()}
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
        (folder / "training.json").write_text(json.dumps(RECORD | {"seed": factor}), "utf-8")
        write_checksums(folder)
    return folders


def test_the_mean(rounds: list[Path], tmp_path: Path) -> None:
    """In bfloat16, checked by its checksums when it is read, with the last round's record."""
    output = tmp_path / "mean"
    average(rounds, output)
    first, mean = load_file(rounds[0] / WEIGHTS), load_file(output / WEIGHTS)
    assert mean.keys() == first.keys()
    for name, tensor in mean.items():
        assert torch.equal(tensor, (2 * first[name].float()).to(torch.bfloat16)), name
    assert read_adapter(output).config == read_adapter(rounds[1]).config
    record = json.loads((output / "training.json").read_text("utf-8"))
    assert record["seed"] == 3
    origin = {name: value for name, value in RECORD.items() if name != "log"}
    assert record["mean_of"] == [
        {"adapter": folder.name, "sha256": file_digest(folder / WEIGHTS), "seed": seed, **origin}
        for seed, folder in zip((1, 3), rounds, strict=True)
    ]
    assert all(f"`{row['sha256']}`: its last" in mean_text(record) for row in record["mean_of"])
    assert "seed 1, 16 examples of `lenient.jsonl`" in mean_text(record)


def test_a_mean_that_says_less_of_its_parts_has_a_card_too() -> None:
    """Records of earlier means have names and digests alone."""
    assert mean_text({"mean_of": [{"adapter": "a", "sha256": "c0"}]}).endswith(
        "- a, SHA-256 `c0`\n"
    )


def test_adapters_of_other_shapes_have_no_mean(rounds: list[Path], tmp_path: Path) -> None:
    """Nor have those whose products are scaled otherwise."""
    config = json.loads((rounds[0] / "adapter_config.json").read_text("utf-8"))
    (rounds[0] / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": 1}), "utf-8")
    write_checksums(rounds[0])
    with pytest.raises(AdapterError, match="other tensors"):
        average(rounds, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_without_a_record_there_is_no_mean(rounds: list[Path], tmp_path: Path) -> None:
    (rounds[0] / "training.json").unlink()
    with pytest.raises(DataError, match=r"training\.json"):
        average(rounds, tmp_path / "mean")


def test_the_command(
    rounds: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 for a mean, 1 where there is none, 2 for one adapter alone."""
    output = str(tmp_path / "mean")
    assert main(["--adapters", *map(str, rounds), "--output", output]) == 0
    assert main(["--adapters", str(rounds[0]), str(tmp_path / "none"), "--output", output]) == 1
    assert "error: no adapter folder" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["--adapters", str(rounds[0]), "--output", output])
    assert stopped.value.code == 2


def test_a_mean_says_what_it_was_trained_for(rounds: list[Path], tmp_path: Path) -> None:
    """What all of them say; a confidence measured on one of them is none of the mean's."""
    trained_for = Manifest("kvrm", "", "lenient", 1, 0.98)
    for folder in rounds:
        write_manifest(folder, trained_for)
    average(rounds, tmp_path / "mean")
    assert read_manifest(tmp_path / "mean") == replace(trained_for, min_confidence=None)
    read_adapter(tmp_path / "mean")  # its checksums hold the manifest


@pytest.mark.parametrize("other", [Manifest("kvrm", "", "strict", 1), None])
def test_what_was_trained_for_other_things_has_no_mean(
    other: Manifest | None, rounds: list[Path], tmp_path: Path
) -> None:
    """Another dialect, or one that says nothing beside one that does."""
    write_manifest(rounds[0], Manifest("kvrm", "", "lenient", 1))
    if other is not None:
        write_manifest(rounds[1], other)
    with pytest.raises(AdapterError, match="average rounds of one training"):
        average(rounds, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
