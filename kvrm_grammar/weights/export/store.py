"""Compiled graphs on disk: each a folder that is whole or absent, and checked before it is used.

In: a key that names everything the graph depends on, and a function that builds it. Out: the file.
A folder appears by one rename, holds its checksums, is hashed again when a file changed or a week
has passed, and is built anew where it is damaged. The folder keeps ``MAX_BYTES`` of them; the least
recently used go. A cache that cannot be written costs time at every start, and a warning.
"""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

from filelock import Timeout

from kvrm_grammar import cache
from kvrm_grammar.weights.building import alone, put_in_place, sweep, work_folder
from kvrm_grammar.weights.fetch import sha256
from kvrm_grammar.weights.verified import (
    fingerprint,
    forget,
    is_verified,
    note_verified,
    raise_if_passing,
)

__all__ = ["GRAPH", "MAX_BYTES", "discard", "stored_graph"]

GRAPH = "graph.blob"
"""The compiled graph's file."""
MAX_BYTES = 4 << 30
"""What all graphs may take; of the packaged base one takes 110 MB (int8) to 430 MB (float32)."""
_KEPT_ANYWAY = 2  # so that both dialects of a large base do not push each other out

_LOGGER = logging.getLogger(__name__)
_MANIFEST = "manifest.json"
_FOLDER = "graphs"
_LOCK_TIMEOUT_S = 300


def stored_graph(key: str, build: Callable[[Path], None]) -> Path | None:
    """Find a graph, building it first where it is absent or damaged.

    Safe to call from several processes at once: one builds, the others wait.

    Args:
        key: Names everything that the graph depends on.
        build: Writes the graph's file to the path it is given.

    Returns:
        The file, as it was written; None where the cache cannot be used, after a
        ``RuntimeWarning``. Errors of ``build`` that are not about the disk pass through.

    Raises:
        ModelError: The process has too many open files, or the system no memory, to look.
    """
    root = cache.cache_dir() / _FOLDER
    folder = root / hashlib.sha256(key.encode()).hexdigest()[:32]
    lock = root / "build.lock"
    if _is_intact(folder, key):
        sweep(root, lock)
        with contextlib.suppress(OSError):
            os.utime(folder)
        return folder / GRAPH
    try:
        root.mkdir(parents=True, exist_ok=True)
        with alone(lock, "compiles a model", timeout_s=_LOCK_TIMEOUT_S):
            # Another process may have built it while this one waited.
            if not _is_intact(folder, key):
                _build(root, folder, key, build)
            return folder / GRAPH
    except (OSError, Timeout) as error:
        warnings.warn(
            f"the compiled model cannot be kept in {root} ({error}); it is compiled at every "
            f"start until {cache.CACHE_VARIABLE} names a folder that can be written and has "
            "750 MB free",
            RuntimeWarning,
            stacklevel=2,
        )
        return None


def discard(path: Path) -> None:
    """Remove a graph that cannot be used after all, so that it is built anew."""
    _LOGGER.warning("the compiled model %s cannot be used and will be built anew", path)
    shutil.rmtree(path.parent, ignore_errors=True)
    forget(path.parent)


def _is_intact(folder: Path, key: str) -> bool:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text("utf-8"))
        if manifest["key"] != key:
            return False
        found = fingerprint(folder)
        if found[GRAPH][0] != manifest["bytes"]:
            raise ValueError(f"{GRAPH} has {found[GRAPH][0]} bytes, not {manifest['bytes']}")
        if not is_verified(folder, found):
            if sha256(folder / GRAPH) != manifest["sha256"]:
                raise ValueError(f"{GRAPH} has another SHA-256 than its manifest says")
            note_verified(folder, found)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise_if_passing(error, folder)
        _LOGGER.warning("the compiled model in %s is damaged (%s)", folder, error)
        return False
    return True


def _build(root: Path, folder: Path, key: str, build: Callable[[Path], None]) -> None:
    with work_folder(root) as work:
        staged = work / "graph"
        staged.mkdir()
        build(staged / GRAPH)
        size = (staged / GRAPH).stat().st_size
        manifest = {"key": key, "bytes": size, "sha256": sha256(staged / GRAPH)}
        (staged / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
        put_in_place(staged, folder, work)
        note_verified(folder, fingerprint(folder))
    _prune(root, keep=folder)


def _prune(root: Path, keep: Path) -> None:
    used: list[tuple[float, int, Path]] = []
    for path in root.iterdir():
        with contextlib.suppress(OSError):
            if path.is_dir() and path != keep:
                used.append((path.stat().st_mtime, _size(path), path))
    left = MAX_BYTES
    with contextlib.suppress(OSError):
        left -= _size(keep)
    for number, (_, size, path) in enumerate(sorted(used, reverse=True), start=1):
        left -= size
        if left < 0 and number >= _KEPT_ANYWAY:
            shutil.rmtree(path, ignore_errors=True)
            forget(path)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
