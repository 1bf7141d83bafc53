"""Base model and adapter to something that can decode.

In: an adapter folder and, where it should differ from the recorded one, a base model: the
packaged base, a local folder, or a model-hub name (local hub cache first). Out: an
immutable :class:`LoadedModel` in evaluation mode. Weights are safetensors only, code from
a model folder is never run, and standard error stays clean.
"""

import logging
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from kvrm_grammar.errors import AdapterError
from kvrm_grammar.weights.adapter import read_adapter
from kvrm_grammar.weights.base import named_base, resolve_base
from kvrm_grammar.weights.manifest import Manifest
from kvrm_grammar.weights.pytorch.base import load_base, load_tokenizer
from kvrm_grammar.weights.pytorch.forking import prepare_process
from kvrm_grammar.weights.pytorch.lora import attach_adapter
from kvrm_grammar.weights.pytorch.placement import default_dtype, named_dtype, usable_device
from kvrm_grammar.weights.pytorch.quiet import quiet_transformers
from kvrm_grammar.weights.pytorch.switching import AdapterSwitch, AdapterSwitches

__all__ = ["LoadedModel", "load_model", "load_models"]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to decode. The fields are fixed; the model has no trainable weights.

    Attributes:
        model: Evaluation mode, on ``device``, no parameter requires a gradient.
        tokenizer: The base's tokenizer, without changes.
        base_name: Public name or folder of the base, as an adapter should record it.
        base_id: ``sha256:`` of the packaged base's weights, ``commit:`` of a hub
            snapshot, or ``folder:`` and a path.
        adapter_path: Where the adapter came from; None for the bare base.
        dtype: Of the base's weights and of the computation.
        device: Where the weights are.
        switch: Makes this adapter the active one, where several share the base.
        manifest: What the adapter says it was trained for; None where it says nothing.
        process_id: Of the process that loaded it.
    """

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    base_name: str
    base_id: str
    adapter_path: Path | None
    dtype: torch.dtype
    device: torch.device
    switch: AdapterSwitch | None = None
    manifest: Manifest | None = None
    process_id: int = field(default_factory=os.getpid)

    @property
    def precision(self) -> str:
        """The dtype's name, such as ``bfloat16``."""
        return str(self.dtype).removeprefix("torch.")

    def active(self) -> AbstractContextManager[None]:
        """Hold the model with this adapter active; others of the same base wait.

        Every run of the model belongs inside. In a process that was forked after the model was
        loaded, torch is told to use one thread, because its pool of threads is not there.

        Raises:
            ModelError: This process was forked, and the model is on a GPU.
        """
        prepare_process(self.process_id, self.device)
        return nullcontext() if self.switch is None else self.switch.using()


def load_model(
    adapter: str | Path | None,
    *,
    base: str | Path | None = None,
    dtype: str | torch.dtype | None = None,
    device: str | torch.device | None = None,
    merge: bool = True,
    progress: bool = False,
) -> LoadedModel:
    """Load a base model and put an adapter on it.

    Args:
        adapter: A local adapter folder; None for the bare base.
        base: A folder or hub name; None for the base that the adapter records, or for
            the packaged base where there is no adapter. Another base than the recorded
            one is accepted if every tensor fits, and logged as a warning.
        dtype: One of :data:`~kvrm_grammar.weights.pytorch.placement.DTYPES`, by name or as torch's
            object; None for what is fast on the device.
        device: Such as ``cuda:1``; None for a GPU where there is one, else the CPU.
        merge: Fold the adapter into the base's weights, rounded once where ``dtype`` is not
            float32; docs/performance.md has what it costs otherwise.
        progress: Show a bar on standard error while the packaged base is being built.

    Returns:
        The loaded model. Nothing is cached between calls.

    Raises:
        AdapterError: The adapter is missing, damaged, or of another base.
        BaseModelError: The base is missing, damaged, or cannot be fetched.
        ModelError: The device or the dtype cannot be used.
    """
    target = usable_device(device)
    precision = default_dtype(target) if dtype is None else named_dtype(dtype)
    found = None if adapter is None else read_adapter(adapter)
    wanted = named_base(found, base)
    folder, base_id = resolve_base(wanted, progress=progress)
    with quiet_transformers():
        tokenizer = load_tokenizer(folder, str(wanted))
        model: Any = load_base(folder, str(wanted), precision, tokenizer).to(target)
        if found is not None:
            model = attach_adapter(model, found, str(wanted))
            if merge:
                model = _merged(model, precision)
    model.eval().requires_grad_(False)
    path, manifest = (None, None) if found is None else (found.folder, found.manifest)
    return LoadedModel(
        model, tokenizer, str(wanted), base_id, path, precision, target, manifest=manifest
    )


def load_models(
    adapters: Sequence[str | Path],
    *,
    base: str | Path | None = None,
    dtype: str | torch.dtype | None = None,
    device: str | torch.device | None = None,
    progress: bool = False,
) -> list[LoadedModel]:
    """Load several adapters on one base: one copy of the base's weights in memory.

    Nothing is merged, so an answer costs more than with one merged adapter
    (docs/performance.md).

    Args:
        adapters: Local adapter folders, at least one, all of the same base.
        base: See :func:`load_model`.
        dtype: See :func:`load_model`.
        device: See :func:`load_model`.
        progress: See :func:`load_model`.

    Returns:
        For each adapter a loaded model. They share one model: use each inside its
        :meth:`LoadedModel.active` alone.

    Raises:
        AdapterError: There is none, or one is missing, damaged, or of another base than the
            first.
        BaseModelError: The base is missing, damaged, or cannot be fetched.
        ModelError: The device or the dtype cannot be used.
    """
    if not adapters:
        raise AdapterError("no adapter was named; name at least one adapter folder")
    first = load_model(
        adapters[0], base=base, dtype=dtype, device=device, merge=False, progress=progress
    )
    model: Any = first.model
    shared = [first]
    for number, folder in enumerate(adapters[1:], start=1):
        found = read_adapter(folder)
        if base is None and found.base_name != first.base_name:
            raise AdapterError(f"{folder} is for {found.base_name}, not {first.base_name}")
        with quiet_transformers():
            model = attach_adapter(model, found, first.base_name, name=f"adapter{number}")
        shared.append(replace(first, adapter_path=found.folder, manifest=found.manifest))
    model.eval().requires_grad_(False)
    switches = AdapterSwitches(model)
    return [
        replace(one, switch=switches.of(f"adapter{number}" if number else "default"))
        for number, one in enumerate(shared)
    ]


def _merged(model: PeftModel, precision: torch.dtype) -> Any:
    """Fold the adapter in, adding in float32 and rounding once."""
    if precision == torch.float32:
        return model.merge_and_unload()
    for parameter in model.parameters():
        parameter.data = parameter.data.float()
    merged: Any = model.merge_and_unload()
    # Not `.to`: that would round the rotary frequencies too, which transformers keeps in float32.
    for parameter in merged.parameters():
        parameter.data = parameter.data.to(precision)
    return merged
