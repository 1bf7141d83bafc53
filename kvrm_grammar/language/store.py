"""Compiled data on disk: a folder of checked entries that never fails its user.

In: a folder, a key that names everything the data depends on, bytes. Out: those bytes,
or None where they are not there, not readable or not what was written. A cache is a
convenience: a folder that cannot be used is a warning, a damaged entry a line in the log, and
the caller computes. Entries are raw bytes behind a checksum; nothing is ever unpickled.
"""

import contextlib
import hashlib
import logging
import os
import secrets
import time
import warnings
from pathlib import Path

__all__ = ["MAX_ENTRIES", "read_entry", "write_entry"]

MAX_ENTRIES = 16
"""Entries that a folder keeps; writing one more removes the least recently used."""

_LOGGER = logging.getLogger(__name__)
_MAGIC = b"kvrm-entry-1\n"
_SUFFIX, _TEMPORARY = ".entry", ".tmp"
_DIGEST_SIZE = hashlib.sha256().digest_size
_HEADER_SIZE = len(_MAGIC) + 2 * _DIGEST_SIZE
# A temporary file this old was left behind by a crash.
_STALE_S = 3600.0


def read_entry(folder: Path, key: str) -> bytes | None:
    """Read an entry, and mark it as used; what a crash has left beside it goes.

    Args:
        folder: Where the entries are; need not exist.
        key: The key that it was written under.

    Returns:
        Exactly the bytes that were written, or None. A folder that cannot be read gives a
        ``RuntimeWarning``, a damaged entry a warning in the log; an absent one neither.
    """
    path = _path(folder, key)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn(f"cannot read the cache entry {path}: {error}")
        return None
    payload = content[_HEADER_SIZE:]
    if content[:_HEADER_SIZE] != _header(key, payload):
        _LOGGER.warning("the cache entry %s is damaged and will be written anew", path)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
        if next(folder.glob(f"*{_TEMPORARY}"), None) is not None:
            _prune(folder)
    return payload


def write_entry(folder: Path, key: str, payload: bytes) -> None:
    """Write an entry atomically, then remove all but the ``MAX_ENTRIES`` most recent.

    Args:
        folder: Created where it does not exist.
        key: Names everything that the payload depends on.
        payload: Any bytes. A folder that cannot be written to gives a ``RuntimeWarning``.

    The entry has the mode that a new file gets in that folder, so whoever shares the folder can
    read it.
    """
    # Not by tempfile, whose files are for their owner alone.
    temporary = folder / (secrets.token_hex(8) + _TEMPORARY)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(_header(key, payload))
            file.write(payload)
        temporary.replace(_path(folder, key))
        _prune(folder)
    except OSError as error:
        _warn(f"cannot write to the cache folder {folder}: {error}")
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _path(folder: Path, key: str) -> Path:
    return folder / (hashlib.sha256(key.encode()).hexdigest() + _SUFFIX)


def _header(key: str, payload: bytes) -> bytes:
    # The key is in it too: an entry under another entry's name is as wrong as a damaged one.
    return _MAGIC + hashlib.sha256(key.encode()).digest() + hashlib.sha256(payload).digest()


def _prune(folder: Path) -> None:
    used: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        # Another process may prune as well, and another user's file may have to stay.
        with contextlib.suppress(OSError):
            modified = path.stat().st_mtime
            if path.suffix == _SUFFIX:
                used.append((modified, path))
            elif path.suffix == _TEMPORARY and time.time() - modified > _STALE_S:
                path.unlink(missing_ok=True)
    for _, path in sorted(used, reverse=True)[MAX_ENTRIES:]:
        with contextlib.suppress(OSError):
            path.unlink()


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=3)
