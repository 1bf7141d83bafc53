"""Writes the training data: instruction -> JSON pairs as JSON Lines of chat messages.

In: a count and a seed. Out: ``data/cpu_decode_train.jsonl`` and its SHA-256. The same
arguments give the same bytes.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from training.data import Example, generate_examples, write_examples
from training.lenient_data import generate_lenient
from training.texts.lenient.forms import FORMS
from training.texts.lenient.valid import MANNERS

DEFAULT_OUTPUT = Path("data/cpu_decode_train.jsonl")
LENIENT_OUTPUT = Path("data/cpu_decode_lenient_train.jsonl")
DEFAULT_COUNT = 50_000
DEFAULT_SEED = 20261202
LENIENT_SEED = 20261205
DEFAULT_PAIRS = 0.5


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dialect", choices=("strict", "lenient"), default="strict")
    parser.add_argument("--output", type=Path, help="default: by the dialect, below data/")
    parser.add_argument("--count", type=int, default=DEFAULT_COUNT)
    parser.add_argument(
        "--seed", type=int, help=f"default: {DEFAULT_SEED}; lenient: {LENIENT_SEED}"
    )
    parser.add_argument("--refusals", type=float, default=0.4, help="share of refusals, 0 to 1")
    parser.add_argument(
        "--pairs", type=float, default=DEFAULT_PAIRS, help="strict: share of minimal pairs, 0 to 1"
    )
    parser.add_argument(
        "--without", nargs="*", default=[], help="lenient: kinds of writing to leave out"
    )
    arguments = parser.parse_args(argv)
    lenient = arguments.dialect == "lenient"
    if arguments.seed is None:
        arguments.seed = LENIENT_SEED if lenient else DEFAULT_SEED
    if arguments.count < 1:
        parser.error(f"--count must be at least 1, got {arguments.count}")
    for name in ("refusals", "pairs"):
        if not 0 <= getattr(arguments, name) <= 1:
            parser.error(f"--{name} must be between 0 and 1, got {getattr(arguments, name)}")
    unknown = set(arguments.without) - {*FORMS, *MANNERS}
    if unknown or (arguments.without and not lenient):
        parser.error(
            f"--without takes kinds of the lenient dialect: {', '.join((*FORMS, *MANNERS))}"
        )
    count, seed, share = arguments.count, arguments.seed, arguments.refusals
    if lenient:
        output = arguments.output or LENIENT_OUTPUT
        made = generate_lenient(count, seed, refusals=share, without=arguments.without)
    else:
        output = arguments.output or DEFAULT_OUTPUT
        made = generate_examples(count, seed, refusals=share, pairs=arguments.pairs)
    examples = list(made)
    digest = write_examples(output, examples)
    _report(examples)
    print(f"{output}: {len(examples)} examples, seed {arguments.seed}, sha256 {digest}")
    return 0


def _report(examples: list[Example]) -> None:
    kinds = Counter(kind for example in examples for kind in example.kinds)
    for kind, count in kinds.most_common():
        print(f"{count:7d}  {kind}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
