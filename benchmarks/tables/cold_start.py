"""What a new process costs, backend by backend.

In: the report of cold_start. Out: a table.
"""

from typing import Any

from benchmarks.tables.markdown import origin, short, table
from benchmarks.tables.records import Records

__all__ = ["cold_start"]


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


def _processor(report: dict[str, Any]) -> str:
    return str(report["provenance"]["processor"])
