"""Evaluates an adapter on the lenient dialect: by kind of writing, and for several readers.

In: decoders and a seed. Out: a JSON-ready report: exact match by kind and class, silent operand
swaps, risk and coverage by threshold, and the same texts read by parser and free decoding.
Whole phrases and word lists are held out from training.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.arms import free_decoding
from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import INVALID, operation_from_json, operation_to_json
from kvrm_grammar.oracle.reference import parse
from training.data import Example, generate_examples
from training.evaluate import provenance, rate
from training.lenient_data import lenient_kind
from training.texts.lenient.forms import FORMS
from training.texts.lenient.lexicon import HELD_OUT_LEXICON
from training.texts.lenient.refused import LENIENT_REFUSAL_KINDS
from training.texts.lenient.valid import MANNERS
from training.texts.strict.words import HELD_OUT_WORDS

__all__ = [
    "CLASSES",
    "THRESHOLDS",
    "Reading",
    "by_kind",
    "evaluate_lenient",
    "held_out_examples",
    "is_swap",
    "print_lenient",
    "read_all",
    "risk_and_coverage",
    "strict_examples",
]

CLASSES: Mapping[str, str] = {
    **dict.fromkeys((*FORMS, *MANNERS), "M"),
    "fullwidth": "N",
    "fullwidth_mixed": "M",
    **dict.fromkeys(LENIENT_REFUSAL_KINDS, "R"),
}
"""Kind -> N: a rule normalises it, M: the model must understand it, R: it must be refused.

Full-width forms of the strict dialect's instructions are N; around lenient writing, M."""
THRESHOLDS: tuple[float, ...] = (0.0, 0.5, 0.8, 0.9, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.999)

_REFUSAL = operation_to_json(INVALID)


@dataclass(frozen=True)
class Reading:
    """One text, what it means, and what a reader made of it. Immutable."""

    kind: str
    example: Example
    answer: str | None
    confidence: float | None = None

    @property
    def exact(self) -> bool:
        """Whether the answer is the meaning."""
        return self.answer == self.example.answer


def held_out_examples(count: int, seed: int) -> dict[str, list[Example]]:
    """Draw texts of every kind, phrases and words held out from training.

    Args:
        count: How many different ones of each kind; fewer where a kind has no more.
        seed: Of the generator.
    """
    drawn = {}
    for name in CLASSES:
        kind = name.removesuffix("_mixed")
        mixed = name != kind if kind == "fullwidth" else None
        if kind != "plain":
            drawn[name] = lenient_kind(
                kind, count, seed, HELD_OUT_WORDS, HELD_OUT_LEXICON, mixed=mixed
            )
    return drawn


def strict_examples(count: int, seed: int) -> list[Example]:
    """Draw instructions of the strict dialect, which mean the same in the lenient one."""
    made = generate_examples(4 * count, seed, refusals=0.0, words=HELD_OUT_WORDS)
    return [example for example in made if example.answer != _REFUSAL][:count]


def read_all(
    examples: Mapping[str, Sequence[Example]],
    decode_many: Callable[[Iterable[str]], Iterable[Decoded]],
) -> list[Reading]:
    """Let a reader read all texts, kind by kind."""
    flat = [(kind, example) for kind, own in examples.items() for example in own]
    answers = decode_many(example.text for _, example in flat)
    return [
        Reading(kind, example, answer.json, answer.confidence)
        for (kind, example), answer in zip(flat, answers, strict=True)
    ]


def is_swap(reading: Reading) -> bool:
    """Whether the right operation came with the right operands in wrong places."""
    if reading.answer is None or reading.exact:
        return False
    wanted, given = (operation_from_json(text) for text in (reading.example.answer, reading.answer))
    if wanted.key != given.key:
        return False
    values = [sorted(map(str, one.params.model_dump().values())) for one in (wanted, given)]
    return values[0] == values[1]


def by_kind(readings: Sequence[Reading]) -> dict[str, Any]:
    """Count exact matches by kind and by class, and silent swaps."""
    kinds = {
        kind: [r for r in readings if r.kind == kind]
        for kind in dict.fromkeys(r.kind for r in readings)
    }
    classes = {
        name: [r for r in readings if CLASSES.get(r.kind) == name] for name in ("N", "M", "R")
    }
    swaps = sum(map(is_swap, readings))
    accepted = [r for r in readings if r.answer not in (None, _REFUSAL)]
    return {
        "kinds": {
            kind: {"class": CLASSES.get(kind, "strict"), **rate(own)} for kind, own in kinds.items()
        },
        "classes": {name: rate(own) for name, own in classes.items() if own},
        "swaps": {"count": swaps, "of": len(accepted), "rate": swaps / max(1, len(accepted))},
    }


def risk_and_coverage(readings: Sequence[Reading]) -> list[dict[str, float]]:
    """For each threshold, how much of the valid texts is answered, and how often rightly.

    Returns:
        By threshold: ``coverage``, the share of texts with a meaning whose answer is no refusal
        and at least so probable; ``right``, the share of all answers given that are exact.
    """
    meant = [r for r in readings if r.example.answer != _REFUSAL]
    rows = []
    for threshold in THRESHOLDS:
        given = [
            r
            for r in readings
            if r.answer not in (None, _REFUSAL) and (r.confidence or 0.0) >= threshold
        ]
        covered = [r for r in given if r.example.answer != _REFUSAL]
        rows.append(
            {
                "threshold": threshold,
                "coverage": len(covered) / max(1, len(meant)),
                "right": sum(r.exact for r in given) / max(1, len(given)),
                "given": len(given),
                "wrong": sum(not r.exact for r in given),
            }
        )
    return rows


def evaluate_lenient(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read held-out texts of every kind with the model, and with what it is compared to.

    Args:
        arguments: ``adapter``, ``base``, ``count`` (of each kind), ``seed``, ``batch_size`` and
            ``free`` (of each kind, for free decoding, which is slow; 0 for none).
    """
    decoder = Decoder.from_pretrained(arguments.adapter, base=arguments.base, dialect="lenient")
    examples = held_out_examples(arguments.count, arguments.seed)
    strict = {"strict": strict_examples(5 * arguments.count, arguments.seed)}
    size = arguments.batch_size
    started = time.monotonic()
    readings = read_all(examples, lambda texts: decoder.decode_many(texts, batch_size=size))
    seconds = time.monotonic() - started
    strictly = read_all(strict, lambda texts: decoder.decode_many(texts, batch_size=size))
    schema = decoder.constrained("schema")
    arms = {
        "grounded": by_kind(readings),
        "schema": by_kind(
            read_all(examples, lambda texts: schema.decode_many(texts, batch_size=size))
        ),
        "parser": by_kind(read_all(examples, _parsed)),
    }
    if arguments.free:
        some = {kind: own[: arguments.free] for kind, own in examples.items()}
        arms["free"] = by_kind(read_all(some, lambda texts: _free(decoder, list(texts), size)))
    passes = [d.passes for d in decoder.decode_many(r.example.text for r in readings[::7])]
    return {
        "provenance": provenance(decoder, arguments.seed),
        "seconds": round(seconds, 1),
        "arms": arms,
        "strict": by_kind(strictly)["kinds"]["strict"],
        "mean_passes": sum(p or 0 for p in passes) / len(passes),
        "risk_and_coverage": risk_and_coverage(readings),
        "failures": [
            {"kind": r.kind, "text": r.example.text, "expected": r.example.answer,
             "answer": r.answer, "confidence": r.confidence}
            for r in (*readings, *strictly) if not r.exact
        ],
    }  # fmt: skip


def _parsed(texts: Iterable[str]) -> Iterator[Decoded]:
    for text in texts:
        yield Decoded(text, parse(text))


def _free(decoder: Decoder, texts: Sequence[str], size: int) -> Iterator[Decoded]:
    run = free_decoding(decoder)
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        for text, reply in zip(batch, run(batch), strict=True):
            try:
                yield Decoded(text, operation_from_json(reply.json))
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
        rates = [own["classes"].get(name, {}).get("rate") for own in arms.values()]
        table.add_row(f"all {name}", name, "", *(f"{rate or 0:.2%}" for rate in rates))
    console = Console(width=110)
    console.print(table)
    swaps = arms["grounded"]["swaps"]
    console.print(f"silent operand swaps: {swaps['count']} of {swaps['of']}")
    console.print(f"strict instructions: {report['strict']['rate']:.2%}")
    console.print(f"mean passes: {report['mean_passes']:.2f}")
