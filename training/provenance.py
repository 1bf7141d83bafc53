"""What a reader needs to repeat a measurement.

In: a decoder and a seed. Out: a JSON-ready row: weights, base, device, versions, commit.
"""

import platform
import subprocess
from importlib.metadata import version
from typing import Any

import torch

from kvrm_grammar.decoding.decoder import Decoder
from training.data.files import file_digest

__all__ = ["current_commit", "provenance"]

_RESULTS = tuple(
    f":(exclude,top){path}"
    for path in ("benchmarks/results", "models/*/evaluation.json", "models/*/leave_one_out.json")
)


def provenance(decoder: Decoder, seed: int | None = None) -> dict[str, Any]:
    """Say with what a measurement is made; to be asked before it begins.

    Args:
        decoder: What is measured.
        seed: Of the texts; None where nothing is drawn.

    Returns:
        A JSON-ready row. ``set_digest`` says which instruction set was read; ``base`` is the base's
        name, ``base_id`` which bytes it has: the digest of the packaged weights, a hub's commit, or
        a folder. ``commit`` is None where git is not installed, or there is no repository.
    """
    folder = decoder.loaded.adapter_path
    weights = folder / "adapter_model.safetensors" if folder else None
    return {
        "seed": seed,
        "adapter_sha256": file_digest(weights) if weights else None,
        "base": decoder.loaded.base_name,
        "base_id": decoder.loaded.base_id,
        "set": decoder.isa.name,
        "set_digest": decoder.isa.digest,
        "constraint_digest": decoder.schema.digest,
        "device": str(decoder.loaded.device),
        "dtype": str(decoder.loaded.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "outlines")},
        "commit": current_commit(),
    }


def current_commit() -> str | None:
    """The commit checked out, marked where code or weights differ.

    Results do not count: one measurement writes its own before the next begins.

    Returns:
        Twelve hex digits, and ``-dirty`` where something differs; None outside a repository, and
        where git is not installed or cannot be started.
    """
    head = _git("rev-parse", "--short=12", "HEAD")
    if not head:
        return None
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", *_RESULTS)
    return head + ("-dirty" if changed else "")


def _git(*arguments: str) -> str:
    """What git prints; nothing where it cannot be started."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()
