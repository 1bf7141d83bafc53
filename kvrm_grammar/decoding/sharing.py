"""Decoders of several dialects on one base model.

In: dialects and adapter folders. Out: a decoder for each; the base's weights are in memory once.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.resources import resource_path
from kvrm_grammar.weights.loading import load_models

__all__ = ["load_decoders"]


def load_decoders(
    adapters: Mapping[str, str | Path | None], *, base: str | Path | None = None
) -> dict[str, Decoder]:
    """Load the adapters of several dialects on one base.

    Args:
        adapters: Dialect -> adapter folder; None for the packaged one.
        base: Base model folder or name; None for the one the adapters name.

    Returns:
        A decoder for each dialect; threads may share them, and take turns at the model.

    Raises:
        InputError: There is no such dialect.
        AdapterError: An adapter is missing, damaged, or made for another base.
        BaseModelError: The base model is missing and cannot be fetched.
    """
    folders = [
        resource_path(find_dialect(name).adapter) if path is None else Path(path)
        for name, path in adapters.items()
    ]
    loaded = load_models(folders, base=base)
    first = Decoder.from_loaded(loaded[0])
    return {
        name: replace(first, loaded=one, dialect=find_dialect(name))
        for name, one in zip(adapters, loaded, strict=True)
    }
