"""Is the confidence honest? How often answers of each confidence are right.

In: the shipped adapter and hard inputs: minimal pairs, an instruction and its neighbour
one step away, drawn with another seed and other words than training. Out:
benchmarks/results/calibration.json and .png.
"""

import argparse
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.command import RESULTS, adapter_parser, write_report
from benchmarks.timing import by_length
from kvrm_grammar.decoding.decoded import CONSTRAINTS
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.errors import KvrmError
from training.data.examples import Example
from training.data.strict import generate_examples
from training.provenance import provenance
from training.scoring import wilson
from training.texts.strict.words import HELD_OUT_WORDS

DEFAULT_SEED = 515_151
EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)


def reliability(pairs: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """Bin confidences and compare their mean with the rate of right answers.

    Args:
        pairs: Confidence, 0 to 1, and whether the answer was right.

    Returns:
        The bins, and the expected calibration error: the mean over all answers of the
        distance between their bin's confidence and its rate (Naeini et al., 2015, here
        with bins that are finer near 1, where nearly all answers are).
    """
    bins: list[dict[str, Any]] = []
    error = 0.0
    for low, high in pairwise(EDGES):
        inside = [pair for pair in pairs if low < pair[0] <= high or (low == 0 == pair[0])]
        hits = sum(right for _, right in inside)
        row: dict[str, Any] = {"from": low, "to": high, "examples": len(inside), "right": hits}
        if inside:
            row["mean_confidence"] = sum(confidence for confidence, _ in inside) / len(inside)
            row["exact_match"] = hits / len(inside)
            row["interval_95"] = wilson(hits, len(inside))
            error += len(inside) * abs(row["mean_confidence"] - row["exact_match"])
        bins.append(row)
    return {
        "examples": len(pairs),
        "errors": sum(not right for _, right in pairs),
        "expected_calibration_error": error / len(pairs),
        "bins": bins,
    }


def measure(decoder: Decoder, examples: Sequence[Example], batch_size: int) -> dict[str, Any]:
    """Decode everything and bin it."""
    answers = decoder.decode_many((e.text for e in examples), batch_size=batch_size)
    shown = track(answers, total=len(examples), console=Console(stderr=True))
    pairs, agreeing = [], 0
    for example, decoded in zip(examples, shown, strict=True):
        if decoded.confidence is not None:
            pairs.append((min(decoded.confidence, 1.0), decoded.json == example.answer))
            agreeing += decoded.agrees_with_reference is True
    return {"agreeing_with_the_reference_parser": agreeing, **reliability(pairs)}


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = adapter_parser(
        __doc__, count=2000, seed=DEFAULT_SEED, output=RESULTS / "calibration.json"
    )
    parser.add_argument("--constraint", choices=CONSTRAINTS, default="grounded")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        decoder = Decoder.from_pretrained(
            arguments.adapter, isa=arguments.isa, constraint=arguments.constraint
        )
        origin = provenance(decoder, arguments.seed)
        examples = by_length(
            list(
                generate_examples(
                    arguments.count, arguments.seed, pairs=1, words=HELD_OUT_WORDS, isa=decoder.isa
                )
            )
        )
        report = measure(decoder, examples, arguments.batch_size)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    report = {
        "provenance": origin,
        "constraint": arguments.constraint,
        **report,
    }
    print(f"{report['examples']} hard inputs, {report['errors']} errors")
    print(f"expected calibration error {report['expected_calibration_error']:.4f}")
    write_report(report, arguments.output)
    from benchmarks.figures import draw_reliability  # needs matplotlib, measuring does not

    draw_reliability(report, arguments.output.with_suffix(".png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
