"""What stands behind two doors: a server under load, and a batch by several actors.

In: the records of the benchmarks serve and batch. Out: a table of each.
"""

from benchmarks.tables.markdown import origin, table
from benchmarks.tables.records import Records

__all__ = ["batch", "serve"]


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


def batch(records: Records) -> str:
    """Lines by several actors, beside the same lines through ``decode_many``."""
    report = records.result("batch")
    more = report["extrapolated"]
    hours, cpu_hours = more["hours_per_million"], more["cpu_hours_per_million"]
    rows = [
        ("lines", f"{report['rows']:,}"),
        ("actors; killed on the way", f"{report['workers']}; {report['actors_killed']}"),
        ("lost or doubled", report["lost_or_doubled"]),
        ("answers other than `decode_many`'s", report["different"]),
        ("lines a second", f"{report['batch_per_s']:.1f}"),
        ("`decode_many` in one process", f"{report['decode_many_per_s']:.1f}"),
        ("a million lines, extrapolated", f"{hours:.1f} hours, {cpu_hours:.1f} of a processor"),
    ]
    return table(("batch", ""), rows, f"({origin(report)}.)")
