"""What computes: start, speed, memory and agreement of every backend and precision.

In: the reports of cold_start and backends. Out: a table of each.
"""

from benchmarks.tables.markdown import origin, short, table
from benchmarks.tables.records import Records

__all__ = ["agreement", "backends", "cold_start"]


def cold_start(records: Records) -> str:
    """One command in a new process."""
    report = records.result("cold_start")
    rows = [
        (f"`{name}`" if name.startswith("import") else name, row["seconds_p50"],
         short(row["times_the_imports"]))
        for name, row in report["commands"].items()
    ]  # fmt: skip
    note = (
        f"Medians of {report['rounds']} rounds by turns. ({origin(report)}; {_processor(report)}.)"
    )
    return table(("new process", "seconds", "× the imports"), rows, note)


def backends(records: Records) -> str:
    """Load, speed and memory of every way, strict dialect."""
    report = records.result("backends")
    rows = []
    for name, own in report["speed"]["strict"].items():
        alone = report["processes"][name]
        rows.append(
            (
                name,
                alone["load_s"],
                short(own["alone_p50_ms"]),
                short(own["alone_times_its_bare_pass"]),
                short(own["alone_times_faster_than_torch_float32"]),
                short(own["batched_per_second"]),
                f"{alone['resident_mib']:,.0f}",
                alone["both_dialects_times_one"],
            )
        )
    head = (
        "way", "load, s", "alone, ms", "× its bare pass", "× torch float32",
        f"batches of {report['batch_size']}, per s", "resident, MiB", "both dialects, × one",
    )  # fmt: skip
    return table(head, rows, f"({origin(report)}; {_processor(report)}.)")


def agreement(records: Records) -> str:
    """Answers of every way against torch in float32."""
    report = records.result("backends")
    rows = [
        (dialect, name, f"{own['texts']:,}", f"{own['valid']:,}", f"{own['same_operation']:,}")
        for dialect, ways in report["agreement"].items()
        for name, own in ways.items()
    ]
    return table(("dialect", "way", "texts", "valid", "same operation"), rows, left=2)


def _processor(report: dict[str, dict[str, str]]) -> str:
    return report["provenance"]["processor"]
