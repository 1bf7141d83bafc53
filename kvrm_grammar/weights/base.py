"""The base model's folder: by name, by path, or from the model hub.

In: the packaged base's name, a local folder, or a model-hub name (local hub cache first). Out: its
folder, and what identifies its content. No tensor is read here.
"""

import json
import logging
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import AdapterError, BaseModelError
from kvrm_grammar.weights.adapter import Adapter
from kvrm_grammar.weights.packaged_base import (
    PACKAGED_BASE_NAME,
    ensure_packaged_base,
    read_manifest,
)

__all__ = ["named_base", "resolve_base"]

_LOGGER = logging.getLogger(__name__)
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


def named_base(adapter: Adapter | None, base: str | Path | None) -> str | Path:
    """Say which base model is meant.

    Args:
        adapter: As from ``read_adapter``; None for the bare base.
        base: What the caller names; None for the base that the adapter records, or for the
            packaged base where there is no adapter. Another one than the recorded one is logged
            as a warning.

    Raises:
        AdapterError: Neither the caller nor the adapter names one.
    """
    recorded = PACKAGED_BASE_NAME if adapter is None else adapter.base_name
    wanted = recorded if base is None else base
    if adapter is None:
        return wanted or PACKAGED_BASE_NAME
    if wanted is None:
        raise AdapterError(f"{adapter.folder} does not record its base model; name one with `base`")
    if str(wanted) != recorded:
        _LOGGER.warning("adapter %s was made for %s, not %s", adapter.folder, recorded, wanted)
    return wanted


def resolve_base(base: str | Path, *, progress: bool) -> tuple[Path, str]:
    """Find a base model's folder.

    Args:
        base: The packaged base's name, a folder, or a hub name.
        progress: Show a bar on standard error while the packaged base is being built.

    Returns:
        The folder, and what identifies its content: ``sha256:`` of the packaged base's weights,
        ``commit:`` of a hub snapshot, or ``folder:`` and a path.

    Raises:
        BaseModelError: It is neither there nor to be had.
    """
    # By name first: a folder of that name below the current one must not replace it.
    if str(base) == PACKAGED_BASE_NAME:
        folder = ensure_packaged_base(progress=progress, verify="once")
        digest = read_manifest(folder)["files"]["model.safetensors"]["sha256"]
        return folder, f"sha256:{digest}"
    folder = Path(base).expanduser()
    if folder.is_dir():
        return folder, f"folder:{folder.resolve()}"
    if isinstance(base, Path) or base.startswith((".", "/", "~")) or base.count("/") > 1:
        raise BaseModelError(f"no base model folder {base}")
    folder = _hub_folder(base)
    return folder, f"commit:{folder.name}"


def _hub_folder(name: str) -> Path:
    from huggingface_hub import snapshot_download, utils

    bar: Any = getattr(utils, "tqdm")  # noqa: B009  # typed as if it were not there

    class Silent(bar):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})

    options: dict[str, Any] = {"allow_patterns": _HUB_FILES, "tqdm_class": Silent}
    try:
        local = Path(snapshot_download(name, local_files_only=True, **options))
        if _is_complete(local):
            return local
    except Exception:  # not in the cache, whatever type this version raises
        pass
    try:
        return Path(snapshot_download(name, **options))
    except Exception as error:  # HTTP, DNS, offline mode, no such name, full disk
        reason = str(error).strip().splitlines()
        raise BaseModelError(
            f"base model {name!r} is neither a local folder nor in the hub's local cache, "
            f"and the hub did not give it ({reason[0] if reason else type(error).__name__}); "
            f"name a folder, or use the packaged base {PACKAGED_BASE_NAME}"
        ) from error


def _is_complete(folder: Path) -> bool:
    index = folder / "model.safetensors.index.json"
    if not (folder / "config.json").exists():
        return False
    if not index.exists():
        return (folder / "model.safetensors").exists()
    shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    return all((folder / shard).exists() for shard in shards)
