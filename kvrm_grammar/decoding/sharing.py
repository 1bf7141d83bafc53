"""Decoders of several dialects on one base model.

In: dialects and adapter folders. Out: a decoder for each; the base's weights are in memory once.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from kvrm_grammar.decoding.adapters import choose
from kvrm_grammar.decoding.decoded import CONSTRAINTS, ConstraintName, check_choice
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.errors import InputError
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.weights.loading import load_models

__all__ = ["load_decoders"]


def load_decoders(
    adapters: Mapping[str, str | Path | None],
    *,
    isa: str | Path | InstructionSet | None = None,
    base: str | Path | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    constraint: ConstraintName = "grounded",
    progress: bool = False,
) -> dict[str, Decoder]:
    """Load the adapters of several dialects on one base.

    Args:
        adapters: Dialect -> adapter folder, at least one; None for the packaged one.
        isa: Instruction set; None for the one that the adapters name, or the default one.
        base: Base model folder or name; None for the one the adapters name.
        device: Such as ``cuda``; None for the CPU or, where there is one, a GPU.
        dtype: Of weights and computation; None for what is fast on the device.
        constraint: What may be answered, one of ``CONSTRAINTS``.
        progress: Show a bar on standard error while the packaged base is being built.

    Returns:
        A decoder for each dialect; threads may share them, and take turns at the model.

    Raises:
        InputError: No adapter was named, or there is no such dialect or constraint.
        AdapterError: An adapter is missing, damaged, or made for another base.
        BaseModelError: The base model is missing and cannot be fetched.
        ModelError: The device cannot be used.
    """
    if not adapters:
        raise InputError("load_decoders needs at least one dialect, such as {'strict': None}")
    check_choice("constraint", constraint, CONSTRAINTS)
    chosen = [choose(path, isa, name) for name, path in adapters.items()]
    folders = [folder for folder, _ in chosen]
    loaded = load_models(folders, base=base, device=device, dtype=dtype, progress=progress)
    first = Decoder.from_loaded(loaded[0], chosen[0][1], constraint=constraint)
    return {
        name: replace(first, loaded=one, dialect=dialect)
        for name, one, (_, dialect) in zip(adapters, loaded, chosen, strict=True)
    }
