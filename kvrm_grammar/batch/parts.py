"""Input files -> parts: which rows belong together, without reading them twice.

In: a file or a folder of files. Out: a :class:`Part` for every so many rows, small enough to be
sent to any worker, which reads its rows by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kvrm_grammar.errors import InputError

__all__ = ["SUFFIXES", "Part", "input_files", "plan_parts"]

SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""How the name of an input file ends -> its format."""


@dataclass(frozen=True)
class Part:
    """Rows of one file that are decoded and written together. Immutable.

    Attributes:
        number: From 0, over all files.
        path: The file.
        first: Number of its first row, from 1, over all files; the id of a row without one.
        rows: How many.
        begin: Where they begin: a byte of JSON Lines, a row of Parquet, from 0.
        end: Where they end, in the same unit.
    """

    number: int
    path: str
    first: int
    rows: int
    begin: int
    end: int

    @property
    def name(self) -> str:
        """What its file is called, without the suffix; in the order of the numbers."""
        return f"part-{self.number:08d}"


def input_files(source: Path) -> tuple[Path, ...]:
    """The files that are meant.

    Args:
        source: A file, or a folder whose files are taken in the order of their names.

    Raises:
        InputError: There are none, or they are of two formats or of another one.
    """
    files = tuple(sorted(p for p in source.iterdir() if p.is_file())) if source.is_dir() else ()
    files = files or (source,)
    formats = {SUFFIXES.get(path.suffix) for path in files}
    if None in formats or len(formats) != 1 or not files[0].is_file():
        raise InputError(
            f"{source} must be a file, or a folder of files of one kind: {', '.join(SUFFIXES)}"
        )
    return files


def plan_parts(files: tuple[Path, ...], size: int) -> Iterator[Part]:
    """Cut files into parts.

    Args:
        files: As from :func:`input_files`.
        size: Rows of a part, at least 1; the last one of a file may have fewer.

    Raises:
        InputError: A file cannot be read.
    """
    number, first = 0, 1
    for path in files:
        try:
            cuts = _lines(path, size) if SUFFIXES[path.suffix] == "jsonl" else _slices(path, size)
            for rows, begin, end in cuts:
                yield Part(number, str(path.absolute()), first, rows, begin, end)
                number, first = number + 1, first + rows
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def _lines(path: Path, size: int) -> Iterator[tuple[int, int, int]]:
    """Rows, first byte and last byte of each part; a last line without an end counts."""
    rows, begin, place = 0, 0, 0
    with path.open("rb") as file:
        for line in file:
            rows, place = rows + 1, place + len(line)
            if rows == size:
                yield rows, begin, place
                rows, begin = 0, place
    if rows:
        yield rows, begin, place


def _slices(path: Path, size: int) -> Iterator[tuple[int, int, int]]:
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            total, names = file.metadata.num_rows, file.schema_arrow.names
    except ArrowInvalid as error:
        raise InputError(f"{path} is no Parquet file: {error}") from error
    if "text" not in names:
        raise InputError(f"{path} has no column 'text', but {', '.join(names)}")
    for begin in range(0, total, size):
        end = min(begin + size, total)
        yield end - begin, begin, end
