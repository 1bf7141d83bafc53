"""Adapters and bases that cannot be used, made from ones that can."""

import shutil
from collections.abc import Callable
from pathlib import Path


def _truncated(adapter: Path, tmp_path: Path) -> list[str]:
    folder = Path(shutil.copytree(adapter, tmp_path / "damaged"))
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    return ["--adapter", str(folder)]


def _broken_config(adapter: Path, tmp_path: Path) -> list[str]:
    folder = Path(shutil.copytree(adapter, tmp_path / "broken"))
    (folder / "adapter_config.json").write_text("{")
    return ["--adapter", str(folder)]


UNUSABLE: dict[str, tuple[Callable[[Path, Path], list[str]], str]] = {
    "missing": (lambda a, t: ["--adapter", str(t / "nowhere")], "no adapter folder"),
    "a file": (lambda a, t: ["--adapter", str(a / "adapter_config.json")], "no adapter folder"),
    "truncated": (_truncated, "is damaged"),
    "broken config": (_broken_config, "is not valid JSON"),
    "no base": (
        lambda a, t: ["--adapter", str(a), "--base", str(t / "no")],
        "no base model folder",
    ),
}
