"""running.py: a batch in a Ray of this machine, killed and restarted, against one decoder.

Ray needs the network of this machine, so these tests run in processes of their own.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.batch import Job, decode_files
from kvrm_grammar.batch.job import Worker
from kvrm_grammar.batch.parts import Part, plan_parts
from kvrm_grammar.batch.record import RECORD, check_record, make_record
from kvrm_grammar.batch.running import PART_ROWS
from kvrm_grammar.cli import batch as command
from kvrm_grammar.errors import BaseModelError, BatchError, InputError, KvrmError
from tests.batch.fake import KILLED, load
from tests.cli.running import run

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, sys
from dataclasses import asdict
from kvrm_grammar.batch import decode_files
from tests.batch import fake
source, output, load = sys.argv[1:]
report = decode_files(source, output, workers=2, part_rows=4, load=getattr(fake, load))
print(json.dumps(asdict(report)))
"""


def in_another_process(source: Path, output: Path, load: str, **environment: str) -> Any:
    """Begin a batch in another process."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(source), str(output), load],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment,
    )  # fmt: skip


def in_ray(source: Path, output: Path, load: str = "load", **environment: str) -> dict[str, Any]:
    """Run a batch in another process; what it reports."""
    process = in_another_process(source, output, load, **environment)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    found: dict[str, Any] = json.loads(stdout.splitlines()[-1])
    return found


def written(output: Path) -> list[dict[str, Any]]:
    """All results of a folder, in the order of its files."""
    parts = sorted(output.glob("part-*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Thirty rows, two of them bad, and one that a mortal decoder dies of."""
    rows = [json.dumps({"id": f"x{n}", "text": f"inc r{n % 8}"}) for n in range(27)]
    rows[13:13] = ["{", '{"id":"killer","text":"nop ; killer"}', '{"id":5}']
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(rows) + "\n")
    return path


def expected(source: Path) -> list[dict[str, Any]]:
    """The same by one worker, in this process."""
    folder = source.parent / "expected"
    folder.mkdir()
    size = source.stat().st_size
    Worker(Job(), str(folder), ".jsonl", load).do(Part(0, str(source), 1, 30, 0, size))
    return written(folder)


def test_an_actor_that_dies_loses_and_doubles_nothing(source: Path, tmp_path: Path) -> None:
    """Ray begins another, and the part is done again; later, what is lacking, and that alone."""
    output, mark = tmp_path / "out", tmp_path / "killed"
    report = in_ray(source, output, "load_mortal", **{KILLED: str(mark)})
    assert mark.exists()
    assert report == {"rows": 30, "failed": 2, "parts": 8, "reused": 0}
    assert written(output) == expected(source)
    (output / "part-00000003.jsonl").unlink()
    assert in_ray(source, output) == report | {"reused": 7}
    assert written(output) == written(tmp_path / "expected")


@pytest.mark.slow
def test_a_part_that_kills_every_actor_ends_the_run(source: Path, tmp_path: Path) -> None:
    """Not for ever: with an error, and without a result of that part."""
    output = tmp_path / "out"
    process = in_another_process(source, output, "load_doomed")
    _, stderr = process.communicate(timeout=600)
    assert process.returncode != 0
    assert "BatchError: a worker could not go on" in stderr
    assert "part-00000003.jsonl" not in {path.name for path in output.iterdir()}


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on(source: Path, tmp_path: Path) -> None:
    """The same command again: what is there stays, the rest is done, and nothing else is left."""
    output = tmp_path / "out"
    process = in_another_process(source, output, "load_slow")
    until = time.monotonic() + 200
    while len([*output.glob("part-*")]) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    (output / ".part-00000007.jsonl.1").write_text("half")
    report = in_ray(source, output)
    assert report["rows"] == 30 and 2 <= report["reused"] < 8
    assert written(output) == expected(source)
    names = {path.name for path in output.iterdir()} - {".lock", RECORD}
    assert names == {f"part-{number:08d}.jsonl" for number in range(8)}


def test_a_batch_that_is_done_needs_no_worker(source: Path, tmp_path: Path) -> None:
    """All parts are there: nothing is decoded, no Ray is begun, and the report is the same."""
    output = tmp_path / "out"
    output.mkdir()
    check_record(output, make_record((source,), Job(), 30, ".jsonl"))
    size = source.stat().st_size
    Worker(Job(), str(output), ".jsonl", load).do(Part(0, str(source), 1, 30, 0, size))
    report = decode_files(source, output, part_rows=30, load=None)  # type: ignore[arg-type]
    assert (report.rows, report.failed, report.parts, report.reused) == (30, 2, 1, 1)
    result = run("batch", str(source), str(output), "--part-rows", "30")
    assert json.loads(result.stdout) == {"rows": 30, "failed": 2, "parts": 1, "reused": 1}
    assert (result.exit_code, result.stderr) == (1, "")


def test_parts_come_as_columns(source: Path, tmp_path: Path) -> None:
    """A worker takes what ``map_batches`` hands it, and writes each part under its number."""
    chosen = [part for part in plan_parts((source,), 1) if part.number in (2, 5)]
    columns = {name: [asdict(part)[name] for part in chosen] for name in asdict(chosen[0])}
    found = Worker(Job(), str(tmp_path), ".jsonl", load)(columns)
    plain = {name: own.tolist() for name, own in found.items()}
    assert plain == {"number": [2, 5], "rows": [1, 1], "failed": [0, 0], "problem": ["", ""]}
    assert sorted(path.name for path in tmp_path.glob("part*")) == [
        "part-00000002.jsonl",
        "part-00000005.jsonl",
    ]
    assert [row["id"] for row in written(tmp_path)] == ["x2", "x5"]


def test_a_workers_errors_are_data(source: Path, tmp_path: Path) -> None:
    """A model that cannot be loaded, input that has changed, a place that cannot be written."""

    def failing(_: Job) -> Any:
        raise BaseModelError("no base model folder x")

    (part,) = plan_parts((source,), 30)
    columns = {name: [own] for name, own in asdict(part).items()}
    changed = columns | {"end": [10]}
    for worker, batch, problem in (
        (Worker(Job(), str(tmp_path), ".jsonl", failing), columns, "no base model folder x"),
        (Worker(Job(), str(tmp_path), ".jsonl", load), changed, "was changed while it was read"),
        (Worker(Job(), str(tmp_path / "absent"), ".jsonl", load), columns, "No such file"),
    ):
        found = worker(batch)
        assert problem in found["problem"][0] and found["failed"].tolist() == [0]
    assert [*tmp_path.glob("part*")] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"job": Job(min_confidence=0.5)}, "job"),
        ({"job": Job(dialect="lenient")}, "job"),
        ({"rows": 7}, "part_rows"),
        ({"suffix": ".parquet"}, "suffix"),
    ],
)
def test_a_folder_is_of_one_batch(
    source: Path, tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    """Another job, another cut, another input: refused, with the field that differs."""
    output = tmp_path / "out"
    output.mkdir()
    own: dict[str, Any] = {"files": (source,), "job": Job(), "rows": 5, "suffix": ".jsonl"}
    check_record(output, make_record(**own))
    check_record(output, make_record(**own | {"job": Job(batch_size=1)}))  # changes no answer
    with pytest.raises(InputError, match=f"another batch: its {field} differs"):
        check_record(output, make_record(**own | change))
    source.write_text("{}\n")
    with pytest.raises(InputError, match="its input differs"):
        check_record(output, make_record(**own))


def test_other_files_are_left_alone(source: Path, tmp_path: Path) -> None:
    """A folder with anything in it is not written to; a record that is damaged is told."""
    with pytest.raises(InputError, match="holds other files"):
        check_record(source.parent, {})
    output = tmp_path / "out"
    output.mkdir()
    (output / RECORD).write_text("{")
    with pytest.raises(InputError, match="is damaged"):
        check_record(output, {})


def test_usage_is_checked(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker, no format, no input, no Ray: each a typed error, and its exit code."""
    output = tmp_path / "out"
    for options in ({"workers": 0}, {"part_rows": 0}, {"format": "csv"}):
        with pytest.raises(InputError):
            decode_files(source, output, **options)
    assert run("batch", str(tmp_path / "absent.jsonl"), str(output)).exit_code == 2
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(BatchError, match=r"pip install 'kvrm-grammar\[ray\]'"):
        decode_files(source, output)
    result = run("batch", str(source), str(output))
    assert result.exit_code == 3 and "kvrm-grammar[ray]" in result.stderr
    assert not output.exists()


def test_paths_mean_the_same_in_another_folder(tmp_path: Path) -> None:
    """A worker's current folder may be another one; names of sets and bases stay names."""
    assert Job(adapter="a", isa="./lamp").anywhere() == Job(
        adapter=str(Path.cwd() / "a"), isa=str(Path.cwd() / "lamp")
    )
    assert Job(isa="kvrm", base="someone/model").anywhere() == Job(isa="kvrm", base="someone/model")
    assert Job(base=str(tmp_path)).anywhere().base == str(tmp_path)


def test_the_command_names_the_packages_values() -> None:
    """What the command line repeats, so that its help is quick, is what the package says."""
    assert command.batch.__defaults__ is not None
    assert PART_ROWS in command.batch.__defaults__
    assert Job().batch_size in command.batch.__defaults__
    assert issubclass(BatchError, KvrmError)
