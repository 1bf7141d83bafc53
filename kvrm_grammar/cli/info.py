"""The command ``info``: versions, model, constraint and cache.

In: a dialect or an adapter folder. Out: a dictionary, and a table or JSON on standard
output. No model is loaded.
"""

import hashlib
import json
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kvrm_grammar import __version__
from kvrm_grammar.cache import cache_dir
from kvrm_grammar.cli.failures import failures
from kvrm_grammar.cli.loading import chosen_isa
from kvrm_grammar.cli.options import Adapter, DialectOption, IsaOption, Verbose
from kvrm_grammar.cli.output import destination

if TYPE_CHECKING:
    from kvrm_grammar.isa import InstructionSet

__all__ = ["AsJson", "describe", "info", "table"]

_PACKAGES = (
    "openvino", "torch", "transformers", "peft", "outlines", "outlines_core", "lark", "pydantic",
)  # fmt: skip


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def info(
    adapter: Adapter = None,
    isa: IsaOption = None,
    dialect: DialectOption = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Show versions, model, constraint digest and cache."""
    with failures(verbose), destination(None) as writer:
        description = describe(adapter, dialect, chosen_isa(isa))
        lines = iter([json.dumps(description)]) if as_json else table(description)
        for line in lines:
            writer.line(line)


def describe(
    adapter: Path | None = None,
    dialect: str | None = None,
    isa: "InstructionSet | None" = None,
) -> dict[str, Any]:
    """Collect the facts.

    Args:
        adapter: Adapter folder; None for the packaged one of the dialect.
        dialect: The input language; None for the one of the adapter, or ``strict``.
        isa: Instruction set; None for the one of the adapter, or the default one.

    Returns:
        ``version``, ``python``, ``packages``, ``dialect``, ``adapter``, ``adapter_sha256``,
        ``base``, ``base_ready``, ``isa``, ``opcodes``, ``set_digest``,
        ``constraint_digest`` and ``cache``.
        Values that are not to be had are None.
    """
    from kvrm_grammar.dialects import find_dialect
    from kvrm_grammar.isa import load_set
    from kvrm_grammar.language.constraint import build_constraint
    from kvrm_grammar.resources import resource_path
    from kvrm_grammar.weights.manifest import read_manifest
    from kvrm_grammar.weights.packaged_base import base_problem, packaged_base_path

    manifest = None if adapter is None else read_manifest(adapter)
    isa = load_set(isa)
    chosen = find_dialect(dialect or (manifest.dialect if manifest else "strict"), isa)
    folder = adapter or (None if chosen.adapter is None else resource_path(chosen.adapter))
    return {
        "version": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "dialect": chosen.name,
        "adapter": None if folder is None else str(folder),
        "adapter_sha256": _sha256(folder),
        "base": _recorded_base(folder),
        "base_ready": base_problem(packaged_base_path()) is None,
        "isa": isa.name,
        "opcodes": len(isa.models),
        "set_digest": isa.digest,
        "constraint_digest": build_constraint(isa).digest,
        "cache": str(cache_dir()),
    }


def table(description: dict[str, Any]) -> Iterator[str]:
    """Write the facts for a person, one per line, never cut to the terminal's width."""
    for name, value in description.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items())
        yield f"{name:18} {'-' if value is None else value}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _sha256(folder: Path | None) -> str | None:
    path = (folder or Path()) / "adapter_model.safetensors"
    if folder is None or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recorded_base(folder: Path | None) -> str | None:
    if folder is None:
        return None
    try:
        recorded = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        return str(recorded["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
