"""What one decode costs in each instruction set, by the tokens that it reads.

In: the strict adapters of the sets, and fresh texts of each. Out: benchmarks/results/sets.json:
milliseconds of a text alone, tokens that were read, microseconds of a token, and each set's beside
the first's. The sets take turns, text by text.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.command import RESULTS, write_report
from benchmarks.timing import counting
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.isa import packaged_sets
from training.arguments import positive_integer
from training.data.examples import Example
from training.data.strict import generate_examples
from training.provenance import provenance
from training.texts.strict.words import HELD_OUT_WORDS

__all__ = ["main", "measure"]

DEFAULT_SEED = 737_373
_WARM_UP = 5


def measure(
    decoders: Mapping[str, Decoder], examples: Mapping[str, Sequence[Example]]
) -> dict[str, dict[str, Any]]:
    """Decode the texts one at a time, the sets in turn.

    Args:
        decoders: By the name of the set; the first is what the others are compared with.
        examples: As many of each set; the first five are decoded and not counted.

    Returns:
        By set: ``texts``, ``p50_ms``, ``tokens`` and ``passes`` on average, ``us_a_token`` (median
        over the texts), and ``times_the_first``, the ratio of those medians.
    """
    rows: dict[str, list[tuple[float, int, int]]] = {name: [] for name in decoders}
    watched = {name: counting(decoder) for name, decoder in decoders.items()}
    turns = list(zip(*(examples[name] for name in decoders), strict=True))
    for number, turn in enumerate(track(turns, console=Console(stderr=True))):
        for (name, (decoder, reads)), example in zip(watched.items(), turn, strict=True):
            reads.tokens = 0
            started = time.perf_counter()
            decoded = decoder.decode(example.text)
            seconds = time.perf_counter() - started
            if number >= _WARM_UP:
                rows[name].append((seconds, reads.tokens, decoded.passes or 0))
    report: dict[str, dict[str, Any]] = {}
    for name, own in rows.items():
        per_token = 1e6 * median(seconds / tokens for seconds, tokens, _ in own if tokens)
        first = next(iter(report.values()))["us_a_token"] if report else per_token
        report[name] = {
            "texts": len(own),
            "p50_ms": 1000 * median(seconds for seconds, _, _ in own),
            "tokens": fmean(tokens for _, tokens, _ in own),
            "passes": fmean(passes for _, _, passes in own),
            "us_a_token": per_token,
            "times_the_first": per_token / first,
        }
    return report


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--isa",
        action="append",
        metavar="NAME_OR_FOLDER",
        help="a set, once for each (all packaged)",
    )
    parser.add_argument("--count", type=positive_integer, default=300, help="texts of each set")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--output", type=Path, default=RESULTS / "sets.json")
    arguments = parser.parse_args(argv)
    names = dict.fromkeys(arguments.isa or packaged_sets())
    decoders = {name: Decoder.from_pretrained(isa=name) for name in names}
    count = arguments.count + _WARM_UP
    examples = {
        name: list(generate_examples(count, arguments.seed, words=HELD_OUT_WORDS, isa=decoder.isa))
        for name, decoder in decoders.items()
    }
    origin = provenance(next(iter(decoders.values())), arguments.seed)
    found = measure(decoders, examples)
    for name, row in found.items():
        print(
            f"{name:10s} {row['p50_ms']:7.1f} ms alone  {row['tokens']:5.1f} tokens  "
            f"{row['us_a_token']:6.0f} us a token  {row['times_the_first']:.2f}"
        )
    write_report({"provenance": origin, "sets": found}, arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
