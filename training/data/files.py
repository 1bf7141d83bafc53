"""What is read from files, and what says that a file is the same.

In: a path. Out: the values of JSON Lines, a run's record, a SHA-256. Used by every reader of
examples, records and weights.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import DataError

__all__ = ["file_digest", "read_json_lines", "read_record"]


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each line.

    Raises:
        DataError: The file cannot be read, or a line is no JSON.
    """
    try:
        # As bytes: str.splitlines would cut at U+2028 too, which may stand in a JSON string.
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}") from error


def read_record(path: Path) -> dict[str, Any]:
    """Read what a run wrote of itself: one JSON object.

    Raises:
        DataError: There is none.
    """
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error
    return record


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
