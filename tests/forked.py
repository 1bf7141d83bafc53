"""Work in a forked process."""

import faulthandler
import multiprocessing
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Any

TIMEOUT_S = 60.0


def in_a_fork(work: Callable[[], Any]) -> Any:
    """What a function gives in a forked process, or the error that it raises there."""
    context: Any = multiprocessing.get_context("fork")
    mine, its = context.Pipe()

    def child() -> None:
        faulthandler.dump_traceback_later(TIMEOUT_S - 5, file=places)
        try:
            its.send(work())
        except BaseException as error:
            its.send(error)

    with TemporaryFile("w+") as places:
        process = context.Process(target=child)
        process.start()
        try:
            if not mine.poll(TIMEOUT_S):
                places.seek(0)
                raise AssertionError(f"the forked process hangs: {places.read()}")
            result = mine.recv()
        finally:
            process.kill()
            process.join()
    if isinstance(result, BaseException):
        raise result
    return result
