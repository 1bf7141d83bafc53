"""One training: what it writes, what it trains on, and how it goes on."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.base import PROMPT_VERSION
from kvrm_grammar.isa import load_set
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.weights.manifest import Manifest, read_manifest
from kvrm_grammar.weights.pytorch.loading import load_model
from tests.training.short_training import train
from training import train_decode
from training.data.examples import Example, read_examples
from training.data.files import file_digest
from training.data.origin import origin_of
from training.fitting import training as fitting
from training.fitting.batches import Feature, encode_examples
from training.fitting.recipes import TARGET_MODULES, Recipe
from training.fitting.record import adapter_manifest
from training.fitting.trainer import LogTable


def test_the_adapter_loads_and_differs_from_the_base(trained: Path, tiny_base: Path) -> None:
    """What training writes is a whole adapter of its base, and it changes the model."""
    loaded = load_model(trained, dtype=torch.float32)
    plain = load_model(None, base=tiny_base, dtype=torch.float32)
    assert loaded.base_name == str(tiny_base)
    ids = torch.tensor([encode_plain(loaded.tokenizer, find_dialect("strict").read("halt").prompt)])
    with torch.no_grad():
        assert not torch.equal(loaded.model(ids).logits, plain.model(ids).logits)


def test_the_adapter_is_bfloat16_safetensors(trained: Path) -> None:
    """Seven target modules in each layer, two matrices each, in half precision, all finite."""
    tensors = load_file(trained / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.bfloat16}
    assert len(tensors) == 2 * 7 * 2
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    assert any(tensor.any() for name, tensor in tensors.items() if "lora_B" in name)
    digests = (trained / "SHA256SUMS").read_text("utf-8")
    assert file_digest(trained / "adapter_model.safetensors") in digests
    with safe_open(trained / "adapter_model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}
    config = json.loads((trained / "adapter_config.json").read_text("utf-8"))
    assert (config["r"], config["lora_alpha"]) == (16, 32)
    assert config["target_modules"] == sorted(TARGET_MODULES)


def test_the_adapter_says_what_it_was_trained_for(trained: Path) -> None:
    """Set, digest, dialect and prompt, covered by the checksums; no confidence was measured."""
    isa = load_set()
    assert read_manifest(trained) == Manifest("kvrm", isa.digest, "strict", PROMPT_VERSION, None)
    assert "kvrm.json" in (trained / "SHA256SUMS").read_text("utf-8")
    assert adapter_manifest(find_dialect("lenient")).dialect == "lenient"


def test_the_record_says_how_it_was_made(trained: Path, data: Path, tiny_base: Path) -> None:
    """Recipe, seed, base, digest of the data, versions, and the table of losses."""
    record = json.loads((trained / "training.json").read_text("utf-8"))
    assert record["preset"] == "report"
    assert (record["extra"], record["extra_samples"], record["extra_sha256"]) == (None, 0, None)
    assert (record["seed"], record["base"]) == (1, str(tiny_base))
    assert record["base_id"] == f"folder:{tiny_base}"
    assert record["data_sha256"] == file_digest(data)
    assert record["recipe"]["batch_size"] == 16
    assert record["data_origin"] == origin_of(data)
    assert 40 <= record["training_samples"] <= 58
    assert [row["step"] for row in record["log"]] == [2, 4]
    best = min(record["log"], key=lambda row: row["evaluation_loss"])
    assert record["kept_samples"] == min(record["training_samples"], 16 * best["step"])
    assert all(row["evaluation_loss"] > 0 for row in record["log"])
    assert all(0 <= row["exact_match"] <= 1 for row in record["log"])
    log = trained.parent / "adapter-checkpoints" / "log.json"
    assert json.loads(log.read_text("utf-8"), parse_constant=pytest.fail) == record["log"]


def test_disagreements_are_trained_on(
    tmp_path: Path, tiny_base: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--extra``: texts near them join the training, and the record says which and how many."""
    extra = tmp_path / "corpus.jsonl"
    extra.write_text('{"text":"inc r8"}\n', "utf-8")
    loaded = load_model(None, base=tiny_base, dtype=torch.float32)
    parser = train_decode.build_parser()
    recipe = Recipe(max_length=1000)
    plain = fitting._split(loaded, parser.parse_args(["--data", str(data)]), recipe, tmp_path)
    options = ["--data", str(data), "--extra", str(extra), "--extra-samples", "20"]
    more = fitting._split(loaded, parser.parse_args(options), recipe, tmp_path)
    assert len(more[0]) == len(plain[0]) + 20
    assert more[0][: len(plain[0])] == plain[0]
    assert more[1] == plain[1]
    threads = torch.get_num_threads()
    try:
        assert train(tmp_path / "adapter", *options[2:], base=tiny_base, data=data) == 0
    finally:
        torch.set_num_threads(threads)
    record = json.loads((tmp_path / "adapter" / "training.json").read_text("utf-8"))
    assert record["extra"] == "corpus.jsonl"
    assert (record["extra_samples"], record["extra_sha256"]) == (20, file_digest(extra))
    missing = str(tmp_path / "missing.jsonl")
    assert train(tmp_path / "none", "--extra", missing, base=tiny_base, data=data) == 1
    assert "missing.jsonl: No such file" in capsys.readouterr().err


def test_mined_examples_join_the_training(
    tmp_path: Path, tiny_base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come from behind those that are trained on anyway, those that are wrong most often."""
    asked: list[list[Example]] = []

    def mine(adapter: Path, candidates: list[Example], **_: Any) -> tuple[list[Example], ...]:
        asked.append(candidates)
        return candidates[:1], candidates[1:2]

    monkeypatch.setattr(fitting, "mine", mine)
    loaded = load_model(None, base=tiny_base, dtype=torch.float32)
    arguments = train_decode.build_parser().parse_args(
        ["--data", str(data), "--start-from", str(tmp_path)]
    )
    recipe = Recipe(max_length=1000, max_samples=30, mined=12, mined_repeats=2, wrong_repeats=3)
    plain, held, _ = fitting._split(loaded, arguments, replace(recipe, mined=0), tmp_path)
    training, _, _ = fitting._split(loaded, arguments, recipe, tmp_path)
    assert training[:30] == plain
    assert len(training) == 30 + 2 * (3 + 1)
    assert training[30:34] == training[34:]
    assert training[30] == training[31] == training[32] != training[33]
    (candidates,) = asked
    assert len(candidates) == 12
    held_out = {tuple(feature["input_ids"]) for feature in held}
    assert not held_out & {tuple(feature["input_ids"]) for feature in training[30:]}


class PowerCutError(Exception):
    """The power went off."""


def test_a_resumed_run_gives_the_same_adapter(
    trained: Path,
    tiny_base: Path,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Interrupted after a checkpoint and resumed: bit for bit the uninterrupted run's adapter."""
    output = tmp_path / "adapter"
    usual: Callable[..., None] = LogTable.on_evaluate

    def interrupt(self: LogTable, args: Any, state: Any, control: Any, **others: Any) -> None:
        if state.global_step == 4:
            raise PowerCutError
        usual(self, args, state, control, **others)

    with monkeypatch.context() as patch:
        patch.setattr(LogTable, "on_evaluate", interrupt)
        with pytest.raises(PowerCutError):
            train(output, base=tiny_base, data=data)
    checkpoints = tmp_path / "adapter-checkpoints"
    assert [path.name for path in checkpoints.glob("checkpoint-*")] == ["checkpoint-2"]
    assert not output.exists()
    assert train(output, "--resume", base=tiny_base, data=data) == 0
    assert "starting anew" not in capsys.readouterr().err
    weights = "adapter_model.safetensors"
    assert (output / weights).read_bytes() == (trained / weights).read_bytes()
    records = [json.loads((f / "training.json").read_text("utf-8")) for f in (output, trained)]
    assert [record["resumed"] for record in records] == [True, False]
    assert records[0]["log"] == records[1]["log"]


def test_training_can_go_on_from_an_adapter(
    trained: Path, tiny_base: Path, data: Path, tmp_path: Path
) -> None:
    """It starts with the adapter's weights, trains those alone, and records where it began."""
    loaded = load_model(None, base=tiny_base, dtype=torch.float32)
    model = fitting._with_lora(loaded, Recipe(), trained)
    file = load_file(trained / "adapter_model.safetensors")
    found = {
        name.replace(".default", ""): parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    assert found.keys() == file.keys()
    for name, tensor in file.items():
        assert torch.equal(found[name], tensor.float()), name
    output = tmp_path / "adapter"
    assert train(output, "--start-from", str(trained), base=tiny_base, data=data) == 0
    assert load_model(output).base_name == str(tiny_base)
    record = json.loads((output / "training.json").read_text("utf-8"))
    assert (record["started_from"], record["skipped_samples"]) == (trained.name, 0)
    assert record["previous"] == json.loads((trained / "training.json").read_text("utf-8"))


def test_an_unusable_start_is_told(
    tmp_path: Path, tiny_base: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An adapter to go on from that is not there is an error, before anything is written."""
    options = ["--start-from", str(tmp_path / "nowhere")]
    assert train(tmp_path / "adapter", *options, base=tiny_base, data=data) == 1
    assert "error: no adapter folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_resume_takes_the_latest_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The highest step, by number; where there is none, training says that it starts anew."""
    assert fitting.resume_point(tmp_path, resume=True) is None
    assert "nothing to resume" in capsys.readouterr().err
    for step in (2, 10, 9):
        (tmp_path / f"checkpoint-{step}").mkdir()
    assert fitting.resume_point(tmp_path, resume=True) == str(tmp_path / "checkpoint-10")
    assert fitting.resume_point(tmp_path, resume=False) is None


def test_evaluation_examples_are_not_trained_on(tiny_base: Path, data: Path) -> None:
    """The two parts are disjoint, the same for every seed, and respect the limit."""
    loaded = load_model(None, base=tiny_base, dtype=torch.float32)
    recipe = Recipe(max_samples=10, max_length=1000)

    def split(*options: str) -> tuple[list[Feature], list[Feature], int]:
        arguments = train_decode.build_parser().parse_args(["--data", str(data), *options])
        return fitting._split(loaded, arguments, recipe, Path())

    first = split("--seed", "1")
    training, evaluation, skipped = first
    assert (len(training), len(evaluation), skipped) == (10, 6, 0)
    assert split("--seed", "1") == first
    assert split("--seed", "2") == first
    everything = read_examples(data)
    Random(0).shuffle(everything)
    kept, _ = encode_examples(loaded.tokenizer, everything, 1000)
    assert (evaluation, training) == (kept[:6], kept[6:16])
    assert split("--seed", "1", "--skip-samples", "5") == (kept[11:21], kept[:6], 0)


@pytest.mark.parametrize(
    ("gpu", "native", "expected"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_bfloat16_is_used_where_the_gpu_has_it(
    gpu: bool, native: bool, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU without it (T4, V100) trains in float32, and so does a processor."""
    asked: list[dict[str, Any]] = []
    dtype = torch.bfloat16 if native else torch.float32
    monkeypatch.setattr(fitting, "default_device", lambda: torch.device("cuda" if gpu else "cpu"))
    monkeypatch.setattr(fitting, "default_dtype", lambda device: dtype)
    monkeypatch.setattr(fitting, "TrainingArguments", lambda **options: asked.append(options))
    fitting._training_arguments(Recipe(), tmp_path, 1)
    assert [options["bf16"] for options in asked] == [expected]


def test_a_training_by_the_clock(tiny_base: Path, data: Path, tmp_path: Path) -> None:
    """No time is left after the first step: it ends there, with an adapter and its record."""
    output = tmp_path / "short"
    assert train(output, "--minutes", "0.000001", base=tiny_base, data=data) == 0
    record = json.loads((output / "training.json").read_text("utf-8"))
    assert record["recipe"]["minutes"] == 0.000001
    assert record["log"][-1]["step"] == 1
    assert (output / "adapter_model.safetensors").is_file()
