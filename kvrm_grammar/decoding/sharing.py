"""Decoders of several dialects on one base model.

In: dialects and adapter folders. Out: a decoder for each. In torch the base's weights are in memory
once; compiled graphs share the embedding.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kvrm_grammar.decoding.adapters import choose
from kvrm_grammar.decoding.backends.loading import load_many
from kvrm_grammar.decoding.decoded import CONSTRAINTS, ConstraintName, check_choice
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.errors import InputError
from kvrm_grammar.isa import InstructionSet

__all__ = ["load_decoders"]


def load_decoders(
    adapters: Mapping[str, str | Path | None],
    *,
    isa: str | Path | InstructionSet | None = None,
    base: str | Path | None = None,
    backend: str | None = None,
    device: Any = None,
    precision: Any = None,
    constraint: ConstraintName = "grounded",
    progress: bool = False,
) -> dict[str, Decoder]:
    """Load the adapters of several dialects on one base.

    Args:
        adapters: Dialect -> adapter folder, at least one; None for the packaged one.
        isa: Instruction set; None for the one that the adapters name, or the default one.
        base: Base model folder or name; None for the one the adapters name.
        backend: ``openvino`` or ``torch``; None for OpenVINO on a CPU and torch on a GPU.
        device: Such as ``cuda``; None for the CPU or, where torch finds one, a GPU.
        precision: Of the computation; None for what is fast on the device.
        constraint: What may be answered, one of ``CONSTRAINTS``.
        progress: Show a bar on standard error while the packaged base is being built.

    Returns:
        A decoder for each dialect; threads may share them. On one base in
        torch they take turns at the model.

    Raises:
        InputError: No adapter was named, or there is no such dialect or constraint.
        AdapterError: An adapter is missing, damaged, or made for another base.
        BaseModelError: The base model is missing and cannot be fetched.
        ModelError: Backend, device or precision cannot be used.
    """
    if not adapters:
        raise InputError("load_decoders needs at least one dialect, such as {'strict': None}")
    check_choice("constraint", constraint, CONSTRAINTS)
    chosen = [choose(path, isa, name) for name, path in adapters.items()]
    folders = [folder for folder, _ in chosen]
    loaded = load_many(
        folders, backend=backend, base=base, device=device, precision=precision, progress=progress
    )
    first = Decoder.from_loaded(loaded[0], chosen[0][1], constraint=constraint)
    return {
        name: replace(first, loaded=one, dialect=dialect)
        for name, one, (_, dialect) in zip(adapters, loaded, chosen, strict=True)
    }
