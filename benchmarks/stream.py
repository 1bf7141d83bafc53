"""A long stream: order kept, memory flat, bad lines alone in their misfortune.

In: the shipped adapter and generated lines, some of them unreadable. Out:
benchmarks/results/stream.json: resident memory and speed on the way, and the checks.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import psutil
from rich.console import Console
from rich.progress import track

from benchmarks.constrained_vs_free import RESULTS
from kvrm_grammar.decoder import Decoder
from kvrm_grammar.errors import InputError, KvrmError
from kvrm_grammar.lines import Line
from kvrm_grammar.words import HELD_OUT_WORDS
from training.data import generate_examples
from training.evaluate import provenance

DEFAULT_SEED = 636_363
_EVERY = 1000


def lines(count: int, seed: int) -> Iterator[Line]:
    """Generated lines; of a hundred, one is too long and one is not UTF-8."""
    rng = Random(seed)
    for example in generate_examples(count, seed, words=HELD_OUT_WORDS):
        roll = rng.random()
        if roll < 0.01:
            yield Line(example.text + " " * 300)
        elif roll < 0.02:
            yield Line(example.text + "\\xff", InputError("not UTF-8"))
        else:
            yield Line(example.text)


def measure(decoder: Decoder, count: int, batch_size: int, seed: int) -> dict[str, Any]:
    """Decode the stream once, and look at the process on the way."""
    process = psutil.Process()
    expected = lines(count, seed)
    rows, failed, in_order, misplaced = [], 0, True, 0
    started = time.perf_counter()
    results = decoder.decode_many(lines(count, seed), batch_size=batch_size)
    for number, decoded in enumerate(
        track(results, total=count, console=Console(stderr=True)), start=1
    ):
        line = next(expected)
        in_order &= decoded.text == line.text
        bad = line.error is not None or len(line.text.rstrip("\r\n")) > 256
        failed += decoded.error is not None
        misplaced += bad != (decoded.error is not None)
        if number % _EVERY == 0 or number == count:
            rows.append(
                {
                    "lines": number,
                    "seconds": round(time.perf_counter() - started, 1),
                    "resident_mib": round(process.memory_info().rss / 2**20, 1),
                }
            )
    return {
        "lines": count,
        "in_order": in_order,
        "lines_with_an_error": failed,
        "errors_on_the_wrong_line": misplaced,
        "progress": rows,
    }


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--adapter", type=Path, default=Path("models/decode_llm"))
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--output", type=Path, default=RESULTS / "stream.json")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.count < 1 or arguments.batch_size < 1:
        parser.error("--count and --batch-size must be at least 1")
    try:
        decoder = Decoder.from_pretrained(arguments.adapter)
        report = measure(decoder, arguments.count, arguments.batch_size, arguments.seed)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    report = {"provenance": provenance(decoder, arguments.seed), **report}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    for row in report["progress"]:
        print(f"{row['lines']:6d} lines  {row['seconds']:7.1f} s  {row['resident_mib']:.1f} MiB")
    print(
        f"in order: {report['in_order']}; errors: {report['lines_with_an_error']}, "
        f"{report['errors_on_the_wrong_line']} on a wrong line"
    )
    print(f"written to {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
