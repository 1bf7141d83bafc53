"""What a command does when something is wrong: one line on standard error and an exit code.

In: errors of the package and of the system, and the package's log. Out: ``failures``, around
the body of each command, and ``fail`` and ``tell`` for the rest.

Exit codes: 0 all decoded. 1 some refused or failed, or the reader of the results has gone.
2 usage: the command was not understood, or a file it names cannot be read or written.
3 environment: the model, the adapter, the cache or the output cannot be used.
"""

import contextlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from kvrm_grammar.errors import (
    BatchError,
    ConstraintError,
    InputError,
    IsaError,
    KvrmError,
    ModelError,
    TokenIndexError,
)

__all__ = ["ENVIRONMENT", "REFUSED", "USAGE", "fail", "failures", "tell"]

REFUSED, USAGE, ENVIRONMENT = 1, 2, 3

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_OF_THE_ENVIRONMENT = (BatchError, ConstraintError, IsaError, ModelError, TokenIndexError)


@contextmanager
def failures(verbose: int = 0) -> Iterator[None]:
    """Turn the package's errors, and the system's, into a message and an exit code.

    Args:
        verbose: What of the package's log goes to standard error: 0 for warnings, 1 for
            information too, 2 for everything.

    Raises:
        typer.Exit: In place of each such error. Other errors are bugs and pass.
    """
    try:
        with _shown_log(verbose):
            yield
    except KvrmError as error:
        fail(str(error), _code(error))
    except BrokenPipeError as error:
        # The reader has gone (`| head`); Python must not complain at exit either.
        sys.stdout = None
        raise typer.Exit(REFUSED) from error
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        fail(f"{where}{error.strerror or error}", ENVIRONMENT)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kvrm_grammar"):
            raise
        fail(f"a package is missing: {error.name}; install kvrm-grammar with it", ENVIRONMENT)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong on standard error, and end the command.

    Raises:
        typer.Exit: Always, with ``code``.
    """
    tell(f"error: {message}")
    raise typer.Exit(code)


def tell(message: str) -> None:
    """Write a line on standard error; where that is closed or full, nobody can be told."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(message.encode("utf-8", "backslashreplace").decode() + "\n")
            sys.stderr.flush()


class _Telling(logging.Handler):
    """Tells each record, on the standard error of the moment: a progress bar replaces it."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(f"{record.levelname.lower()}: {self.format(record)}")


@contextmanager
def _shown_log(verbose: int) -> Iterator[None]:
    logger, handler = logging.getLogger("kvrm_grammar"), _Telling()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(_LEVELS[min(verbose, len(_LEVELS) - 1)])
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def _code(error: KvrmError) -> int:
    # Errors of single lines never come here: they are results.
    if isinstance(error, InputError):
        return USAGE
    return ENVIRONMENT if isinstance(error, _OF_THE_ENVIRONMENT) else REFUSED
