"""What a reader needs to repeat a measurement.

In: a decoder and a seed. Out: a JSON-ready row: weights, base, device, versions, commit.
"""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from kvrm_grammar.decoding.decoder import Decoder
from training.data.files import file_digest

__all__ = ["current_commit", "processor", "provenance"]

_PACKAGES = ("openvino", "outlines_core", "torch", "transformers", "peft", "outlines")

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
    graph = getattr(decoder.loaded, "graph", None)
    return {
        "seed": seed,
        "adapter_sha256": file_digest(weights) if weights else None,
        "base": decoder.loaded.base_name,
        "base_id": decoder.loaded.base_id,
        "set": decoder.isa.name,
        "set_digest": decoder.isa.digest,
        "constraint_digest": decoder.schema.digest,
        "device": str(decoder.loaded.device),
        "backend": "torch" if graph is None else "openvino",
        "dtype": decoder.loaded.precision,
        "threads": torch.get_num_threads() if graph is None else _threads(graph),
        "processor": processor(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
        "commit": current_commit(),
    }


def processor() -> str:
    """The processor's name and what it has for small numbers, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    known = {name.strip(): value.strip() for name, value in fields.items()}
    flags = known.get("flags", "").split()
    wanted = ("avx2", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
    return " ".join(
        [known.get("model name", platform.machine()), *(f for f in wanted if f in flags)]
    )


def _threads(graph: Any) -> int:
    return int(graph.get_property("INFERENCE_NUM_THREADS"))


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
