"""Nothing invented, nothing lost, and the exact posterior beside what is decoded.

In: the reports of grounding and posterior. Out: a table of each.
"""

from typing import Any

from benchmarks.tables.markdown import origin, part, table
from benchmarks.tables.records import Records

__all__ = ["grounding", "grounding_rv32im", "posterior"]


def grounding(records: Records) -> str:
    """The closed languages of many texts."""
    return _languages(records.result("grounding"))


def grounding_rv32im(records: Records) -> str:
    """The same of the second set."""
    return _languages(records.result("grounding_rv32im"))


def _languages(report: dict[str, Any]) -> str:
    rows = [
        (
            name,
            f"{own['texts']:,}",
            f"{own['members']:,}",
            own["invented"],
            f"{own['lost']:,} of {own['of_known_meaning']:,}",
            own["outside"],
            f"{own['largest_language']:,}",
            own["median_ms"],
        )
        for name, own in report["dialects"].items()
    ]
    head = (
        "dialect", "texts", "answers in their languages", "texts with an invented operand",
        "right answers lost", "outside the schema", "largest language", "median, ms a text",
    )  # fmt: skip
    return table(head, rows, f"(seed {report['seed']}, commit `{(report['commit'] or '')[:12]}`.)")


def posterior(records: Records) -> str:
    """Where the best answer as a whole is another, and calibration of both."""
    report = records.result("posterior")
    rows = [
        (
            name,
            part(own["differ"], own["texts"]),
            own["greedy_right_where_they_differ"],
            own["posterior_right_where_they_differ"],
            f"{own['greedy']['expected_calibration_error']:.4f}",
            f"{own['posterior']['expected_calibration_error']:.4f}",
            f"{own['passes']['median']:g} ({own['passes']['most']})",
            f"{own['posterior_p50_ms'] / own['decode_p50_ms']:.1f}",
        )
        for name, own in report["dialects"].items()
    ]
    head = (
        "dialect", "other than decoded", "decoded right there", "posterior right there",
        "calibration error, confidence", "posterior", "passes, median (most)", "time, × one decode",
    )  # fmt: skip
    return table(head, rows, f"({origin(report)}.)")
