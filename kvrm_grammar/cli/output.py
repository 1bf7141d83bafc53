"""Rows of results -> lines of JSON, a progress bar, and the exit code.

In: one dictionary per instruction. Out: one JSON line each, on standard output or in a
file; why a row failed, and the bar, on standard error.
"""

import contextlib
import json
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

import typer

from kvrm_grammar.cli.failures import ENVIRONMENT, REFUSED, USAGE, fail, tell
from kvrm_grammar.cli.loading import is_terminal
from kvrm_grammar.errors import KvrmError

__all__ = ["Writer", "destination", "finish", "make_row"]

_LONG = 50
"""Rows after which a bar is shown: shorter input is done before one could be read."""

_PLAIN = ("key", "params", "confidence", "alternatives", "posterior")


class Writer:
    """Writes lines, each at once, to standard output or to a file. Mutable.

    Args:
        file: Open for writing text.
        name: For messages.
        keeps: Whether what the file holds stays; else it goes with the first line.
    """

    def __init__(self, file: IO[str], name: str, *, keeps: bool = True) -> None:
        self._file, self._name, self._keeps = file, name, keeps

    @property
    def is_seen(self) -> bool:
        """Whether a person sees the lines as they come."""
        return is_terminal(self._file)

    def line(self, text: str) -> None:
        """Write one line.

        Raises:
            BrokenPipeError: The reader has gone.
            typer.Exit: It cannot be written.
        """
        try:
            self.clear()
            self._file.write(text + "\n")
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            if self._file is sys.stdout:
                sys.stdout = None  # no second try at exit
            fail(f"{self._name} cannot be written: {error.strerror or error}", ENVIRONMENT)

    def clear(self) -> None:
        """Drop what the file held before, once."""
        if not self._keeps:
            self._file.truncate(0)
            self._keeps = True


@contextmanager
def destination(output: Path | None, source: str | None = None) -> Iterator[Writer]:
    """Open the place where results go.

    Args:
        output: The option ``--output``; None for standard output. A file keeps what it holds
            until there is a result, so that a model that cannot be loaded costs nothing.
        source: The file that is read, which must not be written.

    Raises:
        typer.Exit: It is closed, or cannot be opened.
    """
    if output is None:
        if sys.stdout is None:
            fail("standard output is closed; give --output FILE, or a reader", ENVIRONMENT)
        yield Writer(sys.stdout, "standard output")
        return
    with contextlib.suppress(OSError):
        if source is not None and output.samefile(source):
            fail(f"--output {output} would overwrite the input", USAGE)
    try:
        file = output.open("a", encoding="utf-8", newline="\n")
        regular = stat.S_ISREG(output.stat().st_mode)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        fail(f"{output} cannot be written: {getattr(error, 'strerror', None) or error}", USAGE)
    try:
        yield Writer(file, str(output), keeps=not regular)
    finally:
        with contextlib.suppress(OSError):  # told when it was written
            file.close()


def make_row(
    number: int, text: str, answer: str | None, error: KvrmError | None, reason: str | None
) -> dict[str, Any]:
    """Describe one result.

    Args:
        number: Of the line, from 1, or the instruction's address.
        text: As given.
        answer: Canonical JSON of the operation; None where there is none.
        error: Why there is none.
        reason: Why it was refused.
    """
    result = json.loads(answer) if answer is not None else {"key": None, "params": None}
    problem = str(error) if error is not None else reason
    return {"id": number, "ok": problem is None, **result, "error": problem, "raw": text}


def finish(
    rows: Iterable[dict[str, Any]],
    writer: Writer,
    *,
    jsonl: bool,
    count: Callable[[], int | None] = lambda: None,
    is_typed: bool = False,
) -> NoReturn:
    """Write all rows, and end the command.

    Args:
        rows: As from :func:`make_row`, perhaps with more fields.
        writer: Where they go.
        jsonl: Whether to write them whole.
        count: Says how many rows there will be; asked where a bar is shown.
        is_typed: Whether a person types the lines, and wants no bar between them.

    Raises:
        typer.Exit: Always; 0 where all rows are well, else 1.
    """
    failed = 0
    wants_bar = is_terminal(sys.stderr) and not (writer.is_seen or is_typed)
    with _bar(count) if wants_bar else contextlib.nullcontext(lambda: None) as advance:
        for row in rows:
            failed += not row["ok"]
            writer.line(json.dumps(row if jsonl else _plain(row), separators=(",", ":")))
            if not row["ok"] and not jsonl:
                tell(f"input {row['id']}: {row['error']}")
            advance()
    writer.clear()
    raise typer.Exit(REFUSED if failed else 0)


@contextmanager
def _bar(count: Callable[[], int | None]) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Results go where they went: rich would show them on standard error, above the bar.
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    done = 0
    task = bar.add_task("", total=None, start=True)

    def advance() -> None:
        nonlocal done
        done += 1
        if done == _LONG:
            bar.update(task, total=count())
            bar.start()
        bar.update(task, completed=done)

    try:
        yield advance
    finally:
        if done >= _LONG:
            bar.stop()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    if row["key"] is None:
        return {"error": row["error"]}
    return {name: row[name] for name in _PLAIN if name in row}
