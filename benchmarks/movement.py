"""How far a confidence moves with the batch that a text is decoded in.

In: the packaged adapters and fresh texts. Out: benchmarks/results/movement.json: for each dialect
and precision the largest difference between a text alone and in a batch, and how many answers
differ. In float32 it is rounding; in bfloat16 kernels of other shapes round otherwise, and a
threshold must know by how much.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from benchmarks.command import RESULTS, add_isa, precisions_here, write_report
from kvrm_grammar.decoding.backends.loading import BACKENDS
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import InstructionSet
from training.arguments import positive_integer
from training.data.any_set import fresh_lenient
from training.data.strict import generate_examples
from training.provenance import provenance
from training.texts.strict.words import HELD_OUT_WORDS

DEFAULT_SEED = 515_252


def texts_of(dialect: str, count: int, seed: int, isa: InstructionSet | None = None) -> list[str]:
    """Fresh texts of a dialect, with words held out from training."""
    if dialect == "strict":
        return [one.text for one in generate_examples(count, seed, words=HELD_OUT_WORDS, isa=isa)]
    return [one.text for one in fresh_lenient(count, seed, isa=isa)]


def measure(decoder: Decoder, texts: list[str], batch_size: int) -> dict[str, Any]:
    """Decode every text alone and among others."""
    alone = list(decoder.decode_many(texts, batch_size=1))
    together = list(decoder.decode_many(texts, batch_size=batch_size))
    moved = [
        (abs((one.confidence or 0.0) - (other.confidence or 0.0)), one.text)
        for one, other in zip(alone, together, strict=True)
        if one.operation == other.operation
    ]
    largest, text = max(moved, default=(0.0, ""))
    return {
        "texts": len(texts),
        "answers_that_differ": len(texts) - len(moved),
        "largest_movement": largest,
        "largest_movement_text": text,
        "moved_by_more_than_0.01": sum(distance > 0.01 for distance, _ in moved),
    }


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_isa(parser)
    parser.add_argument("--count", type=positive_integer, default=1000)
    parser.add_argument("--batch-size", type=positive_integer, default=16)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--backend", choices=BACKENDS)
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16", "int8"])
    parser.add_argument("--output", type=Path, default=RESULTS / "movement.json")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    report: dict[str, Any] = {"batch_size": arguments.batch_size, "results": {}}
    precisions = arguments.precisions
    if arguments.backend != "torch":
        precisions = precisions_here(precisions)
    try:
        for precision in precisions:
            for dialect in DIALECTS:
                decoder = Decoder.from_pretrained(
                    isa=arguments.isa,
                    dialect=dialect,
                    backend=arguments.backend,
                    precision=precision,
                )
                report.setdefault("provenance", provenance(decoder, arguments.seed))
                texts = texts_of(dialect, arguments.count, arguments.seed, decoder.isa)
                own = measure(decoder, texts, arguments.batch_size)
                report["results"][f"{dialect} {precision}"] = own
                print(f"{dialect} {precision}: {own}", file=sys.stderr)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    write_report(report, arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
