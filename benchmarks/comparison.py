"""What the arms of one set are counted by: rates, speeds, and inputs on which they differ.

In: tallies of :mod:`benchmarks.timing`, and examples. Out: JSON-ready rows of
``benchmarks.constrained_vs_free``.
"""

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.timing import Tally
from kvrm_grammar.isa import InstructionSet
from training.data.examples import Example
from training.scoring import is_valid, wilson

__all__ = ["disagreements", "summarise"]

SCHEMA, STEPWISE = "one pass, schema", "stepwise, schema"


def summarise(
    tallies: dict[str, Tally],
    examples: Sequence[Example],
    limit: Sequence[float],
    isa: InstructionSet | None = None,
) -> dict[str, Any]:
    """Rates and speeds of one set."""
    report: dict[str, Any] = {}
    free = tallies["free"].seconds if "free" in tallies else None
    for name, tally in tallies.items():
        hits = sum(r.json == e.answer for r, e in zip(tally.replies, examples, strict=True))
        valid = sum(is_valid(reply.json, isa) for reply in tally.replies)
        passes = [reply.passes for reply in tally.replies if reply.passes is not None]
        report[name] = {
            "examples": len(examples),
            "valid": valid,
            "validity": valid / len(examples),
            "exact": hits,
            "exact_match": hits / len(examples),
            "exact_match_interval_95": wilson(hits, len(examples)),
            "mean_passes": sum(passes) / len(passes) if passes else None,
            "maximal_passes": max(passes, default=None),
            "instructions_per_second": len(examples) / sum(tally.seconds),
            "times_the_bare_forward_pass": (
                median(o / b for o, b in zip(tally.seconds, limit, strict=True)) if limit else None
            ),
            "times_faster_than_free": (
                median(f / o for f, o in zip(free, tally.seconds, strict=True)) if free else None
            ),
        }
    return report


def disagreements(
    tallies: dict[str, Tally], examples: Sequence[Example], tokenizers_agree: Sequence[bool]
) -> list[dict[str, Any]]:
    """Inputs on which one pass, stepwise decoding and Outlines' Generator differ."""
    found: list[dict[str, Any]] = []
    if SCHEMA not in tallies:
        return found
    for name, tally in tallies.items():
        if not (name == STEPWISE or name.startswith("Outlines")):
            continue
        rows = zip(examples, tallies[SCHEMA].replies, tally.replies, tokenizers_agree, strict=True)
        for example, ours, other, same_prompt in rows:
            by_ids = other.token_ids is not None and ours.token_ids != other.token_ids
            if by_ids or ours.json != other.json:
                found.append(
                    {
                        "text": example.text,
                        "arm": name,
                        "one_pass": ours.json,
                        "other": other.json,
                        "margin": ours.margin,
                        "same_prompt_token_ids": same_prompt,
                    }
                )
    return found
