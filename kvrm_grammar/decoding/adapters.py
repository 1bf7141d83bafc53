"""Adapter folder, instruction set and dialect: which belong together.

In: what a caller names of the three. Out: all of them, or an error where they do not fit.
"""

from pathlib import Path

from kvrm_grammar.dialects import Dialect, find_dialect
from kvrm_grammar.dialects.base import PROMPT_VERSION
from kvrm_grammar.errors import AdapterError, IsaError
from kvrm_grammar.isa import InstructionSet, load_set
from kvrm_grammar.resources import resource_path
from kvrm_grammar.weights.manifest import read_manifest

__all__ = ["choose"]


def choose(
    path: str | Path | None,
    isa: str | Path | InstructionSet | None,
    dialect: str | None,
) -> tuple[Path, Dialect]:
    """Find adapter folder, set and dialect that belong together.

    Args:
        path: Adapter folder; None for the packaged one.
        isa: Instruction set; None for the one that the adapter names, or the default one.
        dialect: Its name; None for the one that the adapter names, or ``strict``.

    Returns:
        The folder and the dialect of the set.

    Raises:
        AdapterError: The adapter was trained for another set, dialect or prompt, or the set
            comes without one.
    """
    if path is None:
        chosen = find_dialect(dialect or "strict", load_set(isa))
        if chosen.adapter is None:
            raise AdapterError(
                f"no adapter comes with the {chosen.name} dialect of {chosen.isa.name}: "
                "train one, and name its folder"
            )
        path = resource_path(chosen.adapter)
    folder = Path(path)
    manifest = read_manifest(folder)
    if manifest is None:
        return folder, find_dialect(dialect or "strict", load_set(isa))
    found = _named(manifest.set, folder) if isa is None else load_set(isa)
    chosen = find_dialect(dialect or manifest.dialect, found)
    manifest.check(found.name, found.digest, chosen.name, PROMPT_VERSION, folder=folder)
    return folder, chosen


def _named(name: str, folder: Path) -> InstructionSet:
    """The set that a manifest names.

    A set's folder holds code: callers alone name one, never a file that came with an adapter.
    """
    if any(sign in name for sign in "/\\"):
        raise AdapterError(f"{folder} names the set {name!r}: a manifest has a name, no folder")
    try:
        return load_set(name)
    except IsaError as error:
        raise AdapterError(
            f"{folder} was trained for the instruction set {name!r}, which is not known by its "
            f"name ({error}); pass its folder by --isa"
        ) from error
