"""The dialects by name.

In: a name and an instruction set. Out: its :class:`~kvrm_grammar.dialects.base.Dialect`, the same
object every time.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from kvrm_grammar.concurrency import ForkLock
from kvrm_grammar.dialects.base import Dialect
from kvrm_grammar.dialects.lenient.dialect import LenientDialect
from kvrm_grammar.dialects.strict import StrictDialect
from kvrm_grammar.errors import InputError
from kvrm_grammar.isa import InstructionSet, load_set

__all__ = ["DIALECTS", "find_dialect"]

DIALECTS: Mapping[str, type[Dialect]] = {
    dialect.name: dialect for dialect in (StrictDialect, LenientDialect)
}

_LOCK = ForkLock()


def find_dialect(name: str, isa: str | Path | InstructionSet | None = None) -> Dialect:
    """Look a dialect up.

    Args:
        name: ``strict`` or ``lenient``.
        isa: The instruction set, or its name or folder; None for the default one.

    Returns:
        The dialect of the set.

    Raises:
        IsaError: There is no such set, or it does not load.
        InputError: There is no such dialect, or the set has none of that name.
    """
    loaded = load_set(isa)
    with _LOCK:  # two threads would have two of them
        return _made(name, loaded)


@lru_cache(maxsize=32)
def _made(name: str, isa: InstructionSet) -> Dialect:
    if name not in DIALECTS:
        raise InputError(f"unknown dialect {name!r}; available: {', '.join(DIALECTS)}")
    return DIALECTS[name](isa)
