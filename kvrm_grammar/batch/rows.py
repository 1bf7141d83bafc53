"""The rows of a part: read from its file, and written to a file of its own.

In: a :class:`~kvrm_grammar.batch.parts.Part`; results. Out: an id and a line for each row, whether
it can be read or not; a file that is whole or absent.
"""

import codecs
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kvrm_grammar.batch.parts import SUFFIXES, Part
from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.errors import InputError
from kvrm_grammar.lines import LONGEST_LINE, Line, as_line

__all__ = ["FORMATS", "Row", "count_rows", "read_rows", "result_row", "write_rows"]

FORMATS = ("jsonl", "parquet")
"""What results can be written as."""

Row = tuple[str | int, Line]
"""A row's id, and its text or why it has none."""


def read_rows(part: Part) -> list[Row]:
    """Read the rows of a part; one that is malformed carries its error and stops nothing.

    Raises:
        OSError: The file cannot be read.
    """
    if SUFFIXES[Path(part.path).suffix] == "parquet":
        return _from_parquet(part)
    with open(part.path, "rb") as file:
        file.seek(part.begin)
        raw = file.read(part.end - part.begin)
    lines = raw.removesuffix(b"\n").split(b"\n")
    return [_row(line, part.first + place) for place, line in enumerate(lines)]


def result_row(number: str | int, decoded: Decoded) -> dict[str, Any]:
    """Describe one result, as ``kvrm-grammar decode --jsonl --confidence`` does."""
    answer = {"key": None, "params": None} if decoded.json is None else json.loads(decoded.json)
    problem = decoded.reason if decoded.error is None else str(decoded.error)
    rest = {"error": problem, "raw": decoded.text, "confidence": decoded.confidence}
    return {"id": number, "ok": problem is None, **answer, **rest}


def write_rows(target: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the results of a part; the file appears when it is whole.

    Args:
        target: Its suffix says the format.
        rows: As from :func:`result_row`.

    Raises:
        OSError: It cannot be written.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if target.suffix == ".parquet":
            _write_parquet(beside, rows)
        else:
            lines = (json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
            beside.write_text("".join(lines), encoding="ascii", newline="\n")
        with beside.open("rb+") as file:  # Windows writes out only what may be written to
            os.fsync(file.fileno())
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def count_rows(path: Path) -> tuple[int, int]:
    """How many rows a part that was written has, and how many of them are not ``ok``."""
    if path.suffix == ".parquet":
        from pyarrow.parquet import read_table

        good: Iterable[bool] = read_table(path, columns=["ok"])["ok"].to_pylist()
    else:
        good = (json.loads(line)["ok"] for line in path.read_text("ascii").splitlines())
    told = [bool(one) for one in good]
    return len(told), told.count(False)


def _row(raw: bytes, number: int) -> Row:
    text = raw.decode("utf-8", "backslashreplace").removesuffix("\r")[:LONGEST_LINE]
    try:
        # Decoded here: json.loads would take bytes that look like UTF-16 for that.
        value = json.loads(raw.removeprefix(codecs.BOM_UTF8).decode("utf-8"))
    except UnicodeDecodeError as error:
        return number, Line(text, InputError(f"not UTF-8: {error.reason}"))
    except (ValueError, RecursionError) as error:
        return number, Line(text, InputError(f"not JSON: {error}"))
    if not isinstance(value, dict) or "text" not in value:
        return number, Line(text, InputError('a row is a JSON object with "text"'))
    return _named(value, number)


def _from_parquet(part: Part) -> list[Row]:
    from pyarrow.parquet import ParquetFile

    rows: list[Row] = []
    with ParquetFile(part.path) as file:
        columns = [name for name in ("id", "text") if name in file.schema_arrow.names]
        before = 0
        for group in range(file.metadata.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            begin, end = max(part.begin - before, 0), min(part.end - before, count)
            if begin < end:
                table = file.read_row_group(group, columns=columns).slice(begin, end - begin)
                first = part.first + len(rows)
                rows += [_named(own, first + at) for at, own in enumerate(table.to_pylist())]
            before += count
    return rows


def _named(own: dict[str, Any], number: int) -> Row:
    named, text = own.get("id"), own["text"]
    line = Line("", InputError("text is null")) if text is None else as_line(text)
    return (number, line) if named is None else _checked(named, line, number)


def _checked(named: object, line: Line, number: int) -> Row:
    """A row under its id; under its number, and with an error, where that can be none."""
    if isinstance(named, str | int) and not isinstance(named, bool):
        return named, line
    message = f"an id is a text or an integer, not {named!r:.80}"
    return number, Line(line.text, InputError(message))


def _unicode(text: str) -> str:
    """A text that has an encoding: half of a surrogate pair, which JSON can name, has none."""
    return text.encode("utf-8", "backslashreplace").decode()


def _write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    import pyarrow
    from pyarrow.parquet import write_table

    texts = ("id", "key", "params", "error", "raw")
    schema = pyarrow.schema(
        [("id", pyarrow.string()), ("ok", pyarrow.bool_())]
        + [(name, pyarrow.string()) for name in texts[1:]]
        + [("confidence", pyarrow.float64())]
    )
    flat = [
        row
        | {
            "id": _unicode(str(row["id"])),
            "params": None if row["params"] is None else json.dumps(row["params"]),
            "error": None if row["error"] is None else _unicode(row["error"]),
            "raw": _unicode(row["raw"]),
        }
        for row in rows
    ]
    write_table(pyarrow.Table.from_pylist(flat, schema=schema), path)
