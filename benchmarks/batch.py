"""A batch on several actors, one of them killed: the same answers as one decoder, none lost.

In: the shipped adapter and generated lines, some of them unreadable. Out:
benchmarks/results/batch.json: whether every row is there once and equal to ``decode_many``, the
speed of both, and what a million lines would take at that speed, which is extrapolated.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil

from benchmarks.command import RESULTS, adapter_parser, write_report
from benchmarks.stream import lines
from kvrm_grammar.batch import Job, decode_files
from kvrm_grammar.batch.rows import result_row
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import load_set
from training.arguments import positive_integer
from training.provenance import provenance

DEFAULT_SEED = 515_151
_ACTOR = "ray::MapWorker"
_MILLION = 1_000_000


def write_input(path: Path, count: int, seed: int, isa: str | None) -> None:
    """Write generated lines as JSON Lines; those that are not UTF-8 become no JSON."""
    with path.open("w", encoding="utf-8") as file:
        for line in lines(count, seed, None if isa is None else load_set(isa)):
            row = json.dumps({"text": line.text})
            file.write((row if line.error is None else row[:-1]) + "\n")


def rows_of(folder: Path) -> Iterator[dict[str, Any]]:
    """The results in the order of the files."""
    for part in sorted(folder.glob("part-*.jsonl")):
        with part.open("rb") as file:
            yield from map(json.loads, file)


def expected(source: Path, decoder: Decoder, batch_size: int) -> Iterator[dict[str, Any] | None]:
    """The row of what ``decode_many`` says of each text; None for a row that is no JSON."""
    texts: list[str | None] = []
    with source.open("rb") as file:
        for raw in file:
            texts.append(json.loads(raw)["text"] if raw.endswith(b"}\n") else None)
    answers = decoder.decode_many([t for t in texts if t is not None], batch_size=batch_size)
    for number, text in enumerate(texts, start=1):
        yield None if text is None else result_row(number, next(answers))


def compare(folder: Path, answers: Iterator[dict[str, Any] | None]) -> dict[str, int]:
    """Count rows that are lost, doubled, or otherwise in anything but their confidence.

    That may differ in its last digits: another batch is another order of the same sums.
    """
    found = {"rows": 0, "lost_or_doubled": 0, "bad_rows": 0, "different": 0}
    for number, (row, answer) in enumerate(zip_longest(rows_of(folder), answers), start=1):
        found["rows"] += 1
        if row is None or row["id"] != number:
            found["lost_or_doubled"] += 1
        elif answer is None:
            found["bad_rows"] += 1
            found["different"] += row["ok"] or row["error"] is None
        else:
            found["different"] += row | {"confidence": None} != answer | {"confidence": None}
    return found


@contextmanager
def killing_one(folder: Path, after_parts: int | None) -> Iterator[list[int]]:
    """Kill an actor when so many parts are there; whom, is in the list."""
    killed: list[int] = []
    over = Event()

    def watch() -> None:
        while not over.wait(0.2) and not killed:
            if len(list(folder.glob("part-*"))) >= (after_parts or 0):
                own = psutil.Process().children(recursive=True)
                actors = [one for one in own if " ".join(one.cmdline()).startswith(_ACTOR)]
                for actor in actors[:1]:
                    actor.kill()
                    killed.append(actor.pid)

    thread = Thread(target=watch, daemon=True)
    if after_parts is not None:
        thread.start()
    try:
        yield killed
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()


def measure(arguments: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Run the batch and the one decoder, and compare."""
    source, output = work / "input.jsonl", work / "output"
    write_input(source, arguments.count, arguments.seed, arguments.isa)
    adapter = None if arguments.adapter is None else str(arguments.adapter)
    job = Job(adapter=adapter, isa=arguments.isa, batch_size=arguments.batch_size)
    decoder = Decoder.from_pretrained(arguments.adapter, isa=arguments.isa)
    origin = provenance(decoder, arguments.seed)
    started = time.perf_counter()
    with killing_one(output, arguments.kill_after) as killed:
        report = decode_files(
            source, output, job, workers=arguments.workers, part_rows=arguments.part_rows
        )
    batch_s = time.perf_counter() - started
    started = time.perf_counter()
    found = compare(output, expected(source, decoder, arguments.batch_size))
    alone_s = time.perf_counter() - started
    per_s = report.rows / batch_s
    return {
        "provenance": origin,
        "workers": arguments.workers,
        "cpus": psutil.cpu_count(),
        "part_rows": arguments.part_rows,
        "actors_killed": len(killed),
        **found,
        "batch_s": round(batch_s, 1),
        "batch_per_s": round(per_s, 2),
        "decode_many_per_s": round(report.rows / alone_s, 2),
        "extrapolated": {
            "hours_per_million": round(_MILLION / per_s / 3600, 2),
            "cpu_hours_per_million": round(_MILLION / per_s / 3600 * (psutil.cpu_count() or 1), 2),
        },
    }


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = adapter_parser(__doc__, count=20_000, seed=DEFAULT_SEED, output=RESULTS / "batch.json")
    parser.add_argument("--workers", type=positive_integer, default=2)
    parser.add_argument("--part-rows", type=positive_integer, default=500)
    parser.add_argument(
        "--kill-after", type=positive_integer, metavar="PARTS",
        help="kill one actor when so many parts are written (default: none)",
    )  # fmt: skip
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code, 1 where a row differs or no actor was killed."""
    arguments = build_parser().parse_args(argv)
    work = Path(tempfile.mkdtemp(prefix="kvrm-batch-"))
    try:
        report = measure(arguments, work)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(
        f"{report['rows']} rows: {report['lost_or_doubled']} lost or doubled, "
        f"{report['different']} different; {report['batch_per_s']} per s on {report['workers']} "
        f"actors, {report['decode_many_per_s']} per s by one decoder"
    )
    write_report(report, arguments.output)
    spared = arguments.kill_after is not None and not report["actors_killed"]
    return int(bool(report["lost_or_doubled"] or report["different"] or spared))


if __name__ == "__main__":
    sys.exit(main())
