"""Building a folder of the cache: by one process at a time, and whole or not at all.

In: where it is to be. Out: a lock, and an empty folder to build in, which is gone afterwards. Used
by :mod:`~kvrm_grammar.weights.packaged_base` and :mod:`~kvrm_grammar.weights.export.store`.
"""

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["alone", "put_in_place", "sweep", "work_folder"]

_LOGGER = logging.getLogger(__name__)
_PREFIX = ".build-"


@contextmanager
def alone(
    path: Path, what: str, *, timeout_s: float, report: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold a lock between processes; where another holds it, say so once and wait.

    Args:
        path: The lock's file.
        what: The other process does, such as ``compiles a model``.
        timeout_s: How long to wait, at most.
        report: Told the same as the log.

    Raises:
        filelock.Timeout: The other process took longer.
        OSError: The lock's file cannot be written.
    """
    lock = FileLock(path, timeout=timeout_s)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        message = f"waiting for another process that {what}"
        _LOGGER.warning("%s; it holds %s (at most %s s)", message, path, timeout_s)
        if report is not None:
            report(message)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def work_folder(root: Path) -> Iterator[Path]:
    """An empty folder inside ``root``; to be asked for with the lock held.

    Whatever a process that was killed has left there is removed first.
    """
    _remove_leftovers(root)
    work = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def sweep(root: Path, lock: Path) -> None:
    """Remove what a process that was killed has left, where nothing is to be built any more.

    Does nothing while another process holds the lock, and fails in silence: it only tidies.

    Args:
        root: As for :func:`work_folder`.
        lock: As for :func:`alone`.
    """
    with contextlib.suppress(OSError, Timeout):
        if next(root.glob(f"{_PREFIX}*"), None) is not None:
            with FileLock(lock, timeout=0):
                _remove_leftovers(root)


def _remove_leftovers(root: Path) -> None:
    for leftover in root.glob(f"{_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def put_in_place(staged: Path, folder: Path, work: Path) -> None:
    """Give a folder that is whole its name; what was there goes with the work folder.

    Its files are on the disk before: a name that outlives a loss of power has what it names.
    """
    for path in staged.iterdir():
        with path.open("rb+") as file:  # Windows writes out only what may be written to
            os.fsync(file.fileno())
    if os.path.lexists(folder):
        os.replace(folder, work / "damaged")
    os.replace(staged, folder)
