"""A LoRA adapter folder, checked before and while it is put on a base model.

In: a folder with ``adapter_config.json`` and ``adapter_model.safetensors``, and a base
model. Out: a PEFT model that holds exactly the tensors of the file, in float32, or an
:class:`~kvrm_grammar.errors.AdapterError` that says which tensor does not fit. Pickles
are never read. Where the folder has a ``SHA256SUMS``, its files must be what that says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from kvrm_grammar.errors import AdapterError
from kvrm_grammar.weights.checksums import CONFIG, WEIGHTS, compare_checksums, write_checksums
from kvrm_grammar.weights.manifest import Manifest, read_manifest

__all__ = ["Adapter", "attach_adapter", "read_adapter", "write_weights"]

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


def write_weights(folder: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write an adapter's weights, rounded to bfloat16, beside its configuration, and checksums."""
    rounded = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in tensors.items()}
    save_file(rounded, folder / WEIGHTS, metadata={"format": "pt"})
    write_checksums(folder)


def attach_adapter(
    model: PreTrainedModel | PeftModel, adapter: Adapter, base_name: str, name: str = "default"
) -> PeftModel:
    """Put an adapter on a base model, or one more beside those it has.

    Args:
        model: The base model, or what an earlier call returned; it is changed in place.
        adapter: As from :func:`read_adapter`.
        base_name: What to call the base in an error.
        name: What the model calls the adapter; one more must have another name.

    Returns:
        The model with the first adapter active, in inference mode; LoRA weights are float32
        whatever the base's dtype is.

    Raises:
        AdapterError: The weights are damaged, or do not fit the base exactly.
    """
    weights = _read_weights(adapter.folder / WEIGHTS)
    recorded = adapter.base_name or "an unnamed base"
    misfit = f"adapter {adapter.folder}, made for {recorded}, does not fit base {base_name}"
    try:
        config = _lora_config(adapter)
        # PEFT draws start values, although the file replaces every one, as is checked next.
        # (Its way without them would round the adapter to the base's dtype.)
        with torch.random.fork_rng(devices=[]):
            if isinstance(model, PeftModel):
                tuned = model
                tuned.add_adapter(name, config)
            else:
                tuned = get_peft_model(model, config, adapter_name=name)
        expected = get_peft_model_state_dict(tuned, adapter_name=name, save_embedding_layers=False)
    except AdapterError:
        raise
    except Exception as error:  # PEFT has no error types of its own
        raise AdapterError(f"{misfit}: {error}") from error
    difference = _difference(expected, weights)
    if difference is not None:
        raise AdapterError(f"{misfit}: {difference}")
    set_peft_model_state_dict(tuned, weights, adapter_name=name)
    return tuned


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AdapterError(f"{path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise AdapterError(f"{path} is not valid JSON ({error})") from error
    if not isinstance(config, dict):
        raise AdapterError(f"{path} is not a JSON object")
    return config


def _lora_config(adapter: Adapter) -> LoraConfig:
    known = {field.name for field in fields(LoraConfig)}
    # A newer PEFT writes more fields; those it leaves empty change nothing.
    strange = {name for name, value in adapter.config.items() if name not in known and value}
    if strange:
        raise AdapterError(
            f"{adapter.folder / CONFIG}: this version of PEFT does not know {min(strange)!r}; "
            "upgrade peft"
        )
    options = {name: value for name, value in adapter.config.items() if name in known}
    return LoraConfig(**{**options, "inference_mode": True})


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        weights = load_file(path)
    except OSError as error:
        raise AdapterError(
            f"{path} cannot be read ({error.strerror or error}); make it readable for this user, "
            "or copy it again"
        ) from error
    except (SafetensorError, ValueError, KeyError) as error:
        raise AdapterError(f"{path} is damaged ({error}); copy it again") from error
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise AdapterError(f"{path} is damaged (not a number in {name!r}); copy it again")
    return {name: tensor.float() for name, tensor in weights.items()}


def _difference(expected: dict[str, torch.Tensor], found: dict[str, torch.Tensor]) -> str | None:
    for kind, names in (
        ("missing", expected.keys() - found.keys()),
        ("unexpected", found.keys() - expected.keys()),
    ):
        if names:
            return f"{len(names)} tensors are {kind}, such as {min(names)!r}"
    for name, tensor in sorted(expected.items()):
        if tensor.shape != found[name].shape:
            have, need = tuple(found[name].shape), tuple(tensor.shape)
            return f"tensor {name!r} has shape {have}, the base needs {need}"
    return None
