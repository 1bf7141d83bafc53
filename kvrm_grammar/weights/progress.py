"""How far a long preparation is, as a bar on standard error or told to a function.

In: what the caller wants to see. Out: a function that stages of the work report to. Used by
:mod:`~kvrm_grammar.weights.packaged_base`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from kvrm_grammar.weights.fetch import Report

__all__ = ["reporter"]


@contextmanager
def reporter(progress: bool | Report) -> Iterator[Report]:
    """Show what is reported inside a ``with`` block.

    Args:
        progress: True for a bar on standard error, False for nothing, or a function of one's own.

    Yields:
        What to report to.
    """
    if callable(progress):
        yield progress
        return
    # Bound to the stream of now: the conversion diverts standard error for a while.
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not progress) as bars:
        task = bars.add_task("preparing", total=None)

        def report(stage: str, done: int, total: int | None) -> None:
            bars.update(task, description=stage, completed=done, total=total)

        yield report
