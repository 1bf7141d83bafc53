"""Evaluates an adapter on the lenient dialect: by kind of writing, and for several readers.

In: decoders and a seed. Out: a JSON-ready report: exact match by kind and class, silent operand
swaps, risk and coverage by threshold, and the same texts read by parser and free decoding.
Whole phrases and word lists are held out from training.
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import (
    INVALID,
    InstructionSet,
    load_set,
    operation_from_json,
    operation_to_json,
)
from kvrm_grammar.oracle.reference import parse
from training.data.any_set import any_kinds, any_set_kind
from training.data.examples import Example
from training.data.lenient import family_examples, lenient_kind
from training.data.mixed import OWN_KINDS, general_kinds
from training.data.strict import generate_examples
from training.evaluation.few_examples import few_examples
from training.evaluation.free_decoding import free_decoding
from training.evaluation.outcomes import Outcome, read_all
from training.provenance import provenance
from training.scoring import rate
from training.texts.lenient.families import HELD_OUT_FAMILIES
from training.texts.lenient.forms import FORMS
from training.texts.lenient.lexicon import HELD_OUT_LEXICON
from training.texts.lenient.refused import LENIENT_REFUSAL_KINDS
from training.texts.lenient.valid import MANNERS
from training.texts.strict.words import HELD_OUT_WORDS

__all__ = [
    "CLASSES",
    "SURE",
    "THRESHOLDS",
    "by_kind",
    "drafted",
    "evaluate_lenient",
    "held_out_examples",
    "is_swap",
    "print_lenient",
    "risk_and_coverage",
    "strict_examples",
]

CLASSES: Mapping[str, str] = {
    **dict.fromkeys((*FORMS, *MANNERS), "M"),
    "fullwidth": "N",
    "fullwidth_mixed": "M",
    **dict.fromkeys(LENIENT_REFUSAL_KINDS, "R"),
    **{kind: any_kinds(load_set())[kind] for kind in general_kinds()},
}
"""Kind -> N: a rule normalises it, M: the model must understand it, R: it must be refused.

Full-width forms of the strict dialect's instructions are N; around lenient writing, M. The last
are those that only any set's makers have."""
THRESHOLDS: tuple[float, ...] = (0.0, 0.5, 0.8, 0.9, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.999)
SURE = 0.98
"""A wrong instruction that is at least so probable is counted as sure and wrong."""

_SEVERAL = 60  # texts of each kind that are decoded under the schema too
_REFUSAL = operation_to_json(INVALID)


def held_out_examples(
    count: int, seed: int, *, isa: InstructionSet | None = None
) -> dict[str, list[Example]]:
    """Draw texts of every kind, phrases and words held out from training.

    Args:
        count: How many different ones of each kind; fewer where a kind has no more.
        seed: Of the generator.
        isa: The instruction set; None for the packaged one.
    """
    if isa is not None and isa is not load_set():
        return {kind: any_set_kind(kind, count, seed, isa=isa) for kind in any_kinds(isa)}
    drawn, held_out = {}, (HELD_OUT_WORDS, HELD_OUT_LEXICON)
    for name in CLASSES:
        kind = name.removesuffix("_mixed")
        mixed = name != kind if kind == "fullwidth" else None
        if kind not in OWN_KINDS:
            drawn[name] = any_set_kind(kind, count, seed, isa=load_set(isa))
        elif kind != "plain":
            drawn[name] = lenient_kind(kind, count, seed, *held_out, mixed=mixed, isa=isa)
    return drawn


def strict_examples(count: int, seed: int, *, isa: InstructionSet | None = None) -> list[Example]:
    """Draw instructions of the strict dialect, which mean the same in the lenient one."""
    made = generate_examples(4 * count, seed, refusals=0.0, words=HELD_OUT_WORDS, isa=isa)
    return [example for example in made if example.answer != _REFUSAL][:count]


def is_swap(outcome: Outcome) -> bool:
    """Whether the right operation came with the right operands in wrong places."""
    if outcome.answer is None or outcome.exact:
        return False
    wanted, given = (json.loads(text) for text in (outcome.example.answer, outcome.answer))
    if wanted["key"] != given["key"]:
        return False
    values = [sorted(map(str, one["params"].values())) for one in (wanted, given)]
    return values[0] == values[1]


def by_kind(outcomes: Sequence[Outcome], classes_of: Mapping[str, str] = CLASSES) -> dict[str, Any]:
    """Count exact matches by kind and by class, and silent swaps."""
    kinds = {
        kind: [o for o in outcomes if o.kind == kind]
        for kind in dict.fromkeys(o.kind for o in outcomes)
    }
    classes = {
        name: [o for o in outcomes if classes_of.get(o.kind) == name] for name in ("N", "M", "R")
    }
    swaps = sum(map(is_swap, outcomes))
    accepted = [o for o in outcomes if o.answer not in (None, _REFUSAL)]
    return {
        "kinds": {
            kind: {"class": classes_of.get(kind, "strict"), **rate(own)}
            for kind, own in kinds.items()
        },
        "classes": {name: rate(own) for name, own in classes.items() if own},
        "swaps": {"count": swaps, "of": len(accepted), "rate": swaps / max(1, len(accepted))},
    }


def by_family(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Exact matches of families held out as a whole: by family, and of all."""
    kinds = list(dict.fromkeys(o.kind for o in outcomes))
    faults = [o for o in outcomes if o.kind.endswith(", faults")]
    meant = [o for o in outcomes if not o.kind.endswith(", faults")]
    return {
        "kinds": {kind: rate([o for o in outcomes if o.kind == kind]) for kind in kinds},
        "meant": rate(meant),
        "faults": rate(faults),
    }


def sure_and_wrong(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How many wrong instructions came with a confidence of at least ``SURE``."""
    wrong = [
        o
        for o in outcomes
        if not o.exact and o.answer not in (None, _REFUSAL) and (o.confidence or 0.0) >= SURE
    ]
    return {"threshold": SURE, "count": len(wrong), "of": len(outcomes)}


def risk_and_coverage(outcomes: Sequence[Outcome]) -> list[dict[str, float]]:
    """For each threshold, how much of the valid texts is answered, and how often rightly.

    Returns:
        By threshold: ``coverage``, the share of texts with a meaning whose answer is no refusal
        and at least so probable; ``right``, the share of all answers given that are exact.
    """
    meant = [o for o in outcomes if o.example.answer != _REFUSAL]
    rows = []
    for threshold in THRESHOLDS:
        given = [
            o
            for o in outcomes
            if o.answer not in (None, _REFUSAL) and (o.confidence or 0.0) >= threshold
        ]
        covered = [o for o in given if o.example.answer != _REFUSAL]
        rows.append(
            {
                "threshold": threshold,
                "coverage": len(covered) / max(1, len(meant)),
                "right": sum(o.exact for o in given) / max(1, len(given)),
                "given": len(given),
                "wrong": sum(not o.exact for o in given),
            }
        )
    return rows


def evaluate_lenient(
    arguments: argparse.Namespace, isa: InstructionSet | None = None
) -> dict[str, Any]:
    """Read held-out texts of every kind with the model, and with what it is compared to.

    Args:
        arguments: ``adapter``, ``base``, ``count`` (of each kind), ``seed``, ``batch_size`` and
            ``free`` (of each kind, for free decoding, which is slow; 0 for none, and none for
            a set that is not the packaged one: the examples that the base is shown are of that).
        isa: The instruction set that texts are drawn from; None for the packaged one.

    Returns:
        The report, JSON-ready. What says how it was made is read before anything is measured;
        ``mean_passes`` is that of all texts of the arm "grounded", ``mean_passes_of`` many.
    """
    decoder = Decoder.from_pretrained(
        arguments.adapter, base=arguments.base, isa=isa, dialect="lenient",
        backend=arguments.backend, precision=arguments.precision,
    )  # fmt: skip
    origin = provenance(decoder, arguments.seed)
    examples = held_out_examples(arguments.count, arguments.seed, isa=isa)
    strict = {"strict": strict_examples(5 * arguments.count, arguments.seed, isa=isa)}
    size, started = arguments.batch_size, time.monotonic()
    read = partial(decoder.decode_many, batch_size=size)
    outcomes = read_all(examples, read)
    seconds = time.monotonic() - started
    strictly = read_all(strict, read)
    packaged = decoder.isa is load_set()
    classes = CLASSES if packaged else any_kinds(decoder.isa)
    drawn = family_examples(
        max(1, arguments.count // 4), arguments.seed, HELD_OUT_FAMILIES if packaged else (),
        HELD_OUT_WORDS, isa=decoder.isa,
    )  # fmt: skip
    families = read_all(drawn, read)
    passes = [outcome.passes or 0 for outcome in outcomes]
    return {
        "provenance": origin,
        "seconds": round(seconds, 1),
        "arms": {
            "grounded": by_kind(outcomes, classes),
            **_other_readers(decoder, examples, size, arguments.free if packaged else 0, classes),
        },
        "strict": by_kind(strictly)["kinds"]["strict"],
        "families": {
            "grounded": by_family(families),
            "draft": by_family(read_all(drawn, partial(drafted, isa=decoder.isa))),
        },
        "sure_and_wrong": sure_and_wrong((*outcomes, *strictly, *families)),
        "mean_passes": sum(passes) / len(passes),
        "mean_passes_of": len(passes),
        "risk_and_coverage": risk_and_coverage(outcomes),
        "failures": [
            {"kind": o.kind, "text": o.example.text, "expected": o.example.answer,
             "answer": o.answer, "confidence": o.confidence}
            for o in (*outcomes, *strictly, *families) if not o.exact
        ],
    }  # fmt: skip


def _other_readers(
    decoder: Decoder,
    examples: Mapping[str, Sequence[Example]],
    size: int,
    free: int,
    classes: Mapping[str, str],
) -> dict[str, Any]:
    """The same texts by rules; some under the schema alone, fewer by the base and freely."""
    schema = decoder.constrained("schema")
    count = partial(by_kind, classes_of=classes)
    several = {kind: own[:_SEVERAL] for kind, own in examples.items()}
    arms = {
        "schema": count(read_all(several, partial(schema.decode_many, batch_size=size))),
        "parser": count(read_all(examples, partial(_parsed, isa=decoder.dialect.isa))),
        "draft": count(read_all(examples, partial(drafted, isa=decoder.dialect.isa))),
    }
    if free:
        some = {kind: own[:free] for kind, own in examples.items()}
        arms["base"] = by_kind(read_all(some, few_examples(decoder, size)))
        arms["free"] = by_kind(read_all(some, lambda texts: _free(decoder, list(texts), size)))
    return arms


def _parsed(texts: Iterable[str], isa: InstructionSet) -> Iterator[Decoded]:
    for text in texts:
        yield Decoded(text, parse(text, isa))


def drafted(texts: Iterable[str], isa: InstructionSet) -> Iterator[Decoded]:
    """The rule-made draft as if it were the answer: what there is without a model."""
    dialect = find_dialect("lenient", isa)
    for text in texts:
        yield Decoded(text, dialect.read(text).guess)


def _free(decoder: Decoder, texts: Sequence[str], size: int) -> Iterator[Decoded]:
    run = free_decoding(decoder)
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        for text, reply in zip(batch, run(batch), strict=True):
            try:
                yield Decoded(text, operation_from_json(reply.json, decoder.dialect.isa))
            except KvrmError:
                yield Decoded(text, None)


def print_lenient(report: dict[str, Any]) -> None:
    """Print the table by kind, a column for each reader."""
    arms = report["arms"]
    table = Table("kind", "class", "texts", *arms)
    for kind, row in arms["grounded"]["kinds"].items():
        rates = [own["kinds"].get(kind, {}).get("rate") for own in arms.values()]
        shown = ["-" if rate is None else f"{rate:.1%}" for rate in rates]
        table.add_row(kind, row["class"], str(row["examples"]), *shown)
    for name in arms["grounded"]["classes"]:
        shown = [f"{own['classes'].get(name, {}).get('rate') or 0:.2%}" for own in arms.values()]
        table.add_row(f"all {name}", name, "", *shown)
    (console := Console(width=110)).print(table)
    swaps = arms["grounded"]["swaps"]
    sure = report["sure_and_wrong"]
    console.print(f"silent operand swaps: {swaps['count']} of {swaps['of']}")
    console.print(f"sure and wrong: {sure['count']} of {sure['of']}")
    for name, own in report["families"].items():
        meant, faults = own["meant"], own["faults"]
        console.print(
            f"held-out families, {name}: {meant['exact']} of {meant['examples']} right, "
            f"{faults['exact']} of {faults['examples']} refused"
        )
    console.print(f"strict instructions: {report['strict']['rate']:.2%}")
    console.print(f"mean passes: {report['mean_passes']:.2f} over {report['mean_passes_of']} texts")
