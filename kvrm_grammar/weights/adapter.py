"""A LoRA adapter folder, checked before any of its tensors is read.

In: a folder with ``adapter_config.json`` and ``adapter_model.safetensors``. Out: an
:class:`Adapter`, or an :class:`~kvrm_grammar.errors.AdapterError`. Pickles are never read. Where
the folder has a ``SHA256SUMS``, its files must be what that says. torch is not needed:
:mod:`~kvrm_grammar.weights.export.folding` and :mod:`~kvrm_grammar.weights.pytorch.lora` put the
tensors on a base.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import AdapterError
from kvrm_grammar.weights.checksums import CONFIG, WEIGHTS, compare_checksums
from kvrm_grammar.weights.manifest import Manifest, read_manifest

__all__ = ["Adapter", "read_adapter"]

_PICKLES = ("adapter_model.bin", "adapter_model.pt", "adapter_model.pth")


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an adapter folder says, before any tensor is read. Immutable.

    Attributes:
        folder: Where it is.
        config: The fields of ``adapter_config.json``.
        base_name: The base model it was trained on, as recorded; None if not recorded.
        manifest: Instruction set and dialect it was trained for; None if not recorded.
    """

    folder: Path
    config: dict[str, Any]
    base_name: str | None
    manifest: Manifest | None = None


def read_adapter(folder: str | Path) -> Adapter:
    """Read an adapter's configuration and make sure that its weights file is there.

    Args:
        folder: A local folder.

    Returns:
        Its description.

    Raises:
        AdapterError: The folder, its configuration or its safetensors file is missing or
            not what its checksums say, the configuration is not that of a LoRA adapter, the
            weights are a pickle, or its manifest is malformed.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise AdapterError(f"no adapter folder {folder}; train one, or name another folder")
    config = _read_config(folder)
    if not (folder / WEIGHTS).is_file():
        pickles = [name for name in _PICKLES if (folder / name).exists()]
        if pickles:
            raise AdapterError(
                f"{folder / pickles[0]} is a pickle, which can run code when it is read; "
                f"save the adapter as {WEIGHTS}"
            )
        raise AdapterError(f"{folder} has no {WEIGHTS}; copy the whole adapter folder")
    compare_checksums(folder)
    if config.get("peft_type") != "LORA":
        raise AdapterError(f"{folder / CONFIG}: peft_type {config.get('peft_type')!r} is not LORA")
    name = config.get("base_model_name_or_path")
    recorded = name if isinstance(name, str) and name else None
    return Adapter(folder, config, recorded, read_manifest(folder))


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AdapterError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise AdapterError(f"{path} is not valid JSON ({error})") from error
    if not isinstance(config, dict):
        raise AdapterError(f"{path} is not a JSON object")
    return config
