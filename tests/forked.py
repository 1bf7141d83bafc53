"""Work in a forked process."""

import multiprocessing
from collections.abc import Callable
from typing import Any

TIMEOUT_S = 60.0


def in_a_fork(work: Callable[[], Any]) -> Any:
    """What a function gives in a forked process, or the error that it raises there."""
    context: Any = multiprocessing.get_context("fork")
    mine, its = context.Pipe()

    def child() -> None:
        try:
            its.send(work())
        except BaseException as error:
            its.send(error)

    process = context.Process(target=child)
    process.start()
    try:
        assert mine.poll(TIMEOUT_S), "the forked process hangs"
        result = mine.recv()
    finally:
        process.kill()
        process.join()
    if isinstance(result, BaseException):
        raise result
    return result
