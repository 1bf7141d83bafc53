"""Base model and adapter to something that can decode.

In: an adapter folder and, where it should differ from the recorded one, a base model: the
packaged base, a local folder, or a model-hub name (local hub cache first). Out: an
immutable :class:`LoadedModel` in evaluation mode. Weights are safetensors only, code from
a model folder is never run, and standard error stays clean.
"""

import json
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from peft import PeftModel
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from kvrm_grammar.errors import AdapterError, BaseModelError, ModelError
from kvrm_grammar.language.tokens import check_plain
from kvrm_grammar.weights.adapter import attach_adapter, read_adapter
from kvrm_grammar.weights.manifest import Manifest
from kvrm_grammar.weights.packaged_base import (
    PACKAGED_BASE_NAME,
    ensure_packaged_base,
    read_manifest,
)
from kvrm_grammar.weights.quiet import quiet_transformers
from kvrm_grammar.weights.switching import AdapterSwitch, AdapterSwitches

__all__ = ["LoadedModel", "default_device", "default_dtype", "load_model", "load_models"]

_LOGGER = logging.getLogger(__name__)
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


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

    def active(self) -> AbstractContextManager[None]:
        """Hold the model with this adapter active; others of the same base wait."""
        return nullcontext() if self.switch is None else self.switch.using()


def load_model(
    adapter: str | Path | None,
    *,
    base: str | Path | None = None,
    dtype: torch.dtype | None = None,
    device: str | torch.device | None = None,
    merge: bool | None = None,
    progress: bool = False,
) -> LoadedModel:
    """Load a base model and put an adapter on it.

    Args:
        adapter: A local adapter folder; None for the bare base.
        base: A folder or hub name; None for the base that the adapter records, or for
            the packaged base where there is no adapter. Another base than the recorded
            one is accepted if every tensor fits, and logged as a warning.
        dtype: None for :func:`default_dtype`.
        device: None for :func:`default_device`.
        merge: Fold the adapter into the base's weights. It saves about a fifth of a
            forward pass, but in bfloat16 it rounds the adapter away in part; None
            merges in float32 alone.
        progress: Show a bar on standard error while the packaged base is being built.

    Returns:
        The loaded model. Nothing is cached between calls.

    Raises:
        AdapterError: The adapter is missing, damaged, or of another base.
        BaseModelError: The base is missing, damaged, or cannot be fetched.
        ModelError: The device cannot be used.
    """
    found = None if adapter is None else read_adapter(adapter)
    recorded = PACKAGED_BASE_NAME if found is None else found.base_name
    wanted = recorded if base is None else base
    if wanted is None:
        raise AdapterError(f"{adapter} does not record its base model; name one with `base`")
    if found is not None and str(wanted) != recorded:
        _LOGGER.warning("adapter %s was made for %s, not %s", adapter, recorded, wanted)
    target = _usable_device(device)
    dtype = dtype or default_dtype(target)
    folder, base_id = _resolve_base(wanted, progress=progress)
    with quiet_transformers():
        tokenizer = _load_tokenizer(folder, str(wanted))
        model: Any = _load_base(folder, str(wanted), dtype, tokenizer).to(target)
        if found is not None:
            model = attach_adapter(model, found, str(wanted))
            if merge or (merge is None and dtype == torch.float32):
                model = model.merge_and_unload()
    model.eval().requires_grad_(False)
    path, manifest = (None, None) if found is None else (found.folder, found.manifest)
    return LoadedModel(
        model, tokenizer, str(wanted), base_id, path, dtype, target, manifest=manifest
    )


def load_models(
    adapters: Sequence[str | Path],
    *,
    base: str | Path | None = None,
    dtype: torch.dtype | None = None,
    device: str | torch.device | None = None,
    progress: bool = False,
) -> list[LoadedModel]:
    """Load several adapters on one base: one copy of the base's weights in memory.

    Nothing is merged, so an answer costs about a fifth more than with one merged adapter.

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
        AdapterError: An adapter is missing, damaged, or of another base than the first.
        BaseModelError: The base is missing, damaged, or cannot be fetched.
        ModelError: The device cannot be used.
    """
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


def default_device() -> torch.device:
    """Choose where to compute.

    Returns:
        ``cuda`` where there is one, else ``cpu``.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def default_dtype(device: str | torch.device) -> torch.dtype:
    """Choose the dtype that is fast on a device.

    Args:
        device: Where the model will run.

    Returns:
        bfloat16 where the hardware has it. Other processors emulate it about six times
        slower than float32 (measured), so those get float32.
    """
    if torch.device(device).type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # Private names, but the only ones that torch has: absent means unknown, so float32.
        names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        native = any(getattr(torch.cpu, name, bool)() for name in names)
    return torch.bfloat16 if native else torch.float32


def _usable_device(device: str | torch.device | None) -> torch.device:
    if device is None:
        return default_device()
    try:
        target = torch.device(device)
        torch.empty(1, device=target)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelError(f"device {str(device)!r} cannot be used: {error}") from error
    return target


def _resolve_base(base: str | Path, *, progress: bool) -> tuple[Path, str]:
    # By name first: a folder of that name below the current one must not replace it.
    if str(base) == PACKAGED_BASE_NAME:
        folder = ensure_packaged_base(progress=progress, verify=True)
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
    with quiet_transformers():
        try:
            local = Path(snapshot_download(name, local_files_only=True, allow_patterns=_HUB_FILES))
            if _is_complete(local):
                return local
        except Exception:  # not in the cache, whatever type this version raises
            pass
        try:
            return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
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


def _load_tokenizer(folder: Path, name: str) -> PreTrainedTokenizerBase:
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # readers of many formats, each with its own errors
        raise BaseModelError(f"the tokenizer of {name} cannot be read ({error})") from error
    if tokenizer.eos_token_id is None:
        raise BaseModelError(f"the tokenizer of {name} has no end token")
    check_plain(tokenizer)
    return tokenizer


def _load_base(
    folder: Path, name: str, dtype: torch.dtype, tokenizer: PreTrainedTokenizerBase
) -> Any:
    # transformers would follow an adapter to its base, over the network if need be.
    if (folder / "adapter_config.json").exists():
        raise BaseModelError(f"{folder} is an adapter, not a base model")
    options: dict[str, Any] = {
        "dtype": dtype,
        "local_files_only": True,
        "trust_remote_code": False,
        "use_safetensors": True,
        "output_loading_info": True,
    }
    load: Any = AutoModelForCausalLM.from_pretrained  # typed as if it returned no report
    try:
        model, report = load(folder, **options)
    except Exception as error:  # readers of many formats, each with its own errors
        raise BaseModelError(f"base model {name} in {folder} cannot be read ({error})") from error
    # transformers fills a gap with random numbers and a warning; that is no base model.
    gaps = sorted(str(key) for key in (*report["missing_keys"], *report["mismatched_keys"]))
    if gaps:
        raise BaseModelError(f"base model {name} in {folder} lacks {len(gaps)} tensors: {gaps[0]}")
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        raise BaseModelError(f"the tokenizer of {name} has more tokens than the model")
    # The name, not this machine's folder, is what a new adapter should record.
    model.name_or_path = model.config.name_or_path = name
    return model
