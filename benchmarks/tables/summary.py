"""The one table of README: how good both dialects are, and how fast.

In: evaluations, the fuzz campaign and the comparison of ways to decode. Out: half a dozen rows.
"""

from typing import Any

from benchmarks.tables.markdown import part, percent, short, table
from benchmarks.tables.records import Records

__all__ = ["CAUTIOUS", "summary"]

CAUTIOUS = 0.98
"""The ``min_confidence`` that the lenient adapter names."""


def summary(records: Records) -> str:
    """Exact match of both dialects, in a few rows."""
    strict = records.adapter("strict", "evaluation")["results"]
    lenient = records.adapter("lenient", "evaluation")
    compared = records.result("constrained_vs_free")
    classes = lenient["arms"]["grounded"]["classes"]
    risk = next(r for r in lenient["risk_and_coverage"] if r["threshold"] == CAUTIOUS)
    sure = {"exact": risk["given"] - risk["wrong"], "examples": risk["given"]}
    coverage = percent(risk["coverage"], 1)
    answers = (
        f"answers with `min_confidence={CAUTIOUS}`; given to {coverage} of texts with a meaning"
    )
    rows = [
        ("strict", "fresh instructions and refusals", *_cells(strict["exact_match"])),
        ("strict", "numbers that are not decimal", *_cells(compared["literals"]["grounded"])),
        ("strict", "texts of a fuzz campaign", *_cells(records.result("fuzz")["all"])),
        ("lenient", "what a person may write for an instruction", *_cells(classes["M"])),
        ("lenient", answers, *_cells(sure)),
        ("lenient", "what must be refused", *_cells(classes["R"])),
    ]
    origin = compared["provenance"]
    one = compared["alone"]["arms"][f"one pass, grounded, openvino {origin['dtype']}"]
    note = (
        f"One instruction takes {short(one['p50_ms'])} ms ({origin['device']}, "
        f"{origin['threads']} threads, {origin['dtype']}): "
        f"{short(one['times_faster_than_free'])} times as fast as the same weights in torch "
        "without a constraint."
    )
    return table(("dialect", "texts", "right", "rate"), rows, note, left=2)


def _cells(row: dict[str, Any]) -> tuple[str, str]:
    exact, examples = row["exact"], row["examples"]
    return part(exact, examples), percent(exact / examples)
