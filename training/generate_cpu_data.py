"""Writes the training data: instruction -> JSON pairs as JSON Lines of chat messages.

In: a count and a seed. Out: ``data/cpu_decode_train.jsonl`` and its SHA-256, and beside it what
made it (:mod:`training.data.origin`). The same arguments give the same bytes.
"""

import argparse
import shlex
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from random import Random

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import InstructionSet, load_set
from training.arguments import positive_integer, share
from training.data.any_set import any_kinds, any_set_examples, any_set_kind
from training.data.examples import Example, write_examples
from training.data.lenient import generate_lenient, lenient_kind
from training.data.mixed import GENERAL, OWN_KINDS, general_kinds, mixed_lenient
from training.data.origin import write_origin
from training.data.strict import generate_examples
from training.defaults import TRAINING_COUNT, TRAINING_DATA, TRAINING_SEEDS, training_data
from training.provenance import current_commit
from training.texts.lenient.families import TRAINING_FAMILIES
from training.texts.lenient.forms import FORMS
from training.texts.lenient.lexicon import TRAINING_LEXICON
from training.texts.lenient.valid import MANNERS
from training.texts.strict.words import TRAINING_WORDS

__all__ = ["DEFAULT_PAIRS", "build_parser", "main"]

DEFAULT_PAIRS = 0.5


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dialect", choices=sorted(TRAINING_DATA), default="strict")
    parser.add_argument("--isa", help="instruction set: a name, or a folder with a slash in it")
    parser.add_argument("--output", type=Path, help="default: by set and dialect, below data/")
    parser.add_argument("--count", type=positive_integer, default=TRAINING_COUNT)
    seeds = ", ".join(f"{dialect} {seed}" for dialect, seed in TRAINING_SEEDS.items())
    parser.add_argument("--seed", type=int, help=f"default: {seeds}")
    parser.add_argument("--refusals", type=share, default=0.4, help="share of refusals, 0 to 1")
    parser.add_argument(
        "--pairs", type=share, default=DEFAULT_PAIRS, help="strict: share of minimal pairs, 0 to 1"
    )
    parser.add_argument(
        "--general",
        type=share,
        help="lenient, packaged set: share of texts from the makers of any set, 0 to 1; "
        f"default: {GENERAL}, with --without or --only none",
    )
    parser.add_argument(
        "--without", nargs="*", default=[], help="lenient: kinds or families to leave out"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        help="lenient: kinds to draw alone, one as often as it is named",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    unknown = set(arguments.without) - {*FORMS, *MANNERS, *TRAINING_FAMILIES}
    if unknown or (arguments.without and (arguments.dialect != "lenient" or arguments.isa)):
        parser.error(
            f"--without takes kinds of the packaged set's lenient dialect: "
            f"{', '.join((*FORMS, *MANNERS, *TRAINING_FAMILIES))}"
        )
    if arguments.seed is None:
        arguments.seed = TRAINING_SEEDS[arguments.dialect]
    try:
        isa = load_set(arguments.isa)
        find_dialect(arguments.dialect, isa)
    except KvrmError as error:
        parser.error(str(error))
    if arguments.general is None:
        arguments.general = GENERAL
    elif not _is_mixed(arguments):
        parser.error(
            "--general is of the packaged set's lenient dialect, without --only, --without"
        )
    if arguments.only:
        if arguments.dialect != "lenient" or arguments.without:
            parser.error("--only is of the lenient dialect, and leaves nothing for --without")
        if unknown := {*arguments.only} - {*_kinds(isa)}:
            parser.error(f"no kinds of this set's lenient dialect: {', '.join(sorted(unknown))}")
    output = arguments.output or training_data(arguments.dialect, isa)
    commit = current_commit()  # before: who makes data may go on to change the code
    examples = list(_made(arguments, isa))
    digest = write_examples(output, examples)
    write_origin(output, _command(arguments), commit)
    _report(examples)
    print(f"{output}: {len(examples)} examples, seed {arguments.seed}, sha256 {digest}")
    return 0


def _made(arguments: argparse.Namespace, isa: InstructionSet) -> Iterator[Example]:
    count, seed, refusals = arguments.count, arguments.seed, arguments.refusals
    if arguments.only:
        return _of_kinds(arguments.only, count, seed, isa)
    if arguments.dialect == "lenient" and isa is not load_set():
        return any_set_examples(count, seed, refusals=refusals, isa=isa)
    if arguments.dialect == "lenient":
        if arguments.without:  # what the set's own makers call by these names, others write too
            return generate_lenient(
                count, seed, refusals=refusals, without=arguments.without, isa=isa
            )
        return mixed_lenient(count, seed, refusals=refusals, general=arguments.general, isa=isa)
    return generate_examples(count, seed, refusals=refusals, pairs=arguments.pairs, isa=isa)


def _kinds(isa: InstructionSet) -> Collection[str]:
    """The kinds of writing and of faults that ``--only`` may name."""
    if isa is not load_set():
        return any_kinds(isa)
    return {*OWN_KINDS, *general_kinds(isa)}


def _of_kinds(
    kinds: Sequence[str], count: int, seed: int, isa: InstructionSet
) -> Iterator[Example]:
    """Different examples, in an order that mixes the kinds; fewer where a kind has no more."""
    each = -(-count // len(kinds))
    drawn: dict[str, Example] = {}
    for kind, times in Counter(kinds).items():
        if isa is load_set() and kind in OWN_KINDS:
            own = lenient_kind(kind, times * each, seed, TRAINING_WORDS, TRAINING_LEXICON)
        else:
            own = any_set_kind(kind, times * each, seed, isa=isa, held_out=False)
        drawn |= {example.text: example for example in own}
    mixed = list(drawn.values())
    Random(seed).shuffle(mixed)
    yield from mixed[:count]


def _command(arguments: argparse.Namespace) -> str:
    """What makes the same examples again, with every choice spelt out."""
    chosen = [
        *(() if arguments.isa is None else (f"--isa {shlex.quote(arguments.isa)}",)),
        f"--dialect {arguments.dialect}",
        f"--count {arguments.count}",
        f"--seed {arguments.seed}",
        *(() if arguments.only else (f"--refusals {arguments.refusals}",)),
        *((f"--pairs {arguments.pairs}",) if arguments.dialect == "strict" else ()),
        *((f"--general {arguments.general}",) if _is_mixed(arguments) else ()),
        *((f"--without {' '.join(arguments.without)}",) if arguments.without else ()),
        *((f"--only {' '.join(arguments.only)}",) if arguments.only else ()),
    ]
    return " ".join(["python -m training.generate_cpu_data", *chosen])


def _is_mixed(arguments: argparse.Namespace) -> bool:
    packaged = load_set(arguments.isa) is load_set()
    return arguments.dialect == "lenient" and packaged and not (arguments.only or arguments.without)


def _report(examples: list[Example]) -> None:
    kinds = Counter(kind for example in examples for kind in example.kinds)
    for kind, count in kinds.most_common():
        print(f"{count:7d}  {kind}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
