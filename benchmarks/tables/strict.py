"""How good the strict adapter is.

In: its evaluation, and the calibration. Out: tables of both.
"""

from benchmarks.tables.markdown import interval, origin, part, percent, table
from benchmarks.tables.records import Records

__all__ = ["calibration", "strict_kinds"]

_KINDS = {
    "register": "registers only",
    "decimal": "decimal numbers",
    "label": "labels",
    "no_operand": "no operands",
    "near_miss": "edited, but still valid",
    "refusal": "refusals, most of them one edit from valid",
}
_CONVERTED = {
    "hexadecimal": "hexadecimal",
    "binary": "binary",
    "octal": "octal",
    "character": "character literals",
}
"""Notations that somebody must convert; grounding does."""

_SURE = 0.95


def strict_kinds(records: Records) -> str:
    """Exact match by kind of instruction, and of all kinds."""
    evaluation = records.adapter("strict", "evaluation")
    results = evaluation["results"]
    found = results["categories"]
    rows = [(name, found[kind]) for kind, name in _KINDS.items()]
    rows.append(("**all of these**", results["exact_match"]))
    rows += [(name, found[kind]) for kind, name in _CONVERTED.items()]
    rows.append(("**everything**", results["exact_match_with_converted_notations"]))
    unseen, valid = results["exact_match_unseen_texts"], results["validity"]
    unseen_text = part(unseen["exact"], unseen["examples"]) if unseen else "not known"
    checks = [
        f"{name} checks {one['passed']} of {one['total']}"
        for name, one in evaluation["checks"].items()
    ]
    note = (
        f"Valid answers: {percent(valid)}. Texts that are not in the training file: "
        f"{unseen_text}. `OP_INVALID`: precision "
        f"{percent(results['refusal_precision'])}, recall {percent(results['refusal_recall'])}. "
        f"{', '.join(checks).capitalize()}. ({origin(evaluation)}.)"
    )
    head = ("what", "exact", "exact match", "95 % interval")
    return table(
        head,
        (
            (name, part(r["exact"], r["examples"]), percent(r["rate"]), interval(r["interval_95"]))
            for name, r in rows
        ),
        note,
    )


def calibration(records: Records) -> str:
    """How often answers of a confidence are right."""
    report = records.result("calibration")
    rows = [
        (
            f"{row['from']:g} – {row['to']:g}",
            f"{row['mean_confidence']:.3f}",
            part(row["right"], row["examples"]),
            interval(row["interval_95"]),
        )
        for row in report["bins"]
        if row["examples"]
    ]
    sure = [row for row in report["bins"] if row["from"] >= _SURE]
    right, given = (sum(row[name] for row in sure) for name in ("right", "examples"))
    note = (
        f"{report['examples']:,} hard inputs, {report['errors']} wrong; expected calibration error "
        f"{report['expected_calibration_error']:.3f}. Above {_SURE:g}: {part(right, given)} right. "
        f"({origin(report)}.)"
    )
    return table(("confidence", "mean", "right", "95 % interval"), rows, note)
