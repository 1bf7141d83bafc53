"""Measures an adapter on fresh instructions whose meaning is known.

In: an adapter, a seed that training never saw, and word lists held out from training.
Out: ``evaluation.json``: validity, exact match by category or kind with 95 % intervals, refusals,
and every failure.
"""

import argparse
import json
import sys
from pathlib import Path

from kvrm_grammar.decoding.backends.loading import BACKENDS
from kvrm_grammar.decoding.decoded import METHODS
from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import load_set
from training.arguments import fresh_seed, integer_from, positive_integer
from training.defaults import EVALUATION_SEED, packaged_adapter, training_data
from training.evaluation.lenient import evaluate_lenient, print_lenient
from training.evaluation.strict import evaluate_strict, print_strict

__all__ = ["build_parser", "main"]

_COUNTS = {"strict": 5000, "lenient": 150}


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dialect", choices=sorted(DIALECTS), default="strict")
    parser.add_argument("--isa", help="instruction set: a name, or a folder with a slash in it")
    parser.add_argument("--adapter", type=Path, help="default: the dialect's own, in models/")
    parser.add_argument("--base", help="folder or hub name; default: the adapter's")
    parser.add_argument(
        "--count", type=positive_integer, help="default: 5000; lenient: 150 of each kind"
    )
    parser.add_argument(
        "--free",
        type=integer_from(0),
        default=20,
        help="lenient: of each kind for free decoding, 0 for none",
    )
    parser.add_argument("--seed", type=fresh_seed, default=EVALUATION_SEED)
    parser.add_argument("--batch-size", type=positive_integer, default=32)
    parser.add_argument("--method", choices=METHODS, default="verify", help="how to decode")
    parser.add_argument("--backend", choices=BACKENDS, help="default: openvino; torch on a GPU")
    parser.add_argument("--precision", help="default: what is fast on the device")
    parser.add_argument("--schema", action="store_true", help="schema constraint, no grounding")
    parser.add_argument("--training-data", type=Path, help="default: by set, below data/")
    parser.add_argument("--output", type=Path, help="default: evaluation.json beside the adapter")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        isa = load_set(arguments.isa)
        arguments.adapter = arguments.adapter or packaged_adapter(arguments.dialect, isa)
    except KvrmError as error:
        parser.error(str(error))
    arguments.training_data = arguments.training_data or training_data("strict", isa)
    lenient = arguments.dialect == "lenient"
    if arguments.count is None:
        arguments.count = _COUNTS[arguments.dialect]
    if lenient and (arguments.schema or arguments.method != "verify"):
        parser.error("--schema and --method are for the strict dialect; the lenient one shows both")
    try:
        report = evaluate_lenient(arguments, isa) if lenient else evaluate_strict(arguments, isa)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    output = arguments.output or arguments.adapter / "evaluation.json"
    output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    (print_lenient if lenient else print_strict)(report)
    print(f"written to {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
