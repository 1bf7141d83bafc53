"""What stands behind the doors of the package: a server under load.

In: the record of the benchmark. Out: a table.
"""

from benchmarks.tables.markdown import origin, table
from benchmarks.tables.records import Records

__all__ = ["serve"]


def serve(records: Records) -> str:
    """Requests of many clients at once, beside the same texts through ``decode_many``."""
    report = records.result("serve")
    latency, memory = report["latency_ms"], report["memory_mib"]
    rows = [
        ("requests, of which bad", f"{report['requests']:,}, {report['bad_requests']:,}"),
        ("clients", report["clients"]),
        ("lost, crossed, unexplained", ", ".join(
            str(report[name]) for name in ("lost", "crossed", "unexplained"))),
        ("answers other than `decode_many`'s", report["different"]),
        ("requests a second", f"{report['requests_per_second']:.1f}"),
        ("throughput, × `decode_many`", report["throughput_ratio"]),
        ("the same by processor time", report["processor_ratio"]),
        ("latency, ms: p50, p99", f"{latency['p50']:,.0f}, {latency['p99']:,.0f}"),
        ("resident MiB idle, after the first and after the last thousand", (
            f"{memory['idle']:,.0f}, {memory['first_thousand']:,.0f}, "
            f"{memory['last_thousand']:,.0f}")),
        ("seconds until healthy", report["start_to_healthy_seconds"]),
    ]  # fmt: skip
    return table(("under load", ""), rows, f"({origin(report)}.)")
