"""A LoRA adapter as a GGUF file that llama.cpp loads beside a base model.

In: an adapter folder and the folder of its base, a Llama. Out: one file with ``A`` and ``B`` of
each matrix in float32, exactly the numbers of the adapter's file, under llama.cpp's names. With
numpy, gguf and safetensors alone: torch is not needed.

What the file holds is what llama.cpp's ``convert_lora_to_gguf.py`` writes and ``llama-adapter.cpp``
reads: ``general.type``, ``adapter.type``, ``adapter.lora.alpha``, and for queries and keys the rows
of ``B`` in pairs. llama.cpp computes ``W + alpha / rank * B A``.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kvrm_grammar.errors import ExportError
from kvrm_grammar.weights.adapter import Adapter
from kvrm_grammar.weights.export.architecture import read_architecture
from kvrm_grammar.weights.export.folding import FoldedWeights, fold, open_base
from kvrm_grammar.weights.llama_cpp import LAYER_PARTS, rows_in_pairs

__all__ = ["write_gguf_adapter"]

_LAYERS = "model.layers."
_PART_OF = {name: part for part, name in LAYER_PARTS.items()}


def write_gguf_adapter(adapter: Adapter, base: Path, name: str, target: Path) -> None:
    """Write the file; it appears under its name when it is whole.

    Args:
        adapter: As from :func:`~kvrm_grammar.weights.adapter.read_adapter`.
        base: The base model's folder.
        name: What to call the base in an error.
        target: The file; one that is there is replaced.

    Raises:
        AdapterError: The adapter is damaged, or does not fit the base.
        BaseModelError: The base cannot be read.
        ExportError: The base is no Llama, or the adapter is more than LoRA on its matrices.
        OSError: The file cannot be written.
    """
    _check_family(base)
    architecture = read_architecture(base)
    heads = {"attn_q": architecture.heads, "attn_k": architecture.kv_heads}
    weights = fold(open_base(base, name), name, adapter)
    tensors = _tensors(weights, heads)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        _write(beside, tensors, _alpha(weights))
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _check_family(base: Path) -> None:
    try:
        family = json.loads((base / "config.json").read_text("utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        return  # told by who reads the rest of it
    if family != "llama":
        raise ExportError(
            f"an adapter is written for llama.cpp on a Llama only, not on a model of type "
            f"{family!r}; use llama.cpp's convert_lora_to_gguf.py"
        )


def _alpha(weights: FoldedWeights) -> float:
    """Alpha as llama.cpp means it: its factor is alpha over the rank."""
    assert weights.adapter is not None
    alphas = {scale * weights.adapter.shape(first)[0] for first, _, scale in weights.pairs.values()}
    assert len(alphas) == 1  # folding refuses ranks and alphas of single modules
    return alphas.pop()


def _tensors(
    weights: FoldedWeights, heads: Mapping[str, int]
) -> dict[str, npt.NDArray[np.float32]]:
    """A and B of every matrix by their names in the file."""
    assert weights.adapter is not None
    found: dict[str, npt.NDArray[np.float32]] = {}
    for target, (first, second, _) in weights.pairs.items():
        layer, _, module = target.removeprefix(_LAYERS).removesuffix(".weight").partition(".")
        if module not in _PART_OF:
            raise ExportError(f"llama.cpp has no name for {target}, which the adapter changes")
        part, own = _PART_OF[module], weights.adapter.float32(second)
        if part in heads:
            own = rows_in_pairs(own, heads[part])
        name = f"blk.{layer}.{part}.weight"
        found[f"{name}.lora_a"] = weights.adapter.float32(first)
        found[f"{name}.lora_b"] = np.ascontiguousarray(own)
    return found


def _write(path: Path, tensors: Mapping[str, npt.NDArray[np.float32]], alpha: float) -> None:
    import gguf

    writer: Any = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
