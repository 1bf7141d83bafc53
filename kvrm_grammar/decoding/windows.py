"""An iterable -> windows of it: what is read ahead, so that similar lines can be run together.

In: texts or lines, from a list, a generator or a stream. Out: lists of at most so many, in
order. A source that raises loses nothing that was read before, and a stream that is slow
is not waited for: a window is handed out when it is full, or a moment after its first line.

Everything is read by the thread that asks for it. A thread of its own would run a caller's
generator beside the caller, and one that still waits for standard input when the process
ends makes Python abort ("could not acquire lock … at interpreter shutdown").
"""

import codecs
import io
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import index
from typing import Any, Protocol, TypeVar

from kvrm_grammar.lines import read_lines

__all__ = ["PATIENCE_S", "Waiting", "windows"]

PATIENCE_S = 0.05
"""Seconds that the first line of a window waits for company; a pass of the model takes as long."""

Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)


class Waiting(Protocol[Item_co]):
    """A source that can wait for a limited time, such as what ``read_lines`` returns."""

    def __iter__(self) -> Iterator[Item_co]:
        """Itself: a source is read once."""

    def next_within(self, seconds: float | None) -> Item_co | None:
        """The next item; None where none came in so many seconds, or where there are no more."""


def windows(
    texts: Iterable[Item], size: int, *, patience_s: float = PATIENCE_S
) -> Iterator[list[Item]]:
    """Cut an iterable into lists.

    Args:
        texts: Read once, in order, never further than the window that is asked for. A text
            file in UTF-8 is read by lines of its bytes (``read_lines``), because Python's own
            reader drops a whole block for one bad byte.
        size: Items of a window, at most, from 1.
        patience_s: Seconds that the first item of a window waits for others, where the
            source is :class:`Waiting`; any other is waited for until the window is full.

    Returns:
        An iterator of lists that are not empty. Where the source raises, what was read
        comes first and then the error.

    Raises:
        TypeError: ``texts`` is one string, or cannot be iterated; ``size`` is no integer.
        ValueError: ``size`` is below 1.

    >>> list(windows(range(5), 2))
    [[0, 1], [2, 3], [4]]
    """
    if isinstance(texts, str | bytes):
        raise TypeError(f"one {type(texts).__name__} is not several texts; for one, use decode")
    if not isinstance(texts, Iterable):
        raise TypeError(f"several texts are needed, got {type(texts).__name__}")
    if index(size) < 1:
        raise ValueError(f"a window holds at least 1 item, got {size}")
    return _windows(iter(_by_lines(texts)), size, patience_s)


def _windows(source: Iterator[Item], size: int, patience_s: float) -> Iterator[list[Item]]:
    failure: Exception | None = None
    while failure is None:
        window: list[Item] = []
        try:
            # Not list(): what came before an error must not go with it.
            for item in _upcoming(source, size, patience_s):
                window.append(item)
        except Exception as error:
            failure = error
        if window:
            yield window
        elif failure is None:
            return
    raise failure


def _upcoming(source: Iterator[Item], size: int, patience_s: float) -> Iterator[Item]:
    next_within = getattr(source, "next_within", None)  # of Waiting; isinstance is slow
    if next_within is None:
        yield from islice(source, size)
        return
    yield from islice(source, 1)  # without one there is nobody to answer
    until = time.monotonic() + patience_s
    for _ in range(size - 1):
        item: Any = next_within(max(0.0, until - time.monotonic()))
        if item is None:
            return
        yield item


def _by_lines(texts: Iterable[Any]) -> Iterable[Any]:
    if isinstance(texts, io.TextIOWrapper) and _is_untouched_utf8(texts):
        return read_lines(texts.buffer)
    return texts


def _is_untouched_utf8(file: io.TextIOWrapper) -> bool:
    if codecs.lookup(file.encoding).name not in ("utf-8", "utf-8-sig"):
        return False
    if file.errors != "strict":  # somebody chose what becomes of bad bytes
        return False
    try:
        file.reconfigure(errors=file.errors)  # refused once something has been read
    except io.UnsupportedOperation:
        return False
    return True
