"""The exact posterior beside what is decoded: where they differ, and how honest each is.

In: the packaged adapters and fresh texts of known meaning, of every kind, English most often. Out:
benchmarks/results/posterior.json: how often the posterior's best answer is another than the decoded
one (``greedy``: the best name, and behind it the best token at each place) and which of the two is
right, calibration of both probabilities, passes, and time.
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.calibration import reliability
from benchmarks.command import RESULTS, add_isa, write_report
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS
from training.arguments import positive_integer
from training.data.any_set import fresh_lenient
from training.data.examples import Example
from training.data.strict import generate_examples
from training.provenance import provenance
from training.texts.strict.words import HELD_OUT_WORDS

DEFAULT_SEED = 656_565


def drawn(decoder: Decoder, count: int, seed: int) -> list[Example]:
    """Fresh texts of a dialect; of the lenient one every kind, English most often."""
    if decoder.dialect.name == "strict":
        return list(generate_examples(count, seed, pairs=1, words=HELD_OUT_WORDS, isa=decoder.isa))
    return fresh_lenient(count, seed, isa=decoder.isa, even=1.0, strict=0.0)


def measure(decoder: Decoder, examples: list[Example]) -> dict[str, Any]:
    """Decode each text, then weigh every answer to it."""
    differing: list[dict[str, Any]] = []
    greedy: list[tuple[float, bool]] = []
    whole: list[tuple[float, bool]] = []
    passes: list[int] = []
    sizes: list[int] = []
    entropies: dict[bool, list[float]] = {True: [], False: []}
    times: dict[str, list[float]] = {"decode": [], "posterior": []}
    for example in track(examples, console=Console(stderr=True)):
        started = time.perf_counter()
        decoded = decoder.decode(example.text)
        between = time.perf_counter()
        found = decoder.posterior(decoded)
        times["decode"].append(between - started)
        times["posterior"].append(time.perf_counter() - between)
        best = found.best
        right = decoded.json == example.answer
        greedy.append((min(decoded.confidence or 0.0, 1.0), right))
        whole.append((min(best.probability, 1.0), best.json == example.answer))
        entropies[right].append(found.entropy)
        passes.append(found.passes)
        sizes.append(len(found.operations))
        if best.json != decoded.json:
            differing.append(
                {
                    "text": example.text,
                    "meaning": example.answer,
                    "greedy": decoded.json,
                    "best": best.json,
                    "confidence": decoded.confidence,
                    "probability": best.probability,
                }
            )
    return {
        "texts": len(examples),
        "differ": len(differing),
        "greedy_right_where_they_differ": sum(d["greedy"] == d["meaning"] for d in differing),
        "posterior_right_where_they_differ": sum(d["best"] == d["meaning"] for d in differing),
        "greedy": reliability(greedy),
        "posterior": reliability(whole),
        "median_entropy": {
            "right": median(entropies[True]) if entropies[True] else None,
            "wrong": median(entropies[False]) if entropies[False] else None,
        },
        "passes": {"median": median(passes), "most": max(passes)},
        "answers": {"median": median(sizes), "most": max(sizes)},
        "decode_p50_ms": 1000 * median(times["decode"]),
        "posterior_p50_ms": 1000 * median(times["posterior"]),
        "differences": differing[:50],
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_isa(parser)
    parser.add_argument("--count", type=positive_integer, default=2_500, help="texts a dialect")
    parser.add_argument("--precision")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--output", type=Path, default=RESULTS / "posterior.json")
    arguments = parser.parse_args(argv)
    report: dict[str, Any] = {"dialects": {}}
    for name in DIALECTS:
        decoder = Decoder.from_pretrained(
            isa=arguments.isa, dialect=name, precision=arguments.precision
        )
        report["provenance"] = provenance(decoder, arguments.seed)
        found = measure(decoder, drawn(decoder, arguments.count, arguments.seed))
        report["dialects"][name] = found
        print(
            f"{name}: {found['differ']} of {found['texts']} differ; expected calibration error "
            f"{found['greedy']['expected_calibration_error']:.4f} of the confidence, "
            f"{found['posterior']['expected_calibration_error']:.4f} of the posterior",
            file=sys.stderr,
        )
        write_report(report, arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
