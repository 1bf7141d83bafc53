"""concurrency.py: computed once whatever threads ask, and no lock that stops a forked child."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from kvrm_grammar import facade
from kvrm_grammar.concurrency import ForkLock, _NativeRuns, cached_property, once
from kvrm_grammar.errors import ModelError
from kvrm_grammar.isa import load_set
from tests.forked import TIMEOUT_S, in_a_fork

THREADS = 8
forks = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not fork")


def at_once(work: Callable[[], object]) -> list[object]:
    """What a function gives to threads that call it at the same moment."""
    barrier = threading.Barrier(THREADS)

    def wait_and_work() -> object:
        barrier.wait(TIMEOUT_S)
        return work()

    with ThreadPoolExecutor(THREADS) as pool:
        return [one.result() for one in [pool.submit(wait_and_work) for _ in range(THREADS)]]


@contextmanager
def while_a_thread(work: Callable[[Callable[[], None]], object]) -> Iterator[None]:
    """A block that runs while a thread is where its work calls what it is given."""
    inside, leave = threading.Event(), threading.Event()

    def pause() -> None:
        inside.set()
        leave.wait(TIMEOUT_S)

    thread = threading.Thread(target=lambda: work(pause))
    thread.start()
    assert inside.wait(TIMEOUT_S)
    try:
        yield
    finally:
        leave.set()
        thread.join()


def test_once_for_all_threads() -> None:
    """Called once for equal arguments, and again where it raised an error."""
    calls: list[int] = []

    @once
    def slow(number: int) -> object:
        calls.append(number)
        threading.Event().wait(0.05)
        if len(calls) == 1:
            raise ValueError(number)
        return object()

    with pytest.raises(ValueError, match="3"):
        slow(3)
    assert len(set(at_once(lambda: slow(3)))) == 1
    assert calls == [3, 3]
    assert slow(4) is not slow(3)


def test_threads_have_one_set() -> None:
    """Bound at the same moment, an instruction set is one object, with one kind of operations."""
    assert set(at_once(lambda: load_set("rv32im"))) == {load_set("rv32im")}


class Slow:
    """Has a property that stops where the class says."""

    pause: Callable[[], None] = staticmethod(lambda: None)

    @cached_property
    def value(self) -> object:
        """A new object at each computation."""
        type(self).pause()
        return object()


def test_a_cached_property() -> None:
    """Computed when asked for, one value for all threads, and each object has its own."""
    one, other = Slow(), Slow()
    assert isinstance(Slow.value, cached_property)
    assert Slow.value.__doc__ == "A new object at each computation."
    assert len({*at_once(lambda: one.value)}) == 1
    assert one.value is not other.value
    assert one.__dict__ == {"value": one.value}


@forks
def test_a_fork_while_a_property_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same object and of another, the child has a value."""

    def work(pause: Callable[[], None]) -> None:
        def pause_once() -> None:
            monkeypatch.setattr(Slow, "pause", staticmethod(lambda: None))
            pause()

        monkeypatch.setattr(Slow, "pause", staticmethod(pause_once))
        assert one.value is not None

    one, other = Slow(), Slow()
    with while_a_thread(work):
        assert in_a_fork(lambda: (one.value is not None, other.value is not None)) == (True, True)


@forks
def test_a_lock_in_a_fork() -> None:
    """Held by another thread it is free in the child, which is told; here nothing changes."""
    held, free, own = ForkLock(), ForkLock(), ForkLock()

    def work(pause: Callable[[], None]) -> None:
        with held:
            pause()

    def take_all() -> list[bool]:
        for lock in (held, free, own):
            with lock:
                pass
        return [lock.was_held for lock in (held, free, own)]

    with while_a_thread(work), own:
        assert in_a_fork(take_all) == [True, False, False]
    assert take_all() == [False] * 3


@forks
def test_a_fork_while_a_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child is told that it cannot load one; what was loaded before is handed out."""
    monkeypatch.setattr(facade, "_LOADED", {})
    monkeypatch.setattr(facade, "_LOADING", {})
    monkeypatch.setattr(facade, "_load_decoder", lambda dialect, isa: dialect)
    assert str(facade.default_decoder("lenient")) == "lenient"

    def work(pause: Callable[[], None]) -> None:
        monkeypatch.setattr(facade, "_load_decoder", lambda dialect, isa: pause())
        facade.default_decoder("strict")

    with while_a_thread(work):
        assert in_a_fork(lambda: str(facade.default_decoder("lenient"))) == "lenient"
        for name in ("kvrm", "rv32im"):
            with pytest.raises(ModelError, match="forked while another thread loaded a model"):
                in_a_fork(lambda: facade.default_decoder("strict", name))  # noqa: B023


def test_python_waits_for_runs_and_begins_none() -> None:
    """A run that has begun is ended; then none begins but in the main thread."""
    runs, done = _NativeRuns(), threading.Event()

    def begin() -> None:
        runs.enter()
        done.set()

    runs.enter()
    waiting = threading.Thread(target=runs.finish)
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    runs.leave()
    waiting.join(TIMEOUT_S)
    assert not waiting.is_alive()
    threading.Thread(target=begin, daemon=True).start()
    assert not done.wait(0.2)
    runs.enter()
    runs.renew()  # in a child all begins anew
    threading.Thread(target=begin, daemon=True).start()
    assert done.wait(TIMEOUT_S)


_DAEMON = """
import threading
from kvrm_grammar.concurrency import native_run

inside = threading.Event()

def run():
    while True:
        with native_run():
            inside.set()

threading.Thread(target=run, daemon=True).start()
inside.wait()
print("over")
"""


def test_a_daemon_thread_does_not_stop_the_end() -> None:
    """Python ends, in order, while a thread runs without a pause."""
    done = subprocess.run(
        [sys.executable, "-c", _DAEMON], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "over\n", "")
