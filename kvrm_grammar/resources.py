"""Where the files that travel with the package are.

In: a relative name such as ``grammars/kvrm/grammar.lark``. Out: its path, in a wheel
(below ``kvrm_grammar/_data``) or in a source checkout (the repository root).
"""

from pathlib import Path

__all__ = ["DEFAULT_ADAPTER", "resource_path"]

DEFAULT_ADAPTER = "models/decode_llm"
"""Folder of the packaged adapter, below the data root."""

_PACKAGE = Path(__file__).resolve().parent
_ROOTS = (_PACKAGE / "_data", _PACKAGE.parent)


def resource_path(name: str) -> Path:
    """Find a packaged file or folder.

    Args:
        name: Path relative to the data root, with forward slashes.

    Returns:
        The first existing path; the path inside the source checkout where none exists.
    """
    for root in _ROOTS:
        path = root / name
        if path.exists():
            return path
    return _ROOTS[-1] / name
