"""A working instruction set to begin one's own with.

In: the name of a folder. Out: the folder, with three operations and comments that say what to
change.
"""

import keyword
import re
from pathlib import Path

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa.loading import packaged_sets
from kvrm_grammar.resources import resource_path

__all__ = ["write_scaffold"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PLACEHOLDER = "scaffold"


def write_scaffold(folder: Path) -> tuple[Path, ...]:
    """Write the files of a new set.

    Args:
        folder: Where; its name becomes the set's. It is made where it does not exist.

    Returns:
        The files, sorted.

    Raises:
        IsaError: The name is no name for a set, the folder is not empty, or cannot be written.
    """
    name = folder.absolute().name
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise IsaError(
            f"{name!r} cannot be the name of a set: lower-case letters, digits and _, "
            "a letter first, and no keyword of Python"
        )
    if name in packaged_sets():
        raise IsaError(f"{name!r} is the name of a set that comes with the package; take another")
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise IsaError(f"{folder} is not empty; name a new folder")
        for source in sorted(resource_path(f"grammars/{_PLACEHOLDER}").iterdir()):
            if source.is_file():
                text = source.read_text("utf-8").replace(f'"{_PLACEHOLDER}"', f'"{name}"')
                (folder / source.name).write_text(text, encoding="utf-8", newline="\n")
                written.append(folder / source.name)
    except OSError as error:
        raise IsaError(f"{error.filename or folder}: {error.strerror or error}") from error
    return tuple(written)
