"""Compiled graphs in a process that was forked after they were loaded.

In: objects of OpenVINO. Out: nothing; in a forked process they are never freed. Freeing a graph
waits for its threads to end, and a fork copies none of them: the child would wait for ever, at a
collection of garbage or at its own end. What it computes needs none of them.
"""

import ctypes
import os
from typing import TypeVar
from weakref import WeakSet

__all__ = ["kept_in_forks"]

_Native = TypeVar("_Native")
_KEPT: WeakSet[object] = WeakSet()


def kept_in_forks(native: _Native) -> _Native:
    """Let an object live in every process that is forked from now on, whoever drops it there.

    Args:
        native: Anything that can be referred to weakly. In this process it is freed as ever.

    Returns:
        The same object.
    """
    _KEPT.add(native)
    return native


def _keep_all() -> None:
    """Take references that nothing gives back: a module's own are dropped when Python ends."""
    for native in _KEPT:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(native))


if hasattr(os, "register_at_fork"):  # Windows has none
    os.register_at_fork(after_in_child=_keep_all)
