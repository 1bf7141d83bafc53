"""What ``kvrm-grammar info`` shows: versions, model, constraint and cache.

In: an adapter folder. Out: a dictionary, and a table on standard output. No model is loaded.
"""

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kvrm_grammar import __version__
from kvrm_grammar.cache import cache_dir
from kvrm_grammar.isa import load_set
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.resources import DEFAULT_ADAPTER, resource_path
from kvrm_grammar.weights.packaged_base import base_problem, packaged_base_path

__all__ = ["describe", "print_description"]

_PACKAGES = ("torch", "transformers", "peft", "outlines", "outlines_core", "lark", "pydantic")


def describe(adapter: Path | None = None) -> dict[str, Any]:
    """Collect the facts.

    Args:
        adapter: Adapter folder; None for the packaged one.

    Returns:
        ``version``, ``python``, ``packages``, ``adapter``, ``adapter_sha256``, ``base``,
        ``base_ready``, ``isa``, ``opcodes``, ``constraint_digest`` and ``cache``.
        Values that are not to be had are None.
    """
    folder = adapter or resource_path(DEFAULT_ADAPTER)
    weights = folder / "adapter_model.safetensors"
    isa = load_set()
    return {
        "version": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "adapter": str(folder),
        "adapter_sha256": _sha256(weights),
        "base": _recorded_base(folder),
        "base_ready": base_problem(packaged_base_path()) is None,
        "isa": isa.name,
        "opcodes": len(isa.models),
        "constraint_digest": build_constraint(isa).digest,
        "cache": str(cache_dir()),
    }


def print_description(description: dict[str, Any]) -> None:
    """Print the facts on standard output, one per line, never cut to the terminal's width."""
    for name, value in description.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items())
        print(f"{name:18} {'-' if value is None else value}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recorded_base(folder: Path) -> str | None:
    try:
        recorded = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        return str(recorded["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
