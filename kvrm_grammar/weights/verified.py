"""A note that a folder's files were compared with their digests, so that it is done seldom.

In: a folder of large files. Out: whether each of them is the very file that was hashed the last
time, by size, times of change, and place on the disk. Whatever writes to a file, or puts another
in its place, changes one of these; that a disk loses a bit does not, so a note is good for a week.
Used by :mod:`~kvrm_grammar.weights.packaged_base` and by compiled graphs, which take a
second to hash.
"""

import contextlib
import errno
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import ModelError

__all__ = ["MAX_AGE_S", "fingerprint", "forget", "is_verified", "note_verified", "raise_if_passing"]

MAX_AGE_S = 7 * 24 * 3600.0
"""After so many seconds a note counts no longer."""

_LOGGER = logging.getLogger(__name__)
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def raise_if_passing(error: Exception, folder: Path) -> None:
    """Tell a shortage of this moment from a damaged file, which would be removed or made anew.

    Args:
        error: What was raised while the folder was read.
        folder: The folder.

    Raises:
        ModelError: The process has too many open files, or the system has no memory left.
    """
    if isinstance(error, OSError) and error.errno in _PASSING:
        raise ModelError(f"{folder} cannot be read now ({error})") from error


def fingerprint(folder: Path) -> dict[str, list[int]]:
    """Describe a folder's files without reading them.

    Args:
        folder: Files alone.

    Returns:
        For each file name its size in bytes, times of change of content and of inode in
        nanoseconds, and its inode.

    Raises:
        OSError: The folder cannot be read.
    """
    stats = {path.name: path.stat() for path in sorted(folder.iterdir())}
    return {
        name: [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
        for name, found in stats.items()
    }


def is_verified(folder: Path, files: dict[str, list[int]]) -> bool:
    """Whether a note says that these very files were hashed, not too long ago.

    Args:
        folder: The folder.
        files: As from :func:`fingerprint`, now.

    Returns:
        False also where there is no note, or it cannot be read.
    """
    try:
        note: Any = json.loads(_path(folder).read_text(encoding="utf-8"))
        age = time.time() - float(note["checked_at"])
        return 0 <= age < MAX_AGE_S and bool(note["files"] == files)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def note_verified(folder: Path, files: dict[str, list[int]]) -> None:
    """Write the note beside the folder; where that cannot be, hashing is done again next time.

    Args:
        folder: The folder.
        files: As from :func:`fingerprint`, taken before the files were hashed.
    """
    path = _path(folder)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps({"checked_at": time.time(), "files": files}), "utf-8")
        temporary.replace(path)
    except OSError as error:
        _LOGGER.debug("no note that %s was verified (%s)", folder, error)


def forget(folder: Path) -> None:
    """Remove the note of a folder that is gone."""
    with contextlib.suppress(OSError):
        _path(folder).unlink(missing_ok=True)


def _path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.verified")
