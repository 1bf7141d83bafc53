"""A LoRA adapter on a base model, by PEFT.

In: an adapter folder as :mod:`~kvrm_grammar.weights.adapter` reads it, and a base model. Out: a
PEFT model that holds exactly the tensors of the file, in float32, or an
:class:`~kvrm_grammar.errors.AdapterError` that says which tensor does not fit.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from kvrm_grammar.errors import AdapterError
from kvrm_grammar.weights.adapter import Adapter
from kvrm_grammar.weights.checksums import CONFIG, WEIGHTS, write_checksums

__all__ = ["attach_adapter", "write_weights"]


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
