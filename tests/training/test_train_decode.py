"""The command that trains: presets, stages, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.weights.pytorch.loading import load_model
from tests.training.short_training import train
from training import train_decode
from training.defaults import TRAINING_DATA, packaged_adapter
from training.fitting.recipes import PRESETS, TARGET_MODULES, Recipe
from training.fitting.training import checkpoints_of

MODELS = Path(__file__).parents[2] / "models"

HALT = '{"key":"OP_HALT","params":{}}'


def _pair(user: object, assistant: object) -> bytes:
    return json.dumps({"messages": [{"content": user}, {"content": assistant}]}).encode()


@pytest.fixture
def short_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first stage of the preset "cpu" stops after two steps."""
    monkeypatch.setitem(PRESETS, "cpu-start", replace(PRESETS["cpu-start"], stop_step=2))


@pytest.mark.usefixtures("short_stages")
def test_the_cpu_preset_trains_in_two_stages(tiny_base: Path, data: Path, tmp_path: Path) -> None:
    """Start, stop, refine from there with the remaining samples; both stages are recorded."""
    output = tmp_path / "adapter"
    assert train(output, "--preset", "cpu", base=tiny_base, data=data) == 0
    assert load_model(output).base_name == str(tiny_base)
    record = json.loads((output / "training.json").read_text("utf-8"))
    assert (record["preset"], record["previous"]["preset"]) == ("cpu-refine", "cpu-start")
    assert (record["started_from"], record["skipped_samples"]) == ("checkpoint-2", 32)
    assert record["previous"]["log"][-1]["step"] == 2
    assert record["previous"]["training_samples"] == 32  # what two steps have seen


@pytest.mark.usefixtures("short_stages")
def test_a_finished_stage_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--resume`` goes on with the stage that is not done; without it both are run."""
    runs: list[tuple[str, Recipe]] = []

    def pretend(arguments: Any, recipe: Recipe) -> None:
        runs.append((arguments.preset, recipe))
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "training.json").write_text("{}")

    monkeypatch.setattr(train_decode, "train", pretend)
    command = ["--preset", "cpu", "--output", str(tmp_path / "a"), "--checkpoints", str(tmp_path)]
    for options, stages in (
        ([], ["cpu-start", "cpu-refine"]),
        (["--resume"], ["cpu-refine"]),
        (["--epochs", "2"], ["cpu-start", "cpu-refine"]),
    ):
        runs.clear()
        assert train_decode.main([*command, *options]) == 0
        assert [preset for preset, _ in runs] == stages
    assert [recipe.epochs for _, recipe in runs] == [2, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist; make it with"),
        (b"", "has 0 examples: too few"),
        (_pair("halt", HALT) + b"\n", "has 1 examples: too few"),
        (b"nonsense\n", r"data.jsonl:1: "),
        (_pair("x" * 200, HALT) + b"\n" + _pair("y" * 200, HALT), "none of 1 examples fits"),
    ],
    ids=["missing", "empty", "one", "malformed", "too long"],
)
def test_unusable_data_is_told(
    content: bytes | None,
    message: str,
    tmp_path: Path,
    tiny_base: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Data that cannot be trained on is one line on standard error and exit code 1."""
    file = tmp_path / "data.jsonl"
    if content is not None:
        file.write_bytes(content)
    assert train(tmp_path / "adapter", base=tiny_base, data=file) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message.replace(r"\.", ".") in error
    assert not (tmp_path / "adapter").exists()


def test_an_unusable_base_is_told(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A base model that is not there is told before anything is written."""
    assert train(tmp_path / "adapter", base=tmp_path / "nowhere", data=data) == 1
    assert "error: no base model folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-size", "0"], "--batch-size: must be at least 1, got 0"),
        (["--epochs", "-1"], "--epochs: must be above 0 and finite, got -1"),
        (["--max-samples", "0"], "--max-samples: must be at least 1"),
        (["--evaluation-steps", "0"], "--evaluation-steps: must be at least 1"),
        (["--threads", "0"], "--threads: must be at least 1"),
        (["--extra-samples", "0"], "--extra-samples: must be at least 1"),
        (["--skip-samples", "-1"], "--skip-samples: must be at least 0"),
        (["--extra", "x", "--dialect", "lenient"], "--extra is for the strict dialect"),
        (["--preset", "magic"], "invalid choice: 'magic'"),
        (["--seed", "x"], "invalid int value: 'x'"),
        (["--output", __file__], "is not a folder"),
        (["--start-from", str(MODELS / "decode_llm_lenient")], "goes on with --dialect lenient"),
    ],
    ids=str,
)
def test_usage_errors(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Arguments that make no sense are refused before any data or model is read."""
    with pytest.raises(SystemExit) as caught:
        train_decode.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_the_recipe_of_the_report() -> None:
    """The preset "report" is the earlier report's: rank, alpha, dropout, rate, decay, length."""
    recipe = PRESETS["report"]
    assert (recipe.rank, recipe.alpha, recipe.dropout) == (16, 32, 0.05)
    assert (recipe.learning_rate, recipe.warmup_ratio, recipe.weight_decay) == (3e-4, 0.05, 0.01)
    assert recipe.max_length == 128
    assert len(TARGET_MODULES) == 7


@pytest.mark.parametrize(
    ("dialect", "gpu", "preset"),
    [
        ("strict", True, "report"),
        ("strict", False, "cpu"),
        ("lenient", True, "report"),
        ("lenient", False, "cpu-lenient"),
    ],
)
def test_a_bare_command_suits_the_machine_and_spares_what_is_shipped(
    dialect: str, gpu: bool, preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The preset follows the GPU, the data the dialect, and nothing is written into models/."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    arguments = train_decode.parse_arguments(["--dialect", dialect])
    assert arguments.preset == preset
    assert arguments.data == TRAINING_DATA[dialect]
    assert arguments.output == Path("runs") / dialect
    assert checkpoints_of(arguments) == Path("runs") / f"{dialect}-checkpoints"
    shipped = {packaged_adapter(one).resolve() for one in DIALECTS}
    assert len(shipped) == 2 and arguments.output.resolve() not in shipped
    into = train_decode.parse_arguments(["--output", "models/decode_llm"])
    assert into.output == Path("models/decode_llm")
