"""A long stream: order kept, memory flat, and a line that cannot be read stops no other.

In: the shipped adapter and generated lines, some of them unreadable. Out:
benchmarks/results/stream.json: resident memory and speed on the way, and the checks.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import psutil
from rich.console import Console
from rich.progress import track

from benchmarks.command import RESULTS, adapter_parser, write_report
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.errors import InputError, KvrmError
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.lines import Line
from training.data.strict import generate_examples
from training.provenance import provenance
from training.texts.strict.words import HELD_OUT_WORDS

DEFAULT_SEED = 636_363
_EVERY = 1000


def lines(count: int, seed: int, isa: InstructionSet | None = None) -> Iterator[Line]:
    """Generated lines; of a hundred, one is too long and one is not UTF-8."""
    rng = Random(seed)
    for example in generate_examples(count, seed, words=HELD_OUT_WORDS, isa=isa):
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
    expected = lines(count, seed, decoder.isa)
    rows, failed, in_order, misplaced = [], 0, True, 0
    started = time.perf_counter()
    results = decoder.decode_many(lines(count, seed, decoder.isa), batch_size=batch_size)
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
    parser = adapter_parser(
        __doc__, count=10_000, seed=DEFAULT_SEED, output=RESULTS / "stream.json"
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        decoder = Decoder.from_pretrained(arguments.adapter, isa=arguments.isa)
        origin = provenance(decoder, arguments.seed)
        report = measure(decoder, arguments.count, arguments.batch_size, arguments.seed)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    report = {"provenance": origin, **report}
    for row in report["progress"]:
        print(f"{row['lines']:6d} lines  {row['seconds']:7.1f} s  {row['resident_mib']:.1f} MiB")
    print(
        f"in order: {report['in_order']}; errors: {report['lines_with_an_error']}, "
        f"{report['errors_on_the_wrong_line']} on a wrong line"
    )
    write_report(report, arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
