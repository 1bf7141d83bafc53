"""Whether a draft changes an answer: one pass beside one token at a time, in the same backend.

In: the packaged adapters and the texts whose agreement ``benchmarks/backends.py`` measures. Out:
benchmarks/results/stepwise.json: for each dialect how many answers are the same, and every one that
is not with both margins. In bfloat16 a pass of another shape rounds otherwise, so that a choice
between two that are as probable may fall either way.
"""

import argparse
import sys
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks import backends
from benchmarks.command import RESULTS, add_isa, write_report
from benchmarks.movement import texts_of
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import KvrmError
from training.arguments import integer_from, positive_integer
from training.provenance import provenance


def compare(decoder: Decoder, texts: list[str], batch_size: int, label: str) -> dict[str, Any]:
    """Decode texts in both ways; ``reference`` in a difference is one pass.

    Args:
        decoder: One that verifies drafts.
        texts: Instructions.
        batch_size: Texts in a batch, in either way.
        label: What a terminal shows.
    """
    verified = list(decoder.decode_many(texts, batch_size=batch_size))
    shown = track(
        replace(decoder, method="stepwise").decode_many(texts, batch_size=batch_size),
        total=len(texts),
        description=label,
        console=Console(stderr=True),
    )
    valid, rows = backends.differences(verified, list(shown))
    return {"texts": len(texts), "valid": valid, "same": len(texts) - len(rows),
            "differences": rows}  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_isa(parser)
    parser.add_argument("--way", choices=[*backends.WAYS], help="default: that of this processor")
    parser.add_argument("--strict", type=integer_from(0), default=20_000)
    parser.add_argument("--lenient", type=integer_from(0), default=3_000)
    parser.add_argument("--batch-size", type=positive_integer, default=16)
    parser.add_argument("--seed", type=int, default=backends.DEFAULT_SEED)
    parser.add_argument("--output", type=type(RESULTS), default=RESULTS / "stepwise.json")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if not (arguments.strict or arguments.lenient):
        parser.error("there is nothing to compare")
    counts = {"strict": arguments.strict, "lenient": arguments.lenient}
    default = backends.here(["openvino, bfloat16", "openvino, float32"])[0]
    way, isa = arguments.way or default, arguments.isa
    report: dict[str, Any] = {"way": way, "batch_size": arguments.batch_size}
    try:
        for dialect in (one for one in DIALECTS if counts[one]):
            decoder = backends.load(way, dialect, isa)
            report.setdefault("provenance", provenance(decoder, arguments.seed))
            texts = texts_of(dialect, counts[dialect], arguments.seed, decoder.isa)
            row = compare(decoder, texts, arguments.batch_size, f"{dialect}: {way}")
            report.setdefault("dialects", {})[dialect] = row
            print(f"{dialect}: {row['same']} of {row['texts']} the same", file=sys.stderr)
            write_report(report, arguments.output)
    except KvrmError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
