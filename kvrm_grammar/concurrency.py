"""What the threads of a process share, and what a process that is forked from it finds.

In: a function or a method. Out: the same, computed once whatever threads ask at the same time. A
fork copies a lock that another thread holds, and not the thread that would free it: no lock here
stops a child.
"""

import atexit
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, RLock, current_thread, main_thread
from typing import Any, Generic, Self, TypeVar, cast, overload
from weakref import WeakSet

__all__ = ["ForkLock", "cached_property", "native_run", "once"]

_Value = TypeVar("_Value")
_Function = TypeVar("_Function", bound=Callable[..., Any])
_LONGEST_RUN_S = 60.0  # Python does not wait longer for a run when it ends
_LOCKS: "WeakSet[ForkLock]" = WeakSet()


class ForkLock:
    """A lock that a thread may take again, and that a forked child finds free.

    Attributes:
        was_held: Whether another thread held it when this process was forked: what that thread
            was about is half done here.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self.was_held = False
        _LOCKS.add(self)

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        """In a forked child: let go of what another thread held."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock, self.was_held = RLock(), True


class _NativeRuns:
    """How many threads are inside of a model. Mutable; one for the process."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """In a forked child: no other thread is there, so none is inside."""
        self._changed, self._inside, self._is_over = Condition(), 0, False

    def enter(self) -> None:
        """Begin a run; never returns in a thread other than the main one once Python ends."""
        with self._changed:
            while self._is_over and current_thread() is not main_thread():
                self._changed.wait()
            self._inside += 1

    def leave(self) -> None:
        """End a run."""
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def finish(self) -> None:
        """Let no run begin, and wait for those that have, but not for ever."""
        with self._changed:
            self._is_over = True
            self._changed.wait_for(lambda: not self._inside, timeout=_LONGEST_RUN_S)


_RUNS = _NativeRuns()


@contextmanager
def native_run() -> Iterator[None]:
    """A block that computes outside of Python, which waits for it before it ends.

    A daemon thread that comes back into a Python that is gone is ended where it stands: inside of
    C++ that aborts the whole process. Not to be nested: once Python ends, the inner block would
    wait for ever, and the end for the outer one.
    """
    _RUNS.enter()
    try:
        yield
    finally:
        _RUNS.leave()


def _renew_all() -> None:
    _RUNS.renew()
    for lock in _LOCKS:
        lock.renew()


atexit.register(_RUNS.finish)
if hasattr(os, "register_at_fork"):  # Windows has none
    os.register_at_fork(after_in_child=_renew_all)


def once(function: _Function) -> _Function:
    """Call a function once for all equal arguments, whatever threads do so at the same time.

    Args:
        function: Of hashable arguments. What it returns is kept as long as the process lives;
            where it raises an error nothing is kept.
    """
    lock, results = ForkLock(), dict[tuple[Any, ...], Any]()

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        if arguments not in results:
            with lock:
                if arguments not in results:
                    results[arguments] = function(*arguments)
        return results[arguments]

    return cast(_Function, call)


class cached_property(Generic[_Value]):  # noqa: N801 - as the standard library's
    """A property that is computed when it is first asked for, and takes no lock.

    That of ``functools`` holds one in Python 3.11, for all objects of a class: a process that is
    forked meanwhile would wait for it for ever. Two threads may compute at the same time; both get
    the value of the one that was first.

    Args:
        function: Computes the value from the object.
    """

    def __init__(self, function: Callable[[Any], _Value]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> _Value: ...
    def __get__(self, instance: object | None, owner: type) -> Self | _Value:
        if instance is None:
            return self
        # Found here only before the value is: afterwards the object's own comes first.
        own: dict[str, _Value] = instance.__dict__
        return own.setdefault(self._name, self._function(instance))
