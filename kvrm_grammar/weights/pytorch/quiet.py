"""Keep transformers off standard error while a model is loaded, and nobody else.

In: a block of code. Out: the same block, with warnings and log messages of this thread's
libraries left out. Other threads' warnings and messages are as they would be, and so are the
filters of a surrounding ``catch_warnings``. Progress bars have one switch for the whole process:
transformers' and huggingface_hub's are off meanwhile. Importing this module loads neither torch
nor transformers.
"""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from kvrm_grammar.concurrency import ForkLock

__all__ = ["quiet_transformers"]

# The switch of the bars is global: two loads at once must not save each other's "off" as "before".
_LOCK = ForkLock()
_LIBRARIES = ("transformers", "huggingface_hub")


class _OwnThread(logging.Filter):
    """Is of one mind with what comes from other threads; drops what comes from its own.

    In Python's list of warning filters it stands where a pattern for the module does, because a
    filter there is the one thing that can be added without saving and restoring the whole list,
    which would undo what another thread does to it meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self.silent = True

    def match(self, module: str) -> bool:
        """Whether a warning is to be ignored: asked by ``warnings`` for each."""
        return self.silent and threading.get_ident() == self._thread

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a log record is to be written: asked by a handler for each."""
        return not (self.silent and record.thread == self._thread)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence the libraries' progress bars, warnings and messages in a ``with`` block.

    Yields:
        Nothing. Errors pass through; only one thread at a time is inside.
    """
    own = _OwnThread()
    with _LOCK, ExitStack() as stack:
        for part in (_no_warnings, _no_messages):
            stack.enter_context(part(own))
        stack.enter_context(_no_bars())
        try:
            yield
        finally:
            own.silent = False  # wherever another thread has copied it to


@contextmanager
def _no_warnings(own: _OwnThread) -> Iterator[None]:
    filters: list[Any] = warnings.filters  # type: ignore[assignment]  # typed as a plain sequence
    entry = ("ignore", None, Warning, own, 0)
    filters.insert(0, entry)
    try:
        yield
    finally:
        # Another thread may have put another list in its place, or copied this one.
        current: list[Any] = warnings.filters  # type: ignore[assignment]
        for place in (filters, current):
            if entry in place:
                place.remove(entry)


@contextmanager
def _no_messages(own: _OwnThread) -> Iterator[None]:
    from transformers.utils import logging as _configured  # noqa: F401  # makes the handlers

    handlers = [handler for name in _LIBRARIES for handler in logging.getLogger(name).handlers]
    for handler in handlers:
        handler.addFilter(own)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(own)


@contextmanager
def _no_bars() -> Iterator[None]:
    from transformers.utils import logging as typed_logging

    switch: Any = typed_logging  # its functions carry no types
    bars = switch.is_progress_bar_enabled()
    switch.disable_progress_bar()  # huggingface_hub's too
    try:
        yield
    finally:
        if bars:
            switch.enable_progress_bar()
