"""What fuzz campaigns found.

In: their reports. Out: a table by strategy for each dialect, and the disagreements.
"""

from typing import Any

from benchmarks.tables.markdown import code, interval, origin, part, percent, table
from benchmarks.tables.records import Records

__all__ = ["fuzz", "fuzz_disagreements", "fuzz_lenient"]


def fuzz(records: Records) -> str:
    """The strict campaign by strategy."""
    return _by_strategy(records.result("fuzz"))


def fuzz_lenient(records: Records) -> str:
    """The lenient campaign by strategy."""
    return _by_strategy(records.result("fuzz_lenient"))


def fuzz_disagreements(records: Records) -> str:
    """Every disagreement of the strict campaign, as it was found."""
    rows = [
        (code(row["text"]), code(row["expected"]), code(row["answer"]), row["reason"] or "–")
        for row in records.result("fuzz")["disagreements"]
    ]
    head = ("text", "the parser's answer", "the model's", "the parser's reason")
    return table(head, rows, left=4)


def _by_strategy(report: dict[str, Any]) -> str:
    named = [*report["strategies"].items(), ("**all**", report["all"])]
    rows = [
        (
            name,
            part(row["exact"], row["examples"]),
            percent(row["exact"] / row["examples"], 3),
            interval(row["exact_interval_95"], 3),
            part(row["refusals_exact"], row["refusals"]) if row["refusals"] else "–",
        )
        for name, row in named
    ]
    everything = report["all"]
    valid = part(everything["valid"], everything["examples"])
    note = (
        f"Valid answers: {valid}. 95 % interval of all refusals: "
        f"{interval(everything['refusals_interval_95'], 3)}. ({origin(report)}.)"
    )
    return table(("strategy", "exact", "rate", "95 % interval", "refusals exact"), rows, note)
