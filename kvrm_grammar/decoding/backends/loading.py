"""Which backend runs an adapter, and loading it there.

In: an adapter folder, and what a caller names of backend, device and precision. Out: a loaded model
of one kind or the other, and the backend that runs it. torch is imported only where it is named, or
where there is a GPU that it can use.
"""

import ctypes
import logging
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

from kvrm_grammar.decoding.protocol import Backend
from kvrm_grammar.errors import AdapterError, ExportError, InputError, ModelError

__all__ = [
    "BACKENDS",
    "BackendName",
    "Loaded",
    "backend_of",
    "check_outlines",
    "load_many",
    "needs_torch",
    "torch_model",
]

BackendName = Literal["openvino", "torch"]
BACKENDS: tuple[BackendName, ...] = ("openvino", "torch")
"""openvino: a compiled graph, the default on a CPU. torch: the default on a GPU, and what bases
that no graph is built for need."""

_LOGGER = logging.getLogger(__name__)
_TORCH_MODULES = ("torch", "transformers", "peft")


class Loaded(Protocol):
    """A base model with an adapter, in one of the two forms."""

    @property
    def tokenizer(self) -> Any:
        """The base's tokenizer, with ``backend_tokenizer`` and ``eos_token_id``."""

    @property
    def base_name(self) -> str:
        """Public name or folder of the base."""

    @property
    def base_id(self) -> str:
        """What identifies the base's content."""

    @property
    def adapter_path(self) -> Path | None:
        """Where the adapter came from."""

    @property
    def precision(self) -> str:
        """Of the computation, such as ``bfloat16``."""

    @property
    def device(self) -> Any:
        """Where it is computed."""

    def active(self) -> AbstractContextManager[None]:
        """Hold the model with this adapter active."""


def load_many(
    adapters: Sequence[Path],
    *,
    backend: str | None = None,
    base: str | Path | None = None,
    device: Any = None,
    precision: Any = None,
    progress: bool = False,
) -> list[Loaded]:
    """Load adapters of one base.

    Args:
        adapters: Local adapter folders, at least one.
        backend: One of ``BACKENDS``; None for OpenVINO on a CPU and torch on a GPU.
        base: Base model folder or name; None for the one the adapters name.
        device: Such as ``cuda``; None for a GPU that torch can use, else the CPU.
        precision: Such as ``bfloat16`` or ``int8``, or torch's object of it; None for what is fast
            on the device.
        progress: Show a bar on standard error while the packaged base is being built.

    Returns:
        For each adapter a loaded model. In torch several share the base's weights, and are then
        not merged into it, which costs speed; OpenVINO has a graph for each.

    Raises:
        InputError: There is no such backend.
        AdapterError: One is missing, damaged, or of another base.
        BaseModelError: The base is missing, damaged, or cannot be fetched.
        ModelError: Backend, device or precision cannot be used here.
    """
    if backend is not None and backend not in BACKENDS:
        raise InputError(f"no backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    name = precision if precision is None else str(precision).removeprefix("torch.")
    chosen = backend or _default_backend(device, name)
    if chosen == "torch":
        return _in_torch(adapters, base, device, precision, progress)
    if device is not None and str(device) != "cpu":
        raise ModelError(f"openvino computes on the cpu here, not on {device}; choose torch")
    try:
        return _exported(adapters, base, name, progress)
    except ExportError as error:
        if backend is not None:
            raise
        if not _has_torch():
            raise ExportError(f"{error}; {needs_torch('torch, which can run it,')}") from error
        _LOGGER.warning("%s: torch runs it", error)
    return _in_torch(adapters, base, device, precision, progress)


def backend_of(loaded: Any) -> Backend:
    """What runs a loaded model."""
    from kvrm_grammar.weights.export.loading import ExportedModel

    if isinstance(loaded, ExportedModel):
        from kvrm_grammar.decoding.backends.openvino import OpenVinoBackend

        return OpenVinoBackend(loaded)
    from kvrm_grammar.decoding.backends.pytorch import TorchBackend

    return TorchBackend(loaded.model)


def torch_model(loaded: Loaded, what: str = "this") -> Any:
    """The transformers model of an adapter that was loaded in torch.

    Args:
        loaded: As loaded.
        what: Needs it; for the error.

    Raises:
        ModelError: It was loaded for another backend.
    """
    model = getattr(loaded, "model", None)
    if model is None:
        raise ModelError(f"{what} runs in the backend 'torch' alone; choose it")
    return model


def check_outlines() -> None:
    """See that what the method ``outlines`` needs is installed.

    Raises:
        ModelError: The extra is missing.
    """
    if not (_has_torch() and _is_there("outlines")):
        raise ModelError(needs_torch("the method 'outlines'"))


def needs_torch(what: str) -> str:
    """What to say where something needs torch and it is not installed."""
    return f"{what} needs the extra 'torch': pip install 'kvrm-grammar[torch]'"


def _exported(
    adapters: Sequence[Path], base: str | Path | None, precision: str | None, progress: bool
) -> list[Loaded]:
    from kvrm_grammar.weights.export.loading import load_exported

    found: list[Any] = []
    for folder in adapters:
        one = load_exported(folder, base=base, precision=precision, progress=progress)
        if base is None and found and one.base_name != found[0].base_name:
            raise AdapterError(f"{folder} is for {one.base_name}, not {found[0].base_name}")
        found.append(one)
    return found


def _in_torch(
    adapters: Sequence[Path], base: Any, device: Any, precision: Any, progress: bool
) -> list[Loaded]:
    if not _has_torch():
        raise ModelError(needs_torch("the backend 'torch'"))
    from kvrm_grammar.weights.pytorch.loading import load_model, load_models

    options: dict[str, Any] = {
        "base": base,
        "device": device,
        "dtype": precision,
        "progress": progress,
    }
    if len(adapters) == 1:
        return [load_model(adapters[0], **options)]
    return [*load_models(adapters, **options)]


def _default_backend(device: Any, precision: str | None) -> BackendName:
    if device is not None:
        return "openvino" if str(device) == "cpu" and precision != "float16" else "torch"
    if precision == "float16":
        return "torch"
    return "torch" if precision != "int8" and _has_torch() and _has_gpu() else "openvino"


def _has_torch() -> bool:
    return all(map(_is_there, _TORCH_MODULES))


def _is_there(name: str) -> bool:
    try:
        return name in sys.modules or find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _has_gpu() -> bool:
    """Whether torch finds a GPU; asked only where the driver's library is there."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    try:
        import torch
    except (ImportError, OSError) as error:
        _LOGGER.warning("torch cannot be imported (%s): the CPU computes", error)
        return False
    return bool(torch.cuda.is_available())
