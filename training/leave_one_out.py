"""What an adapter makes of a kind of writing that it never saw: leave one kind out.

In: kinds of the lenient dialect, or families of notations. Out: a JSON-ready table: for each the
exact matches of an adapter trained without it, beside those of one trained alike with every kind,
and beside the rule-made draft alone, which is what there is without a model. The trainings are
short, so both are weaker than the shipped adapter; what counts is the difference.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import DataError, KvrmError
from kvrm_grammar.isa import InstructionSet, load_set
from training import train_decode
from training.arguments import fresh_seed, positive_integer
from training.data.examples import Example, write_examples
from training.data.lenient import family_examples, generate_lenient, lenient_kind
from training.defaults import EVALUATION_SEED, TRAINING_SEEDS, packaged_adapter
from training.evaluation.lenient import drafted
from training.evaluation.outcomes import read_all
from training.fitting.recipes import PRESETS
from training.provenance import provenance
from training.scoring import rate
from training.texts.lenient.families import FAMILIES, TRAINING_FAMILIES
from training.texts.lenient.forms import FORMS
from training.texts.lenient.lexicon import HELD_OUT_LEXICON
from training.texts.lenient.valid import MANNERS
from training.texts.strict.words import HELD_OUT_WORDS

__all__ = ["KINDS", "leave_one_out"]

KINDS = ("infix", "arrow", "call")
_EVERY_KIND = "nothing"
_PRESET = "cpu-lenient"


def leave_one_out(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and evaluate for every kind, and once with all of them.

    Args:
        arguments: ``kinds``, ``samples``, ``count``, ``seed``, ``start_from``, ``base``, ``isa``,
            ``runs`` and ``output``. What ``output`` already holds of the same arguments and data
            is not run again.

    Returns:
        The table, also written to ``output`` after each training.

    Raises:
        DataError: ``output`` is something else, or a training failed.
    """
    isa = load_set(arguments.isa)
    asked = {
        "kinds": list(arguments.kinds),
        "samples": arguments.samples,
        "count": arguments.count,
        "seed": arguments.seed,
        "start_from": arguments.start_from.name,
    }
    report = _earlier(arguments.output, asked) or {"arguments": asked, "without": {}}
    examples = {kind: _examples(kind, arguments, isa) for kind in arguments.kinds}
    if "draft" not in report:
        rules = partial(drafted, isa=isa)
        outcomes = read_all(examples, rules)
        report["draft"] = {k: rate([o for o in outcomes if o.kind == k]) for k in examples}
    for left_out in (_EVERY_KIND, *arguments.kinds):
        runs = arguments.runs / f"without-{left_out}"
        digest = _write_data(runs / "data.jsonl", left_out, arguments.samples, isa)
        if report["without"].get(left_out, {}).get("data_sha256") == digest:
            continue
        folder = _train(runs, digest, arguments)
        decoder = Decoder.from_pretrained(folder, isa=isa, base=arguments.base, dialect="lenient")
        report["provenance"] = provenance(decoder, arguments.seed)
        asked_of = examples if left_out == _EVERY_KIND else {left_out: examples[left_out]}
        report["without"][left_out] = {"data_sha256": digest, **_rates(decoder, asked_of)}
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return report


def _examples(kind: str, arguments: argparse.Namespace, isa: InstructionSet) -> list[Example]:
    """Texts of a kind, with words and phrases held out; of a family, without its faults."""
    count, seed = arguments.count, arguments.seed
    if kind in FAMILIES:
        return family_examples(count, seed, [kind], HELD_OUT_WORDS, isa=isa)[kind]
    return lenient_kind(kind, count, seed, HELD_OUT_WORDS, HELD_OUT_LEXICON, isa=isa)


def _earlier(path: Path, asked: dict[str, Any]) -> dict[str, Any] | None:
    """What was measured before with the same arguments; None where nothing was."""
    if not path.is_file():
        return None
    try:
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return report if report["arguments"] == asked else None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no table of left out kinds: {error!r}") from error


def _write_data(path: Path, left_out: str, samples: int, isa: InstructionSet) -> str:
    """Make the examples of one training, those it is evaluated on included; their SHA-256."""
    without = () if left_out == _EVERY_KIND else (left_out,)
    count = samples + PRESETS[_PRESET].evaluation_samples
    seed = TRAINING_SEEDS["lenient"]
    return write_examples(path, list(generate_lenient(count, seed, without=without, isa=isa)))


def _train(runs: Path, digest: str, arguments: argparse.Namespace) -> Path:
    """Train on the data in a folder; the adapter's folder, named after what made it."""
    name = f"{arguments.samples}-{digest[:12]}"
    output = runs / name
    if (output / "training.json").is_file():
        return output
    command = [
        "--isa", load_set(arguments.isa).source,
        "--dialect", "lenient", "--preset", _PRESET, "--data", str(runs / "data.jsonl"),
        "--output", str(output), "--checkpoints", str(runs / f"{name}-run"), "--start-from",
        str(arguments.start_from), "--max-samples", str(arguments.samples), "--resume",
        "--evaluation-steps", str(max(1, arguments.samples // 32)),
    ]  # fmt: skip
    if arguments.base:
        command += ["--base", arguments.base]
    if train_decode.main(command) != 0:
        raise DataError(f"the training in {runs} failed")
    return output


def _rates(decoder: Decoder, examples: dict[str, list[Example]]) -> dict[str, Any]:
    outcomes = read_all(examples, decoder.decode_many)
    return {kind: rate([o for o in outcomes if o.kind == kind]) for kind in examples}


def print_left_out(report: dict[str, Any]) -> None:
    """Print the table."""
    table = Table("kind", "texts", "draft alone", "trained without it", "trained with it")
    for kind in report["arguments"]["kinds"]:
        rows = [report["without"][name][kind] for name in (kind, _EVERY_KIND)]
        rates = [row["rate"] for row in (report["draft"][kind], *rows)]
        table.add_row(kind, str(rows[0]["examples"]), *(f"{one:.1%}" for one in rates))
    Console(width=100).print(table)


def _usual_output(arguments: argparse.Namespace) -> Path:
    """Beside the adapter that comes with the set; another set's table would be written over."""
    adapter = find_dialect("lenient", load_set(arguments.isa)).adapter
    return (arguments.runs if adapter is None else Path(adapter)) / "leave_one_out.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--isa", help="instruction set: a name, or a folder with a slash in it")
    parser.add_argument(
        "--kinds", nargs="+", choices=(*FORMS, *MANNERS, *TRAINING_FAMILIES), default=list(KINDS)
    )
    parser.add_argument(
        "--samples", type=positive_integer, default=4000, help="examples of each training"
    )
    parser.add_argument(
        "--count", type=positive_integer, default=150, help="texts of each kind to read"
    )
    parser.add_argument("--seed", type=fresh_seed, default=EVALUATION_SEED)
    parser.add_argument("--start-from", type=Path, default=packaged_adapter("strict"))
    parser.add_argument("--base", help="folder or hub name; default: the packaged one")
    parser.add_argument("--runs", type=Path, default=Path("runs/leave-one-out"))
    parser.add_argument(
        "--output", type=Path, help="default: beside the set's lenient adapter, else below --runs"
    )
    arguments = parser.parse_args(argv)
    try:
        arguments.output = arguments.output or _usual_output(arguments)
        report = leave_one_out(arguments)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print_left_out(report)
    print(f"written to {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
