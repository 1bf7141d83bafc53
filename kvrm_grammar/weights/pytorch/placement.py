"""Where a model is computed, and in which precision.

In: what a user named, such as ``"cuda:1"`` and ``"bfloat16"``, or nothing. Out: a torch device
that was tried out, and a torch dtype, or a :class:`~kvrm_grammar.errors.ModelError` that lists
what there is. Used by :mod:`~kvrm_grammar.weights.pytorch.loading`.
"""

import torch

from kvrm_grammar.errors import ModelError

__all__ = ["DTYPES", "default_device", "default_dtype", "named_dtype", "usable_device"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""The precisions that a model can be loaded in, by name."""

# Whatever a backend raises that is not there, half there, or not compiled in.
_DEVICE_ERRORS = (
    AssertionError,
    ImportError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)


def default_device() -> torch.device:
    """Choose where to compute.

    Returns:
        ``cuda`` where there is one, else ``cpu``.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def default_dtype(device: str | torch.device) -> torch.dtype:
    """Choose the dtype that is fast on a device.

    Args:
        device: Where the model will run; of several GPUs, this very one is asked.

    Returns:
        bfloat16 where the hardware has it, else float32. Processors without it emulate it
        about six times slower than float32 (measured). Of other devices than ``cpu`` and
        ``cuda`` nothing is known, so they get float32.
    """
    target = torch.device(device)
    if target.type == "cuda":
        # As torch.cuda.is_bf16_supported does, which asks the current device alone.
        native = bool(torch.version.hip) or torch.cuda.get_device_properties(target).major >= 8
    elif target.type == "cpu":
        # Private names, but the only ones that torch has: absent means unknown, so float32.
        names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        native = any(getattr(torch.cpu, name, bool)() for name in names)
    else:
        native = False
    return torch.bfloat16 if native else torch.float32


def named_dtype(dtype: str | torch.dtype) -> torch.dtype:
    """Read a precision.

    Args:
        dtype: A name out of :data:`DTYPES`, or torch's own object of it.

    Returns:
        The torch dtype.

    Raises:
        ModelError: It is another one; the message lists what is allowed.

    >>> named_dtype("bfloat16")
    torch.bfloat16
    """
    found = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if found is None or found not in DTYPES.values():
        raise ModelError(f"dtype {dtype!r} cannot be used; choose one of {', '.join(DTYPES)}")
    return found


def usable_device(device: str | torch.device | None) -> torch.device:
    """Find a device and make sure that it computes.

    Args:
        device: Such as ``cpu`` or ``cuda:1``; None for :func:`default_device`.

    Returns:
        The device.

    Raises:
        ModelError: There is no such device, or it holds no numbers, as ``meta`` does.
    """
    if device is None:
        return default_device()
    try:
        target = torch.device(device)
        float(torch.zeros(1, device=target) + 1)
    except _DEVICE_ERRORS as error:
        raise ModelError(
            f"device {str(device)!r} cannot be used: {error}; name one such as cpu or cuda:0"
        ) from error
    return target
