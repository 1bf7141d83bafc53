"""Trains a LoRA adapter that decodes instructions.

In: JSON Lines of :mod:`training.generate_cpu_data` and a base model. Out: an adapter
folder (bfloat16 safetensors, ``adapter_config.json``, ``training.json``). Checkpoints
let ``--resume`` continue an interrupted run to the same result.
"""

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import TrainingArguments, set_seed

from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import DataError, KvrmError
from kvrm_grammar.weights.adapter import read_adapter, write_weights
from kvrm_grammar.weights.loading import LoadedModel, load_model
from training.batches import Collator, Feature, encode_examples
from training.data import file_digest, read_examples
from training.generate_cpu_data import DEFAULT_OUTPUT
from training.mining import mine
from training.neighbours import neighbours_of_file
from training.recipes import PRESETS, TARGET_MODULES, TWO_STAGES, Recipe
from training.trainer import CompletionTrainer, LogTable, StopAt, exact_match


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DEFAULT_OUTPUT)
    parser.add_argument(
        "--dialect", choices=sorted(DIALECTS), default="strict", help="what the data are"
    )
    parser.add_argument("--output", type=Path, default=Path("models/decode_llm"))
    parser.add_argument("--checkpoints", type=Path, help="default: runs/<name of the output>")
    parser.add_argument("--base", help="folder, hub name, or nothing for the packaged base")
    parser.add_argument("--preset", choices=sorted([*PRESETS, TWO_STAGES]), default="report")
    parser.add_argument("--start-from", type=Path, help="adapter folder to go on from")
    parser.add_argument("--skip-samples", type=int, default=0, help="leave out the first ones")
    parser.add_argument(
        "--extra", type=Path, help="JSON Lines of disagreements: train on texts near them too"
    )
    parser.add_argument("--extra-samples", type=int, default=8_000, help="how many such texts")
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--max-samples", type=int)
    parser.add_argument(
        "--mined", type=int, help="how many further examples to search for hard ones"
    )
    parser.add_argument("--evaluation-steps", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, help="CPU threads; default: all")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    overrides = {
        name: getattr(arguments, name)
        for name in ("epochs", "batch_size", "max_samples", "mined", "evaluation_steps")
        if getattr(arguments, name) is not None
    }
    counts = {"threads": arguments.threads, "extra_samples": arguments.extra_samples}
    for name, value in {**overrides, **counts}.items():
        if value is not None and value <= 0:
            parser.error(f"--{name.replace('_', '-')} must be above 0, got {value}")
    if arguments.skip_samples < 0:  # it would train on what it is evaluated on
        parser.error(f"--skip-samples must be at least 0, got {arguments.skip_samples}")
    mines = arguments.mined or (
        PRESETS[arguments.preset].mined if arguments.preset in PRESETS else 0
    )
    if mines and arguments.start_from is None:
        parser.error(
            "--mined, as in cpu-sharpen, needs --start-from: the adapter whose doubts count"
        )
    if arguments.extra is not None and arguments.dialect != "strict":
        parser.error("--extra is for the strict dialect: its parser says what the new texts mean")
    if arguments.output.exists() and not arguments.output.is_dir():
        parser.error(f"--output {arguments.output} is not a folder")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    try:
        if arguments.preset == TWO_STAGES:
            _train_in_stages(arguments, overrides)
        else:
            train(arguments, replace(PRESETS[arguments.preset], **overrides))
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _train_in_stages(arguments: argparse.Namespace, overrides: dict[str, Any]) -> None:
    """Run "cpu-start", then "cpu-refine" from where that stopped, in another order."""
    runs = arguments.checkpoints or Path("runs") / arguments.output.name
    start, refine = (replace(PRESETS[name], **overrides) for name in ("cpu-start", "cpu-refine"))
    first = argparse.Namespace(**vars(arguments))
    first.preset, first.output, first.checkpoints = "cpu-start", runs / "start", runs / "stage-1"
    if not (arguments.resume and (first.output / "training.json").is_file()):
        train(first, start)
    second = argparse.Namespace(**vars(arguments))
    second.preset, second.checkpoints = "cpu-refine", runs / "stage-2"
    second.start_from = Path(_resume_point(first.checkpoints, True) or first.output)
    second.seed = arguments.seed + 1
    second.skip_samples = (start.stop_step or 0) * start.batch_size
    second.previous = json.loads((first.output / "training.json").read_text("utf-8"))
    train(second, refine)


def train(arguments: argparse.Namespace, recipe: Recipe) -> None:
    """Train, keep the best checkpoint, and write the adapter folder."""
    set_seed(arguments.seed)
    loaded = load_model(None, base=arguments.base)
    checkpoints = arguments.checkpoints or Path("runs") / arguments.output.name
    training, evaluation, skipped = _split(loaded, arguments, recipe, checkpoints)
    if skipped:
        print(
            f"{skipped} examples are longer than {recipe.max_length} token IDs: left out",
            file=sys.stderr,
        )
    model = _with_lora(loaded, recipe, arguments.start_from)
    table = LogTable(checkpoints / "log.json")
    trainer = CompletionTrainer(
        model=model,
        args=_training_arguments(recipe, checkpoints, arguments.seed),
        train_dataset=training,
        eval_dataset=evaluation,
        data_collator=Collator(int(loaded.tokenizer.pad_token_id or loaded.tokenizer.eos_token_id)),
        compute_metrics=exact_match,
        callbacks=[table, StopAt(recipe.stop_step)],
    )
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=_resume_point(checkpoints, arguments.resume))
    minutes = (time.monotonic() - started) / 60
    save_adapter(model, arguments.output, loaded.base_name)
    record = _record(arguments, recipe, loaded, len(training), minutes, table.rows)
    (arguments.output / "training.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(f"{arguments.output}: trained on {len(training)} examples in {minutes:.1f} minutes")


def _split(
    loaded: LoadedModel, arguments: argparse.Namespace, recipe: Recipe, checkpoints: Path
) -> tuple[list[Feature], list[Feature], int]:
    examples = read_examples(arguments.data)
    # The same split and order whatever the seed, so that a later stage is not evaluated on
    # what an earlier one was trained on, and skips what that has seen.
    Random(0).shuffle(examples)
    held = recipe.evaluation_samples
    if len(examples) <= held:
        held = max(1, len(examples) // 10)
    rest = examples[held + arguments.skip_samples :]
    if not rest:
        raise DataError(f"{arguments.data} has {len(examples)} examples: too few to train on")
    fold = DIALECTS[arguments.dialect].fold
    chosen = rest[: recipe.max_samples]
    if recipe.mined:
        candidates = rest[len(chosen) :][: recipe.mined]
        chosen += recipe.mined_repeats * mine(
            arguments.start_from,
            candidates,
            base=arguments.base,
            below=recipe.mined_below,
            max_length=recipe.max_length,
            memory=checkpoints / "mined.json",
            dialect=arguments.dialect,
            whole=recipe.mined_whole,
        )
    if arguments.extra is not None:
        chosen += neighbours_of_file(arguments.extra, arguments.extra_samples, arguments.seed)
    training, long = encode_examples(
        loaded.tokenizer,
        chosen,
        recipe.max_length,
        opcode_only=recipe.opcode_only,
        seed=arguments.seed,
        fold=fold,
    )
    evaluation, longer = encode_examples(
        loaded.tokenizer, examples[:held], recipe.max_length, fold=fold
    )
    return training, evaluation, long + longer


def _with_lora(loaded: LoadedModel, recipe: Recipe, start_from: Path | None) -> PeftModel:
    if start_from is not None:
        read_adapter(start_from)  # a clear error where it cannot be used
        return PeftModel.from_pretrained(loaded.model, str(start_from), is_trainable=True)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=list(TARGET_MODULES),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(loaded.model, config)


def _training_arguments(recipe: Recipe, checkpoints: Path, seed: int) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=2 * recipe.batch_size,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup_ratio,
        weight_decay=recipe.weight_decay,
        eval_strategy="steps",
        eval_steps=recipe.evaluation_steps,
        save_strategy="steps",
        save_steps=recipe.evaluation_steps,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        logging_steps=min(20, recipe.evaluation_steps),  # each evaluation has a training loss
        bf16=torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        remove_unused_columns=False,
        label_names=["labels"],
        report_to="none",
        seed=seed,
    )


def _resume_point(checkpoints: Path, resume: bool) -> str | None:
    found = sorted(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    if resume and not found:
        print(f"nothing to resume in {checkpoints}: starting anew", file=sys.stderr)
    return str(found[-1]) if resume and found else None


def save_adapter(model: PeftModel, output: Path, base_name: str) -> None:
    """Write the adapter, its weights rounded to bfloat16, under the base's public name."""
    config: Any = model.peft_config["default"]  # a LoraConfig
    config.base_model_name_or_path = base_name
    config.target_modules = sorted(config.target_modules)  # a set: its order changes by the run
    # Embeddings are not trained; the default would look for the base on the hub to be sure.
    model.save_pretrained(str(output), save_embedding_layers=False)
    write_weights(output, load_file(output / "adapter_model.safetensors"))


def _record(
    arguments: argparse.Namespace,
    recipe: Recipe,
    loaded: LoadedModel,
    samples: int,
    minutes: float,
    rows: list[dict[str, float]],
) -> dict[str, Any]:
    return {
        "preset": arguments.preset,
        "dialect": arguments.dialect,
        "started_from": arguments.start_from.name if arguments.start_from else None,
        "skipped_samples": arguments.skip_samples,
        "recipe": asdict(recipe),
        "seed": arguments.seed,
        "base": loaded.base_name,
        "data": arguments.data.name,
        "data_sha256": file_digest(arguments.data),
        "extra": arguments.extra.name if arguments.extra else None,
        "extra_sha256": file_digest(arguments.extra) if arguments.extra else None,
        "extra_samples": arguments.extra_samples if arguments.extra else 0,
        "training_samples": samples,
        "minutes": round(minutes, 1),
        "resumed": bool(arguments.resume),
        "device": "cuda"
        if torch.cuda.is_available()
        else f"cpu, {torch.get_num_threads()} threads",
        "dtype": str(next(loaded.model.parameters()).dtype).removeprefix("torch."),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft")},
        "log": rows,
        "previous": getattr(arguments, "previous", None) or _record_of(arguments.start_from),
    }


def _record_of(adapter: Path | None) -> dict[str, Any] | None:
    """The record beside an adapter folder; None where there is none."""
    if adapter is None or not (adapter / "training.json").is_file():
        return None
    record: dict[str, Any] = json.loads((adapter / "training.json").read_text("utf-8"))
    return record


if __name__ == "__main__":
    sys.exit(main())
