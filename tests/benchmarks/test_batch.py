"""benchmarks/batch.py: what is lost, doubled or different is counted."""

import json
from pathlib import Path
from typing import Any

from benchmarks import batch
from kvrm_grammar.batch import Job
from kvrm_grammar.batch.job import Worker
from kvrm_grammar.batch.parts import plan_parts
from kvrm_grammar.lines import Line
from tests.batch.fake import Fake, load

COUNT = 60


def worked(tmp_path: Path) -> tuple[Path, Path]:
    """Generated input, and its results by a decoder that never errs."""
    source, output = tmp_path / "in.jsonl", tmp_path / "out"
    batch.write_input(source, COUNT, 3, None)
    output.mkdir()
    worker = Worker(Job(), str(output), ".jsonl", load)
    for part in plan_parts((source,), 25):
        worker.do(part)
    return source, output


def compared(source: Path, output: Path) -> dict[str, int]:
    decoder: Any = Fake()
    decoder.decode_many = lambda texts, **_: Fake().decode_many(map(Line, texts))
    return batch.compare(output, batch.expected(source, decoder, 16))


def test_a_batch_that_is_whole_is_counted_so(tmp_path: Path) -> None:
    """Every row once, in order, equal; those that are no JSON are bad rows."""
    source, output = worked(tmp_path)
    bad = sum(not raw.endswith("}\n") for raw in source.open())
    found = compared(source, output)
    assert found == {"rows": COUNT, "lost_or_doubled": 0, "bad_rows": bad, "different": 0}


def test_what_is_wrong_is_counted(tmp_path: Path) -> None:
    """A row that is lost, one that is doubled, and one with another answer."""
    source, output = worked(tmp_path)
    part = output / "part-00000002.jsonl"
    rows = part.read_text().splitlines()
    part.write_text("\n".join(rows[:-1]) + "\n")
    assert compared(source, output)["lost_or_doubled"] == 1
    part.write_text("\n".join([*rows[:-1], rows[-2]]) + "\n")
    assert compared(source, output)["lost_or_doubled"] == 1
    other = json.loads(rows[-1]) | {"key": "OP_NEVER"}
    part.write_text("\n".join([*rows[:-1], json.dumps(other)]) + "\n")
    before = compared(source, output)
    part.write_text("\n".join(rows) + "\n")
    assert before["different"] == compared(source, output)["different"] + 1 == 1


def test_the_options_are_those_of_the_issue() -> None:
    """Two actors and twenty thousand lines, unless asked otherwise."""
    arguments = batch.build_parser().parse_args([])
    assert (arguments.workers, arguments.count, arguments.kill_after) == (2, 20_000, None)
