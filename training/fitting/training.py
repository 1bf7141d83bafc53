"""One training: from examples to an adapter folder.

In: the arguments of :mod:`training.train_decode`, and a recipe. Out: the folder, with its record;
checkpoints and a table of losses on the way.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import TrainingArguments, set_seed

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import DataError
from kvrm_grammar.weights.adapter import read_adapter
from kvrm_grammar.weights.pytorch.loading import (
    LoadedModel,
    load_model,
)
from kvrm_grammar.weights.pytorch.placement import default_device, default_dtype
from training.data.examples import Example, read_examples
from training.data.near_disagreements import neighbours_of_file
from training.fitting.allowed import ClosedFeatures, grounding_of
from training.fitting.batches import Collator, Feature, encode_examples
from training.fitting.doubtful_examples import mine
from training.fitting.folded import hasten
from training.fitting.recipes import TARGET_MODULES, Recipe
from training.fitting.record import adapter_manifest, save_adapter, training_record
from training.fitting.trainer import CompletionTrainer, LogTable, StopAt, exact_match

__all__ = ["checkpoints_of", "resume_point", "train"]


def checkpoints_of(arguments: argparse.Namespace) -> Path:
    """Where checkpoints go: the folder asked for, or one below ``runs`` named after the output."""
    asked: Path | None = arguments.checkpoints
    return asked or Path("runs") / f"{arguments.output.name}-checkpoints"


def train(arguments: argparse.Namespace, recipe: Recipe) -> None:
    """Train, keep the best checkpoint, and write the adapter folder."""
    set_seed(arguments.seed)
    loaded = load_model(None, base=arguments.base)
    checkpoints = checkpoints_of(arguments)
    chosen, held, skipped = _split(loaded, arguments, recipe, checkpoints)
    training: Sequence[Feature] | ClosedFeatures = chosen
    evaluation: Sequence[Feature] | ClosedFeatures = held
    if recipe.unconstrained < 1:
        dialect = find_dialect(arguments.dialect, arguments.isa)
        grounding, rng = grounding_of(loaded.tokenizer, dialect), Random(f"free {arguments.seed}")
        free = (i for i in range(len(chosen)) if rng.random() < recipe.unconstrained)
        training = ClosedFeatures(chosen, grounding, dialect, frozenset(free))
        evaluation = ClosedFeatures(held, grounding, dialect)
    if skipped:
        print(
            f"{skipped} examples are longer than {recipe.max_length} token IDs: left out",
            file=sys.stderr,
        )
    model = _with_lora(loaded, recipe, arguments.start_from)
    if default_device().type == "cpu":
        hasten(model)
    table = LogTable(checkpoints / "log.json")
    trainer = CompletionTrainer(
        model=model,
        args=_training_arguments(recipe, checkpoints, arguments.seed),
        train_dataset=training,
        eval_dataset=evaluation,
        data_collator=Collator(int(loaded.tokenizer.pad_token_id or loaded.tokenizer.eos_token_id)),
        compute_metrics=exact_match,
        callbacks=[table, StopAt(recipe.stop_step, recipe.minutes)],
    )
    trainer.minutes = recipe.minutes
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=resume_point(checkpoints, resume=arguments.resume))
    minutes = (time.monotonic() - started) / 60
    manifest = adapter_manifest(find_dialect(arguments.dialect, arguments.isa))
    save_adapter(model, arguments.output, loaded.base_name, manifest)
    # Where the clock or a step ends a training, it has not seen all of them.
    steps = (trainer.state.global_step, trainer.state.best_global_step or 0)
    seen, kept = (min(len(training), step * recipe.batch_size) for step in steps)
    record = training_record(arguments, recipe, loaded, seen, kept or seen, minutes, table.rows)
    (arguments.output / "training.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(f"{arguments.output}: trained on {seen} examples in {minutes:.1f} minutes")


def _split(
    loaded: LoadedModel, arguments: argparse.Namespace, recipe: Recipe, checkpoints: Path
) -> tuple[list[Feature], list[Feature], int]:
    """Features to train on, features to evaluate on, and how many examples were too long."""
    examples = read_examples(arguments.data, isa=arguments.isa)
    # The same split and order whatever the seed, so that a later stage is not evaluated on
    # what an earlier one was trained on, and skips what that has seen.
    Random(0).shuffle(examples)
    held = recipe.evaluation_samples
    if len(examples) <= held:
        held = max(1, len(examples) // 10)
    rest = examples[held + arguments.skip_samples :]
    if not rest:
        raise DataError(f"{arguments.data} has {len(examples)} examples: too few to train on")
    dialect = find_dialect(arguments.dialect, arguments.isa)
    training, long = encode_examples(
        loaded.tokenizer,
        _chosen(rest, arguments, recipe, checkpoints),
        recipe.max_length,
        opcode_only=recipe.opcode_only,
        seed=arguments.seed,
        dialect=dialect,
    )
    evaluation, longer = encode_examples(
        loaded.tokenizer, examples[:held], recipe.max_length, dialect=dialect
    )
    return training, evaluation, long + longer


def _chosen(
    rest: list[Example], arguments: argparse.Namespace, recipe: Recipe, checkpoints: Path
) -> list[Example]:
    """The first ones, what an adapter doubts of the next ones, and texts near disagreements."""
    chosen = rest[: recipe.max_samples]
    if recipe.mined:
        candidates = rest[len(chosen) :][: recipe.mined]
        wrong, unsure = mine(
            arguments.start_from,
            candidates,
            base=arguments.base,
            below=recipe.mined_below,
            max_length=recipe.max_length,
            memory=checkpoints / "mined.json",
            dialect=arguments.dialect,
            isa=arguments.isa,
            whole=recipe.mined_whole,
        )
        chosen += recipe.mined_repeats * (recipe.wrong_repeats * wrong + unsure)
    if arguments.extra is not None:
        chosen += neighbours_of_file(
            arguments.extra, arguments.extra_samples, arguments.seed, isa=arguments.isa
        )
    return chosen


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
        bf16=_trains_in_bfloat16(),
        dataloader_pin_memory=torch.cuda.is_available(),
        remove_unused_columns=False,
        label_names=["labels"],
        report_to="none",
        seed=seed,
    )


def _trains_in_bfloat16() -> bool:
    """On a GPU that has bfloat16 itself; some do not (T4, V100), and those train in float32."""
    device = default_device()
    return device.type == "cuda" and default_dtype(device) == torch.bfloat16


def resume_point(checkpoints: Path, *, resume: bool) -> str | None:
    """The last checkpoint of an interrupted run.

    Args:
        checkpoints: The run's folder.
        resume: Whether to go on at all.

    Returns:
        The checkpoint's folder; None where training starts anew, which is told if it was not
        asked for.
    """
    found = sorted(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    if resume and not found:
        print(f"nothing to resume in {checkpoints}: starting anew", file=sys.stderr)
    return str(found[-1]) if resume and found else None
