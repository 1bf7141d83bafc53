"""What a training leaves behind: the adapter's weights, and the record of how they were made.

In: a trained model, and what it was trained with. Out: an adapter folder, and the dictionary that
becomes its ``training.json``.
"""

import argparse
import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors.torch import load_file

from kvrm_grammar.dialects import Dialect
from kvrm_grammar.dialects.base import PROMPT_VERSION
from kvrm_grammar.isa import load_set
from kvrm_grammar.weights.manifest import Manifest, write_manifest
from kvrm_grammar.weights.pytorch.loading import LoadedModel
from kvrm_grammar.weights.pytorch.lora import write_weights
from training.data.files import file_digest
from training.data.origin import origin_of
from training.fitting.recipes import Recipe

__all__ = ["adapter_manifest", "save_adapter", "training_record"]


def adapter_manifest(dialect: Dialect) -> Manifest:
    """What an adapter says of itself: set, dialect and prompt that it was trained on.

    No cautious confidence is named: it is measured on the adapter, after training.
    """
    return Manifest(dialect.isa.name, dialect.isa.digest, dialect.name, PROMPT_VERSION)


def save_adapter(model: PeftModel, output: Path, base_name: str, manifest: Manifest) -> None:
    """Write the adapter, its weights rounded to bfloat16, and its manifest.

    Args:
        model: What was trained.
        output: Folder of the adapter.
        base_name: The base's public name, under which the adapter finds it.
        manifest: What it was trained for.
    """
    config: Any = model.peft_config["default"]  # a LoraConfig
    config.base_model_name_or_path = base_name
    config.target_modules = sorted(config.target_modules)  # a set: its order changes by the run
    # Embeddings are not trained; the default would look for the base on the hub to be sure.
    model.save_pretrained(str(output), save_embedding_layers=False)
    write_weights(output, load_file(output / "adapter_model.safetensors"))
    write_manifest(output, manifest)


def training_record(
    arguments: argparse.Namespace,
    recipe: Recipe,
    loaded: LoadedModel,
    samples: int,
    kept_samples: int,
    minutes: float,
    rows: list[dict[str, float]],
) -> dict[str, Any]:
    """What was trained, on what, with what, and how its losses went; JSON-ready.

    Args:
        arguments: Of :mod:`training.train_decode`.
        recipe: What was followed.
        loaded: The base.
        samples: How many examples were trained on.
        kept_samples: How many of them the weights that are kept have seen.
        minutes: How long it took.
        rows: Of the table of losses.
    """
    isa = load_set(arguments.isa)
    return {
        "preset": arguments.preset,
        "set": isa.name,
        "set_digest": isa.digest,
        "dialect": arguments.dialect,
        "started_from": arguments.start_from.name if arguments.start_from else None,
        "skipped_samples": arguments.skip_samples,
        "recipe": asdict(recipe),
        "seed": arguments.seed,
        "base": loaded.base_name,
        "base_id": loaded.base_id,
        "data": arguments.data.name,
        "data_sha256": file_digest(arguments.data),
        "data_origin": origin_of(arguments.data),
        "extra": arguments.extra.name if arguments.extra else None,
        "extra_sha256": file_digest(arguments.extra) if arguments.extra else None,
        "extra_samples": arguments.extra_samples if arguments.extra else 0,
        "training_samples": samples,
        "kept_samples": kept_samples,
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
