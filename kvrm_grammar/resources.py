"""Where the files that travel with the package are.

In: a relative name such as ``grammars/kvrm/grammar.lark``. Out: its path, in a wheel
(below ``kvrm_grammar/_data``) or in a source checkout (the repository root).
"""

from importlib.resources import files
from pathlib import Path

__all__ = ["resource_path"]

_PACKAGE = Path(str(files("kvrm_grammar"))).resolve()
# A wheel has its own data and nothing else: beside it lie other packages, whose folders could
# have the same names.
_DATA = _PACKAGE / "_data"
_ROOTS = (_DATA,) if _DATA.is_dir() else (_PACKAGE.parent,)


def resource_path(name: str) -> Path:
    """Find a packaged file or folder.

    Args:
        name: Path relative to the data root, with forward slashes.

    Returns:
        The path, whether it exists or not.
    """
    for root in _ROOTS:
        path = root / name
        if path.exists():
            return path
    return _ROOTS[-1] / name
