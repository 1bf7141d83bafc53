"""The way to ``training/``: makers of texts, training and evaluation, which no wheel brings.

In: the name of one of its modules. Out: the module, or one line that says what to do. The package
needs nothing of it, so it is named here alone, and looked for when it is asked for.
"""

import contextlib
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType

import typer

from kvrm_grammar.cli.failures import ENVIRONMENT, USAGE, fail

__all__ = ["maker", "run_maker"]

_FOLDER = "training"


def maker(name: str) -> ModuleType:
    """Import a module of ``training/``.

    Args:
        name: Below the folder, such as ``data.strict``.

    Raises:
        typer.Exit: There is none, as in an installed wheel.
    """
    try:
        return import_module(f"{_FOLDER}.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != _FOLDER:
            raise  # a package that training needs
        fail(
            f"this command needs the folder {_FOLDER}/ of a source checkout: run it from there, "
            "or put the checkout on PYTHONPATH",
            ENVIRONMENT,
        )


def run_maker(name: str, arguments: Sequence[object]) -> None:
    """Run a command of ``training/``; what it prints goes to standard error.

    Args:
        name: See :func:`maker`.
        arguments: Its own options and their values.

    Raises:
        typer.Exit: It is not there, or failed.
    """
    main: Callable[[list[str]], int] = maker(name).main
    with contextlib.redirect_stdout(sys.stderr):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else USAGE
    if code:
        raise typer.Exit(code)
