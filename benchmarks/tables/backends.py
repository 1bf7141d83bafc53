"""What computes: load, speed, memory and agreement of every backend and precision.

In: the reports of backends and of stepwise. Out: a table for each dialect, and one for both.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.tables.markdown import origin, short, table
from benchmarks.tables.records import Records

__all__ = ["backends", "backends_lenient", "stepwise"]


def backends(records: Records) -> str:
    """Every way on strict texts."""
    return _ways(records.result("backends"), "strict")


def backends_lenient(records: Records) -> str:
    """Every way on lenient texts."""
    return _ways(records.result("backends"), "lenient")


def stepwise(records: Records) -> str:
    """One pass beside one token at a time, by dialect."""
    report = records.result("stepwise")
    rows = [
        (
            dialect,
            f"{own['texts']:,}",
            f"{own['same']:,}",
            f"{_sureness(own['differences']):.2f}" if own["differences"] else "-",
        )
        for dialect, own in report["dialects"].items()
    ]
    head = ("dialect", "texts", "same operation", "surest that differs")
    return table(head, rows, f"({origin(report)}; {report['provenance']['processor']}.)")


def _sureness(differences: Sequence[Mapping[str, Any]]) -> float:
    """The largest confidence of an answer that differs, in either way."""
    keys = ("confidence", "reference_confidence")
    return max(float(one[key]) for one in differences for key in keys)


def _ways(report: dict[str, Any], dialect: str) -> str:
    rows = []
    unmerged = next(name for name in report["speed"][dialect] if name.endswith("unmerged"))
    before = report["speed"][dialect][unmerged]["batched_bare_per_second"]
    for name, own in report["speed"][dialect].items():
        alone, same = report["processes"].get(name), report["agreement"].get(dialect, {}).get(name)
        rows.append(
            (
                name,
                alone["load_s"] if alone else "",
                short(own["alone_p50_ms"]),
                f"{own['alone_times_its_bare_pass']:.2f}",
                f"{own['alone_times_faster_than_torch_float32']:.2f}",
                short(own["batched_per_second"]),
                f"{own['batched_times_its_bare_pass']:.2f}",
                f"{own['batched_per_second'] / before:.1f}",
                f"{alone['resident_mib']:,.0f}" if alone else "",
                f"{alone['both_dialects_times_one']:.2f}" if alone else "",
                f"{same['same_operation']:,} of {same['texts']:,}" if same else "",
            )
        )
    head = (
        "way", "load, s", "alone, ms", "× its bare pass", "× torch float32",
        f"batches of {report['batch_size']}, per s", "× its bare passes",
        "× unmerged bare passes", "resident, MiB", "both dialects, × one",
        "same operation as torch float32",
    )  # fmt: skip
    return table(head, rows, f"({origin(report)}; {report['provenance']['processor']}.)")
