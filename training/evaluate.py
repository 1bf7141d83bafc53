"""Measures an adapter on fresh instructions whose meaning the reference parser knows.

In: an adapter, a seed that training never saw, and word lists held out from training.
Out: validity, exact match by category with 95 % intervals, precision and recall of
refusals, and every failure, as JSON.
"""

import argparse
import json
import math
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from kvrm_grammar.decoding.decoded import METHODS
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import KvrmError, OperationError
from kvrm_grammar.isa import INVALID, operation_from_json, operation_to_json
from training.checks import BUILT_IN_CHECKS, EXTENDED_CHECKS, failed_checks
from training.data import Example, file_digest, generate_examples, read_examples
from training.generate_cpu_data import DEFAULT_OUTPUT, DEFAULT_SEED, LENIENT_SEED
from training.texts.strict.spelling import NOTATIONS
from training.texts.strict.words import HELD_OUT_WORDS

_RESULTS = tuple(
    f":(exclude,top){path}"
    for path in ("benchmarks/results", "models/*/evaluation.json", "models/*/leave_one_out.json")
)
DEFAULT_EVALUATION_SEED = 777_008
CORE = ("decimal", "label", "register", "no_operand", "near_miss", "refusal")
CONVERTED = NOTATIONS[1:]

_REFUSAL = operation_to_json(INVALID)
_MARKS = {
    "hexadecimal": re.compile(r"(?<![\w.$])0[xX]"),
    "binary": re.compile(r"(?<![\w.$])0[bB]"),
    "octal": re.compile(r"(?<![\w.$])0[oO]"),
    "character": re.compile(r"'"),
}


def is_valid(answer: str) -> bool:
    """Whether an answer is a schema-valid operation in canonical JSON."""
    try:
        return operation_to_json(operation_from_json(answer)) == answer
    except OperationError:
        return False


@dataclass(frozen=True)
class Outcome:
    """One example and the JSON the model gave for it. Immutable."""

    example: Example
    answer: str | None

    @property
    def exact(self) -> bool:
        """Whether the answer equals the oracle's."""
        return self.answer == self.example.answer

    @property
    def valid(self) -> bool:
        """Whether the answer is a schema-valid operation in canonical JSON."""
        return is_valid(self.answer or "")


def category(example: Example) -> str:
    """Sort an example by what is hardest in it; notations to convert come first."""
    if example.answer == _REFUSAL:
        return "refusal"
    code = re.split(r";|//", example.text)[0]
    for name, mark in _MARKS.items():
        if mark.search(code):
            return name
    if "near_miss" in example.kinds:
        return "near_miss"
    return next((name for name in CORE[:3] if name in example.kinds), "no_operand")


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a rate (Wilson, 1927, without continuity correction)."""
    if total == 0:
        return 0.0, 1.0
    z, p = 1.959964, hits / total
    centre, spread = (
        p + z * z / (2 * total),
        z * math.sqrt(p * (1 - p) / total + z * z / (4 * total**2)),
    )
    scale = 1 + z * z / total
    # At 0 and at 1 an end of the interval is the rate itself, whatever rounding makes of it.
    return max(0.0, min(p, (centre - spread) / scale)), min(1.0, max(p, (centre + spread) / scale))


class Judged(Protocol):
    """Whatever was answered, rightly or not."""

    @property
    def exact(self) -> bool:
        """Whether the answer is the expected one."""


def rate(outcomes: Sequence[Judged]) -> dict[str, Any]:
    """Examples, exact matches, the rate and its interval."""
    hits = sum(outcome.exact for outcome in outcomes)
    low, high = wilson(hits, len(outcomes))
    share = hits / len(outcomes) if outcomes else None
    return {"examples": len(outcomes), "exact": hits, "rate": share, "interval_95": [low, high]}


def summarise(outcomes: Sequence[Outcome], seen: frozenset[str]) -> dict[str, Any]:
    """Everything that is counted, as a JSON-ready dictionary."""
    groups: dict[str, list[Outcome]] = {name: [] for name in (*CORE, *CONVERTED)}
    for outcome in outcomes:
        groups[category(outcome.example)].append(outcome)
    core = [outcome for name in CORE for outcome in groups[name]]
    refused = [o for o in outcomes if o.answer == _REFUSAL]
    expected = [o for o in outcomes if o.example.answer == _REFUSAL]
    right = sum(o.exact for o in refused)
    return {
        "examples": len(outcomes),
        "validity": sum(outcome.valid for outcome in outcomes) / len(outcomes),
        "exact_match": rate(core),
        "exact_match_with_converted_notations": rate(outcomes),
        "exact_match_unseen_texts": rate([o for o in core if o.example.text not in seen]),
        "categories": {name: rate(group) for name, group in groups.items()},
        "refusal_precision": right / len(refused) if refused else None,
        "refusal_recall": right / len(expected) if expected else None,
        "failures": [_failure(o) for o in outcomes if not o.exact],
    }


def _failure(outcome: Outcome) -> dict[str, Any]:
    example = outcome.example
    return {
        "text": example.text,
        "kinds": list(example.kinds),
        "expected": example.answer,
        "answer": outcome.answer,
    }


def provenance(decoder: Decoder, seed: int | None = None) -> dict[str, Any]:
    """What a reader needs to repeat the run; no seed where nothing is drawn."""
    folder = decoder.loaded.adapter_path
    weights = folder / "adapter_model.safetensors" if folder else None
    return {
        "seed": seed,
        "adapter_sha256": file_digest(weights) if weights else None,
        "base": decoder.loaded.base_name,
        "constraint_digest": decoder.schema.digest,
        "device": str(decoder.loaded.device),
        "dtype": str(decoder.loaded.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "outlines")},
        "commit": current_commit(),
    }


def current_commit() -> str | None:
    """The commit checked out, marked where code or weights differ; None outside a repository.

    Results do not count: one measurement writes its own before the next begins.
    """
    head = _git("rev-parse", "--short=12", "HEAD")
    if not head:
        return None
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", *_RESULTS)
    return head + ("-dirty" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def run(decoder: Decoder, examples: Iterable[Example], batch_size: int) -> list[Outcome]:
    """Decode all examples, with a progress bar on standard error."""
    examples = list(examples)
    answers = decoder.decode_many((e.text for e in examples), batch_size=batch_size)
    bar = track(
        zip(examples, answers, strict=True), total=len(examples), console=Console(stderr=True)
    )
    return [Outcome(example, decoded.json) for example, decoded in bar]


def print_table(summary: dict[str, Any]) -> None:
    """Print the rates."""
    table = Table("category", "examples", "exact", "rate", "95 % interval")
    rows = {**summary["categories"], "all but converted": summary["exact_match"]}
    rows["all"] = summary["exact_match_with_converted_notations"]
    for name, row in rows.items():
        share = "-" if row["rate"] is None else f"{row['rate']:.2%}"
        low, high = row["interval_95"]
        table.add_row(
            name, str(row["examples"]), str(row["exact"]), share, f"{low:.2%} – {high:.2%}"
        )
    console = Console(width=100)
    console.print(table)
    console.print(f"validity {summary['validity']:.2%}")
    console.print(f"OP_INVALID precision {summary['refusal_precision'] or 0:.2%}")
    console.print(f"OP_INVALID recall {summary['refusal_recall'] or 0:.2%}")


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dialect", choices=sorted(DIALECTS), default="strict")
    parser.add_argument("--adapter", type=Path, help="default: the dialect's own, in models/")
    parser.add_argument("--base", help="folder or hub name; default: the adapter's")
    parser.add_argument("--count", type=int, help="default: 5000; lenient: 150 of each kind")
    parser.add_argument(
        "--free", type=int, default=20, help="lenient: of each kind for free decoding, 0 for none"
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_EVALUATION_SEED)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--method", choices=METHODS, default="verify", help="how to decode")
    parser.add_argument("--schema", action="store_true", help="schema constraint, no grounding")
    parser.add_argument("--training-data", type=Path, default=DEFAULT_OUTPUT)
    parser.add_argument("--output", type=Path, help="default: evaluation.json beside the adapter")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    arguments.adapter = arguments.adapter or Path(DIALECTS[arguments.dialect].adapter)
    lenient = arguments.dialect == "lenient"
    if arguments.count is None:
        arguments.count = 150 if lenient else 5000
    if lenient and (arguments.schema or arguments.method != "verify"):
        parser.error("--schema and --method are for the strict dialect; the lenient one shows both")
    if arguments.seed in (DEFAULT_SEED, LENIENT_SEED):
        parser.error(f"seed {arguments.seed} makes the training data; choose another")
    try:
        report = _lenient(arguments) if lenient else evaluate(arguments)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    output = arguments.output or arguments.adapter / "evaluation.json"
    output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    if lenient:
        print(f"written to {output}")
        return 0
    print_table(report["results"])
    for name, check in report["checks"].items():
        print(f"{name} checks: {check['passed']} of {check['total']}")
    print(f"written to {output}")
    return 0


def _lenient(arguments: argparse.Namespace) -> dict[str, Any]:
    from training.lenient_evaluation import evaluate_lenient, print_lenient  # it imports this

    report = evaluate_lenient(arguments)
    print_lenient(report)
    return report


def evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the checks and the fresh examples."""
    decoder = Decoder.from_pretrained(
        arguments.adapter,
        base=arguments.base,
        method=arguments.method,
        constraint="schema" if arguments.schema else "grounded",
    )
    examples = list(generate_examples(arguments.count, arguments.seed, words=HELD_OUT_WORDS))
    seen: frozenset[str] = frozenset()
    if arguments.training_data.is_file():
        seen = frozenset(example.text for example in read_examples(arguments.training_data))
    checks = {}
    for name, pairs in (("built-in", BUILT_IN_CHECKS), ("extended", EXTENDED_CHECKS)):
        failed = failed_checks(decoder, pairs)
        checks[name] = {"passed": len(pairs) - len(failed), "total": len(pairs), "failed": failed}
    started = time.monotonic()
    outcomes = run(decoder, examples, arguments.batch_size)
    seconds = time.monotonic() - started
    return {
        "provenance": provenance(decoder, arguments.seed),
        "checks": checks,
        "seconds": round(seconds, 1),
        "batch_size": arguments.batch_size,
        "method": arguments.method,
        "constraint": decoder.constraint,
        "texts_also_in_training_data": sum(e.text in seen for e in examples) if seen else None,
        "results": summarise(outcomes, seen),
    }


if __name__ == "__main__":
    sys.exit(main())
