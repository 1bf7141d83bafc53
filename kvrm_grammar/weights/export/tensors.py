"""The tensors of safetensors files, read as float32 without torch.

In: a file, or a folder with one or with an index of several. Out: numpy arrays. A file is mapped,
not read, so what is not asked for costs nothing. bfloat16, which numpy lacks, is widened exactly.
The format: https://github.com/huggingface/safetensors#format
"""

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

__all__ = ["TensorFile", "open_tensors", "to_float32"]

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


class TensorFile:
    """The tensors of one or several safetensors files. Immutable; threads may share it.

    Args:
        paths: The files; a name that two of them have is the last one's.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file is not well formed.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._found: dict[str, tuple[npt.NDArray[Any], bool]] = {}
        left_out: list[str] = []
        for path in paths:
            self._found |= _mapped(path, left_out)
        self.left_out = tuple(left_out)
        """Names of integers and other things that are no weights."""

    def __contains__(self, name: str) -> bool:
        return name in self._found

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the files' order."""
        return tuple(self._found)

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape.

        Raises:
            KeyError: There is none of that name.
        """
        return self._found[name][0].shape

    def stored(self, name: str) -> tuple[npt.NDArray[Any], bool]:
        """A tensor as it is in the file, and whether its 16-bit integers are bfloat16.

        Raises:
            KeyError: There is none of that name.
        """
        return self._found[name]

    def float32(self, name: str) -> npt.NDArray[np.float32]:
        """A tensor's values.

        Raises:
            KeyError: There is none of that name.
        """
        return to_float32(*self._found[name])


def to_float32(stored: npt.NDArray[Any], is_bfloat16: bool) -> npt.NDArray[np.float32]:
    """Widen stored values.

    >>> to_float32(np.array([0x3F80, 0xC000], dtype=np.uint16), True).tolist()
    [1.0, -2.0]
    """
    if is_bfloat16:
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.astype(np.float32)


def open_tensors(folder: Path, stem: str = "model") -> TensorFile:
    """Open a folder's ``model.safetensors``, or the shards that its index lists.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file is not well formed.
    """
    index = folder / f"{stem}.safetensors.index.json"
    if not index.exists():
        return TensorFile([folder / f"{stem}.safetensors"])
    content = json.loads(index.read_text("utf-8"))
    shards = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise ValueError(f"{index} has no weight map")
    return TensorFile([folder / Path(name).name for name in sorted(set(shards.values()))])


def _mapped(path: Path, left_out: list[str]) -> dict[str, tuple[npt.NDArray[Any], bool]]:
    try:
        # The library reads no bfloat16 into numpy, but it knows whether a file is well formed.
        with safe_open(path, framework="numpy"):
            pass
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    whole = np.memmap(path, np.uint8, "r")[8 + length :]
    found: dict[str, tuple[npt.NDArray[Any], bool]] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in _TYPES:
            left_out.append(name)
            continue  # integers, such as buffers of older models, are no weights
        begin, end = entry["data_offsets"]
        data = whole[begin:end].view(_TYPES[entry["dtype"]]).reshape(entry["shape"])
        found[name] = data, entry["dtype"] == "BF16"
    return found
