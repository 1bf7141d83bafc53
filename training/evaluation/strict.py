"""Evaluates an adapter on the strict dialect: by category, refusals apart.

In: an adapter, a seed, and word lists held out from training. Out: a JSON-ready report: validity,
exact match by category, precision and recall of refusals, spot checks and every failure.
"""

import argparse
import json
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects.bare_code import without_comments
from kvrm_grammar.isa import INVALID, InstructionSet, load_set, operation_to_json
from kvrm_grammar.isa.cases import read_cases
from training.data.examples import Example, read_examples
from training.data.files import file_digest, read_record
from training.data.strict import generate_examples
from training.evaluation.outcomes import Outcome
from training.evaluation.spot_checks import BUILT_IN_CHECKS, EXTENDED_CHECKS, failed_checks
from training.provenance import provenance
from training.scoring import is_valid, rate
from training.texts.strict.spelling import NOTATIONS
from training.texts.strict.words import HELD_OUT_WORDS

__all__ = ["category", "evaluate_strict", "print_strict", "summarise"]

CORE = ("decimal", "label", "register", "no_operand", "near_miss", "refusal")
CONVERTED = NOTATIONS[1:]

_REFUSAL = operation_to_json(INVALID)
_MARKS = {
    "hexadecimal": re.compile(r"(?<![\w.$])0[xX]"),
    "binary": re.compile(r"(?<![\w.$])0[bB]"),
    "octal": re.compile(r"(?<![\w.$])0[oO]"),
    "character": re.compile(r"'"),
}


def category(example: Example, isa: InstructionSet | None = None) -> str:
    """Sort an example by what is hardest in it; notations to convert come first.

    Args:
        example: Text and meaning.
        isa: The instruction set, which says what starts a comment; None for the packaged one.
    """
    if example.answer == _REFUSAL:
        return "refusal"
    code = without_comments(example.text, load_set(isa))
    for name, mark in _MARKS.items():
        if mark.search(code):
            return name
    if "near_miss" in example.kinds:
        return "near_miss"
    return next((name for name in CORE[:3] if name in example.kinds), "no_operand")


def summarise(
    outcomes: Sequence[Outcome],
    seen: frozenset[str] | None,
    isa: InstructionSet | None = None,
) -> dict[str, Any]:
    """Everything that is counted, as a JSON-ready dictionary.

    Args:
        outcomes: What came of each example.
        seen: Texts of the training file; None where it is not at hand, and what is counted
            over the others is None then.
        isa: The instruction set; None for the packaged one.
    """
    groups: dict[str, list[Outcome]] = {name: [] for name in (*CORE, *CONVERTED)}
    for outcome in outcomes:
        groups[category(outcome.example, isa)].append(outcome)
    core = [outcome for name in CORE for outcome in groups[name]]
    refused = [o for o in outcomes if o.answer == _REFUSAL]
    expected = [o for o in outcomes if o.example.answer == _REFUSAL]
    right = sum(o.exact for o in refused)
    return {
        "examples": len(outcomes),
        "validity": sum(is_valid(outcome.answer or "", isa) for outcome in outcomes)
        / len(outcomes),
        "exact_match": rate(core),
        "exact_match_with_converted_notations": rate(outcomes),
        "exact_match_unseen_texts": (
            None if seen is None else rate([o for o in core if o.example.text not in seen])
        ),
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


def run(decoder: Decoder, examples: Iterable[Example], batch_size: int) -> list[Outcome]:
    """Decode all examples, with a progress bar on standard error."""
    examples = list(examples)
    answers = decoder.decode_many((e.text for e in examples), batch_size=batch_size)
    bar = track(
        zip(examples, answers, strict=True), total=len(examples), console=Console(stderr=True)
    )
    return [Outcome(example, decoded.json) for example, decoded in bar]


def is_trained_on(data: Path, adapter: Path | None) -> bool:
    """Whether a file is there, and is, byte for byte, what a round of a training read."""
    if adapter is None or not data.is_file() or not (adapter / "training.json").is_file():
        return False
    digest = file_digest(data)
    record: dict[str, Any] | None = read_record(adapter / "training.json")
    while record is not None and record["data_sha256"] != digest:
        record = record.get("previous")
    return record is not None


def evaluate_strict(
    arguments: argparse.Namespace, isa: InstructionSet | None = None
) -> dict[str, Any]:
    """Run the spot checks and the fresh examples.

    Args:
        arguments: ``adapter``, ``base``, ``method``, ``schema``, ``count``, ``seed``,
            ``batch_size`` and ``training_data``.
        isa: The instruction set that texts are drawn from; None for the packaged one.

    Returns:
        The report, JSON-ready. What says how it was made is read before anything is measured.

    Raises:
        KvrmError: The model or the training data cannot be read.
    """
    decoder = Decoder.from_pretrained(
        arguments.adapter,
        isa=isa,
        base=arguments.base,
        backend=arguments.backend,
        precision=arguments.precision,
        method=arguments.method,
        constraint="schema" if arguments.schema else "grounded",
    )
    origin = provenance(decoder, arguments.seed)
    drawn = generate_examples(arguments.count, arguments.seed, words=HELD_OUT_WORDS, isa=isa)
    examples = list(drawn)
    seen: frozenset[str] | None = None
    if is_trained_on(arguments.training_data, decoder.loaded.adapter_path):
        seen = frozenset(
            example.text for example in read_examples(arguments.training_data, isa=isa)
        )
    checks = _spot_checks(decoder)
    started = time.monotonic()
    outcomes = run(decoder, examples, arguments.batch_size)
    return {
        "provenance": origin,
        "checks": checks,
        "seconds": round(time.monotonic() - started, 1),
        "batch_size": arguments.batch_size,
        "method": arguments.method,
        "constraint": decoder.constraint,
        "texts_also_in_training_data": (
            None if seen is None else sum(e.text in seen for e in examples)
        ),
        "results": summarise(outcomes, seen, isa),
    }


def _spot_checks(decoder: Decoder) -> dict[str, Any]:
    checks = {}
    if decoder.isa is not load_set():
        return {"cases": _cases(decoder)}
    for name, pairs in (("built-in", BUILT_IN_CHECKS), ("extended", EXTENDED_CHECKS)):
        failed = failed_checks(decoder, pairs)
        checks[name] = {"passed": len(pairs) - len(failed), "total": len(pairs), "failed": failed}
    return checks


def _cases(decoder: Decoder) -> dict[str, Any]:
    """The set's own cases, where it has some."""
    cases = read_cases(decoder.isa)
    answers = decoder.decode_many(str(case["text"]) for case in cases)
    failed = [
        [case["text"], decoded.json]
        for case, decoded in zip(cases, answers, strict=True)
        if decoded.json is None or json.loads(decoded.json) != case["answer"]
    ]
    return {"passed": len(cases) - len(failed), "total": len(cases), "failed": failed}


def print_strict(report: dict[str, Any]) -> None:
    """Print the rates by category, and the spot checks."""
    summary = report["results"]
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
    for name, check in report["checks"].items():
        console.print(f"{name} checks: {check['passed']} of {check['total']}")
