"""Arguments, a file or standard input -> lines, and a hint where quotes were forgotten.

In: what was given on the command line. Out: ``Source``: the lines, and what is known of them.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kvrm_grammar.cli.failures import REFUSED, USAGE, fail
from kvrm_grammar.cli.loading import is_terminal

if TYPE_CHECKING:
    from kvrm_grammar.isa import InstructionSet
    from kvrm_grammar.lines import Line

__all__ = ["Source", "forgotten_quotes", "open_source", "read_source"]

_NOTHING = "give at least one instruction, '-' to read standard input, or --file FILE"
_ENDS = re.compile(rb"\r\n|\r|\n")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """Where instructions come from.

    Attributes:
        lines: Read once, as they come.
        file: The file's name; None for arguments and standard input.
        texts: The arguments; empty for a file and standard input.
        is_typed: Whether a person types the lines, one by one.
    """

    lines: "Iterator[Line]"
    file: str | None = None
    texts: tuple[str, ...] = ()
    is_typed: bool = False

    def count(self) -> int | None:
        """How many lines there are, for a progress bar; None where nobody can tell."""
        if self.file is None:
            return len(self.texts) or None
        path = Path(self.file)
        if not path.is_file():
            return None
        with path.open("rb") as opened:
            return sum(block.count(b"\n") for block in iter(lambda: opened.read(_BLOCK_BYTES), b""))


def open_source(texts: list[str] | None, file: str | None) -> Source:
    """Find the instructions.

    Args:
        texts: The arguments; a single ``-`` means standard input.
        file: The option ``--file``; ``-`` means standard input.

    Raises:
        InputError: The file cannot be opened.
        typer.Exit: Nothing was given, or both.
    """
    from kvrm_grammar.lines import lines_of_arguments, read_lines

    if texts and file is not None:
        fail("give instructions or --file, not both", USAGE)
    if texts == ["-"] or file == "-":
        if sys.stdin is None:
            fail("standard input is closed; give instructions, or --file FILE", USAGE)
        return Source(read_lines(sys.stdin.buffer), is_typed=is_terminal(sys.stdin))
    if file is not None:
        return Source(read_lines(file), file=file)
    if not texts:
        fail(_NOTHING, USAGE)
    return Source(lines_of_arguments(texts), texts=tuple(texts))


def read_source(file: str) -> str:
    """Read a source text whole; a byte order mark at its start is dropped.

    Args:
        file: A name, or ``-`` for standard input.

    Raises:
        typer.Exit: It cannot be read, or is not UTF-8.
    """
    name = "standard input" if file == "-" else file
    if file == "-" and sys.stdin is None:
        fail("standard input is closed; name a file", USAGE)
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = len(_ENDS.findall(raw[: error.start])) + 1
        fail(f"{name}: not UTF-8: {error.reason} at byte {error.start}, in line {line}", REFUSED)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        fail(f"{name}: {getattr(error, 'strerror', None) or error}", USAGE)


def forgotten_quotes(
    command: str, texts: tuple[str, ...], dialect: str | None, isa: "InstructionSet"
) -> str | None:
    """Say so where the words of one instruction came as several.

    Args:
        command: The command that was called.
        texts: Its arguments.
        dialect: The input language; None for the strict one.
        isa: The instruction set.

    Returns:
        A hint where each argument is one word that means nothing alone, and all together
        are an instruction; else None.
    """
    if len(texts) < 2 or any(len(text.split()) != 1 for text in texts):
        return None
    together = " ".join(texts)
    if any(_means_something(text, dialect, isa) for text in texts):
        return None
    if not (together.isprintable() and _means_something(together, dialect, isa)):
        return None
    quoted = shlex.quote(together) if set(together) & set('"$`\\!') else f'"{together}"'
    return f"hint: to decode one instruction, quote it: kvrm-grammar {command} {quoted}"


def _means_something(text: str, dialect: str | None, isa: "InstructionSet") -> bool:
    from kvrm_grammar.dialects import find_dialect
    from kvrm_grammar.errors import InputError
    from kvrm_grammar.isa import INVALID

    try:
        return find_dialect(dialect or "strict", isa).read(text).guess != INVALID
    except InputError:
        return False
