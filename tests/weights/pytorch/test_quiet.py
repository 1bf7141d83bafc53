"""quiet.py: a load is silent, and other threads are not."""

import logging
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transformers.utils import logging as hf_logging

from kvrm_grammar.weights.pytorch.loading import load_model
from kvrm_grammar.weights.pytorch.quiet import quiet_transformers

LIBRARY = logging.getLogger("transformers.modeling_utils")


class Kept(logging.Handler):
    """Keeps what reaches the library's handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def kept() -> Iterator[list[str]]:
    """Messages that transformers writes during a test."""
    hf_logging.get_verbosity()  # makes the library's own handler
    handler = Kept()
    logging.getLogger("transformers").addHandler(handler)
    yield handler.messages
    logging.getLogger("transformers").removeHandler(handler)


def in_another_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_own_warnings_and_messages_are_left_out(kept: list[str]) -> None:
    """Inside nothing of this thread is written; before and after everything is."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for place in ("before", "inside", "after"):
            if place == "inside":
                with quiet_transformers():
                    warnings.warn("inside", UserWarning, stacklevel=1)
                    LIBRARY.warning("inside")
            else:
                warnings.warn(place, UserWarning, stacklevel=1)
                LIBRARY.warning(place)
    assert [str(warning.message) for warning in caught] == ["before", "after"] == kept


def test_other_threads_are_heard(kept: list[str]) -> None:
    """325 warnings and messages of another thread while this one loads: none is lost."""

    def work() -> None:
        for number in range(325):
            warnings.warn(f"other {number}", UserWarning, stacklevel=1)
            LIBRARY.warning("other %s", number)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet_transformers():
            in_another_thread(work)
    expected = [f"other {number}" for number in range(325)]
    assert [str(warning.message) for warning in caught] == expected == kept


def test_the_filters_are_as_before() -> None:
    """A surrounding block's filters, and the list of them, are the same ones afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before, copied = warnings.filters, [*warnings.filters]
        with quiet_transformers():
            pass
        assert warnings.filters is before
        assert [*before] == copied
        with pytest.raises(UserWarning, match="heard"):
            warnings.warn("heard", UserWarning, stacklevel=1)


@pytest.mark.parametrize("leaves_first", [True, False])
def test_a_block_of_another_thread_that_overlaps(leaves_first: bool) -> None:
    """Whoever leaves first, nothing stays ignored, in this thread or in another."""
    entered, leave = threading.Event(), threading.Event()
    original = [*warnings.filters]

    def work() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=work)
    with quiet_transformers():
        thread.start()
        entered.wait(60)
        if leaves_first:
            leave.set()
            thread.join()
    leave.set()
    thread.join()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.filterwarnings("always", message="heard", append=False)
            warnings.warn("heard", UserWarning, stacklevel=1)
            in_another_thread(lambda: warnings.warn("heard", UserWarning, stacklevel=1))
        assert len(caught) == 2
        # What may be left in a list that another thread put back matches nothing any more.
        left = [entry for entry in warnings.filters if entry not in original]
        assert all(not entry[3].match("any") for entry in left)  # type: ignore[union-attr]
    finally:
        warnings.filters[:] = original  # type: ignore[index]


def test_what_is_left_out_is_this_threads_alone_while_a_model_loads(
    tiny_adapter: Path, kept: list[str]
) -> None:
    """A thread that warns all the while is heard every time; the load itself is not."""
    stop, given = threading.Event(), 0

    def work() -> None:
        nonlocal given
        while not stop.is_set():
            warnings.warn(f"other {given}", UserWarning, stacklevel=1)
            LIBRARY.warning("other")
            given += 1
            stop.wait(0.001)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread = threading.Thread(target=work)
        thread.start()
        for _ in range(20):  # one is too short for a machine that is busy
            load_model(tiny_adapter)
            if given > 20:
                break
        stop.set()
        thread.join()
    messages = [str(warning.message) for warning in caught]
    assert given > 20
    assert messages == [f"other {number}" for number in range(given)]
    assert kept == ["other"] * given


def test_errors_pass_and_switches_are_put_back() -> None:
    """Bars, verbosity and handlers are as before, also behind an error."""
    handlers = [*logging.getLogger("transformers").handlers]
    before = hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()
    with pytest.raises(ZeroDivisionError), quiet_transformers():
        assert not hf_logging.is_progress_bar_enabled()
        raise ZeroDivisionError
    assert before == (hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled())
    assert [*logging.getLogger("transformers").handlers] == handlers
    assert all(not handler.filters for handler in handlers)
