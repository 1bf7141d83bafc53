"""Random programs, run as the model decodes them and as the reference parser does.

In: the record of ``benchmarks.machine``. Out: a table.
"""

from benchmarks.tables.markdown import origin, part, table
from benchmarks.tables.records import Records

__all__ = ["machine"]


def machine(records: Records) -> str:
    """Instructions that are decoded otherwise, and programs that end otherwise."""
    report = records.result("machine")
    ends = ", ".join(f"{count:,} {how}" for how, count in report["endings"].items())
    rows = [
        (
            "instructions decoded otherwise",
            part(report["instructions_differ"], report["instructions"]),
        ),
        ("programs that end otherwise", part(report["ends_differ"], report["programs"])),
        ("how they end", ends),
    ]
    return table(("programs", f"{report['programs']:,}"), rows, f"({origin(report)}.)")
