"""Evaluates an adapter on the lenient dialect: by kind of writing, and for several readers.

In: decoders and a seed. Out: a JSON-ready report: exact match by kind and class, silent operand
swaps, risk and coverage by threshold, and the same texts read by parser and free decoding.
Whole phrases and word lists are held out from training.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kvrm_grammar.decoded import Decoded
from kvrm_grammar.lenient import MANNERS
from kvrm_grammar.lenient_forms import FORMS
from kvrm_grammar.lenient_refusals import LENIENT_REFUSAL_KINDS
from kvrm_grammar.lenient_words import HELD_OUT_LEXICON
from kvrm_grammar.operations import INVALID, operation_from_json, operation_to_json
from kvrm_grammar.words import HELD_OUT_WORDS
from training.data import Example, generate_examples
from training.evaluate import wilson
from training.lenient_data import lenient_kind

__all__ = [
    "CLASSES",
    "THRESHOLDS",
    "Reading",
    "by_kind",
    "held_out_examples",
    "is_swap",
    "read_all",
    "risk_and_coverage",
    "strict_examples",
]

CLASSES: Mapping[str, str] = {
    **dict.fromkeys((*FORMS, *MANNERS), "M"),
    "fullwidth": "N",
    **dict.fromkeys(LENIENT_REFUSAL_KINDS, "R"),
}
"""Kind -> N: a rule normalises it, M: the model must understand it, R: it must be refused."""
THRESHOLDS: tuple[float, ...] = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)

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
    kinds = [kind for kind in CLASSES if kind != "plain"]
    return {
        kind: lenient_kind(kind, count, seed, HELD_OUT_WORDS, HELD_OUT_LEXICON) for kind in kinds
    }


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
            kind: {"class": CLASSES.get(kind, "strict"), **_rate(own)}
            for kind, own in kinds.items()
        },
        "classes": {name: _rate(own) for name, own in classes.items() if own},
        "swaps": {"count": swaps, "of": len(accepted), "rate": swaps / max(1, len(accepted))},
    }


def _rate(readings: Sequence[Reading]) -> dict[str, Any]:
    hits = sum(reading.exact for reading in readings)
    low, high = wilson(hits, len(readings))
    return {
        "examples": len(readings),
        "exact": hits,
        "rate": hits / len(readings) if readings else None,
        "interval_95": [low, high],
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
