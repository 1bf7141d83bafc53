"""parts.py and rows.py: every row of every file is in one part, in order, readable or not."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow.parquet import read_table, write_table

from kvrm_grammar.batch import Job
from kvrm_grammar.batch.job import Worker
from kvrm_grammar.batch.parts import Part, input_files, plan_parts
from kvrm_grammar.batch.rows import Row, count_rows, read_rows, result_row, write_rows
from kvrm_grammar.errors import InputError
from tests.batch.fake import Fake, load

RAW = (
    b'{"id":"a","text":"halt"}\n{"text":"inc r1"}\r\n\n{"id":7,"text":"\\u00e9"}\nnot json\n'
    b'["text"]\n{"id":1}\n{"id":null,"text":"nop"}\n{"id":true,"text":"nop"}\n{"text":5}\n'
    b'\xff\xfe\n{"id":"end","text":"sub r5 r3 r1"}'
)
WELL = {
    1: ("a", "halt"), 2: (2, "inc r1"), 4: (7, "é"), 8: (8, "nop"), 12: ("end", "sub r5 r3 r1"),
}  # fmt: skip


def rows_of(path: Path, size: int) -> list[Row]:
    parts = list(plan_parts(input_files(path), size))
    assert [part.number for part in parts] == [*range(len(parts))]
    found = [read_rows(part) for part in parts]
    assert [len(own) for own in found] == [part.rows for part in parts]
    return [row for own in found for row in own]


@pytest.mark.parametrize("size", [1, 2, 5, 12, 100])
def test_every_line_is_a_row(tmp_path: Path, size: int) -> None:
    """Whatever the size of a part: well-formed rows as they are, all others with an error."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(RAW)
    rows = rows_of(path, size)
    assert len(rows) == 12
    for number, (named, line) in enumerate(rows, start=1):
        if number in WELL:
            assert (named, line.text, line.error) == (*WELL[number], None)
        else:
            assert named == number and isinstance(line.error, InputError)
    errors = [str(line.error) for _, line in rows if line.error]
    assert [text.split(":")[0] for text in errors][:2] == ["not JSON", "not JSON"]
    assert any("an id is a text or an integer, not True" in text for text in errors)
    assert any("an instruction is text, got int" in text for text in errors)
    assert any(text.startswith("not UTF-8") for text in errors)


def test_a_folder_is_its_files_in_order(tmp_path: Path) -> None:
    """Numbers go on from file to file; a part never holds rows of two."""
    for name, count in (("b.jsonl", 3), ("a.jsonl", 5)):
        (tmp_path / name).write_text('{"text":"nop"}\n' * count)
    parts = list(plan_parts(input_files(tmp_path), 2))
    assert [(Path(p.path).name, p.first, p.rows) for p in parts] == [
        ("a.jsonl", 1, 2), ("a.jsonl", 3, 2), ("a.jsonl", 5, 1), ("b.jsonl", 6, 2),
        ("b.jsonl", 8, 1),
    ]  # fmt: skip
    assert [named for part in parts for named, _ in read_rows(part)] == [*range(1, 9)]


@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_parquet_is_read_across_its_row_groups(tmp_path: Path, size: int) -> None:
    """Parts need not end where row groups do; a null is a row with an error, an id may be one."""
    path = tmp_path / "in.parquet"
    columns: dict[str, list[Any]] = {
        "id": [f"x{n}" if n % 4 else None for n in range(10)],
        "text": [f"inc r{n % 8}" if n != 6 else None for n in range(10)],
        "more": [*range(10)],
    }
    write_table(pyarrow.table(columns), path, row_group_size=3)
    rows = rows_of(path, size)
    assert [named for named, _ in rows] == [1, "x1", "x2", "x3", 5, "x5", "x6", "x7", 9, "x9"]
    assert [line.text for _, line in rows if line.error is None] == [
        text for text in columns["text"] if text
    ]
    assert str(rows[6][1].error) == "text is null"


def test_input_that_cannot_be_is_told(tmp_path: Path) -> None:
    """No file, another format, two formats, no Parquet, no column: an error that names it."""
    (tmp_path / "no.parquet").write_bytes(b"nothing of the kind")
    write_table(pyarrow.table({"line": ["nop"]}), tmp_path / "column.parquet")
    (tmp_path / "a.jsonl").write_text("")
    (tmp_path / "a.txt").write_text("")
    for path in (tmp_path, tmp_path / "a.txt", tmp_path / "absent.jsonl"):
        with pytest.raises(InputError, match="must be a file, or a folder"):
            input_files(path)
    with pytest.raises(InputError, match="no Parquet file"):
        list(plan_parts((tmp_path / "no.parquet",), 5))
    with pytest.raises(InputError, match="no column 'text', but line"):
        list(plan_parts((tmp_path / "column.parquet",), 5))
    assert list(plan_parts((tmp_path / "a.jsonl",), 5)) == []


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_what_has_no_encoding_is_written(tmp_path: Path, suffix: str) -> None:
    """Half of a surrogate pair as an id, in a text and in an error stops no other row."""
    path = tmp_path / "in.jsonl"
    raw = b'{"id":"\\ud800","text":"halt"}\n{"text":"\\udfff"}\n{"id":["\\ud800"],"text":"nop"}\n'
    path.write_bytes(raw)
    rows = read_rows(Part(0, str(path), 1, 3, 0, len(raw)))
    answers = Fake().decode_many([line for _, line in rows])
    target = tmp_path / f"part{suffix}"
    write_rows(target, [result_row(row[0], one) for row, one in zip(rows, answers, strict=True)])
    assert count_rows(target) == (3, 2)
    if suffix == ".parquet":
        assert read_table(target)["id"].to_pylist() == ["\\ud800", "2", "3"]


def test_a_batch_of_parquet_gives_parquet(tmp_path: Path) -> None:
    """From file to file, by a worker of this process: rows in order, ids as they were."""
    source, output = tmp_path / "in.parquet", tmp_path / "out"
    output.mkdir()
    texts = [f"jmp {n}" for n in range(7)]
    write_table(pyarrow.table({"id": [f"x{n}" for n in range(7)], "text": texts}), source)
    worker = Worker(Job(), str(output), ".parquet", load)
    assert [worker.do(part) for part in plan_parts((source,), 3)] == [0, 0, 0]
    found = [row for path in sorted(output.iterdir()) for row in read_table(path).to_pylist()]
    assert [row["id"] for row in found] == [f"x{n}" for n in range(7)]
    assert [json.loads(row["params"])["addr"] for row in found] == [*range(7)]
    assert {row["key"] for row in found} == {"OP_JMP"}


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_results_are_written_whole(tmp_path: Path, suffix: str) -> None:
    """The same rows in both formats; a file that cannot be put in place leaves nothing beside."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(RAW)
    rows = read_rows(Part(0, str(path), 1, 12, 0, len(RAW)))
    answers = Fake().decode_many([line for _, line in rows])
    results = [result_row(row[0], one) for row, one in zip(rows, answers, strict=True)]
    target = tmp_path / f"part{suffix}"
    write_rows(target, results)
    assert count_rows(target) == (12, 8)
    if suffix == ".parquet":
        found = read_table(target).to_pylist()
        again = [row | {"params": row["params"] and json.loads(row["params"])} for row in found]
        assert again == [row | {"id": str(row["id"])} for row in results]
    else:
        assert [json.loads(line) for line in target.read_text().splitlines()] == results
    (tmp_path / "taken" / "x").mkdir(parents=True)
    with pytest.raises(OSError):
        write_rows(tmp_path / "taken", results)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["in.jsonl", target.name, "taken"])
