"""How fast decoding is, beside other ways to decode and beside its own parts.

In: the reports of constrained_vs_free, parts, stream and attack. Out: a table of each.
"""

from typing import Any

from benchmarks.tables.markdown import origin, part, percent, short, table
from benchmarks.tables.records import Records

__all__ = ["attack", "index", "lines", "literals", "sets", "stream", "ways", "ways_lenient"]

_NONE = "–"


def ways(records: Records) -> str:
    """Every way to decode strict texts."""
    return _ways(records.result("constrained_vs_free"))


def ways_lenient(records: Records) -> str:
    """Every way to decode lenient texts."""
    return _ways(records.result("constrained_vs_free_lenient"))


def _ways(report: dict[str, Any]) -> str:
    sets, alone = report["sets"], report["alone"]
    plain = next(iter(sets.values()))
    rows = []
    for name in sorted(alone["arms"], key=lambda name: name == "parser alone"):
        one, many = alone["arms"][name], plain.get(name)
        speeds = (short(one["p50_ms"]), short(one["times_faster_than_free"]))
        batches: tuple[str, ...] = (_NONE, _NONE)
        if many:
            per_second, times = many["instructions_per_second"], many["times_faster_than_free"]
            batches = (short(per_second), short(times))
        exact = [percent(s[name]["exact_match"], 1) if name in s else _NONE for s in sets.values()]
        valid = [s[name]["validity"] for s in sets.values() if name in s]
        least = percent(min(valid), 1) if valid else _NONE
        rows.append((name, *speeds, *batches, *exact, least))
    head = ("way to decode", "alone, ms", "× free", f"batches of {report['batch_size']}, per s",
            "× free", *(f"exact, {name}" for name in sets), "valid, at least")  # fmt: skip
    differing = len(report["differing_answers"])
    note = (
        f"{alone['texts']} inputs alone, {plain['free']['examples']} of each set in batches. "
        f"Answers that differ between the ways under the schema: {differing}. A bare forward pass "
        f"over prompt and whole answer takes {alone['bare_forward_p50_ms']:.0f} ms; "
        "one pass, grounded, "
        f"{alone['arms']['one pass, grounded']['times_the_bare_forward_pass']:.2f} times that. "
        f"({origin(report)}.)"
    )
    return table(head, rows, note)


def literals(records: Records) -> str:
    """Numbers that are not decimal, with and without grounding."""
    rows = []
    for dialect, name in (
        ("strict", "constrained_vs_free"),
        ("lenient", "constrained_vs_free_lenient"),
    ):
        found = records.result(name)["literals"]
        exact = [part(found[c]["exact"], found[c]["examples"]) for c in ("schema", "grounded")]
        rows.append((dialect, *exact, found["grounded"]["forced"]))
    return table(("dialect", "schema", "grounded", "grounding left one answer"), rows)


def index(records: Records) -> str:
    """What is done once, and what is done for each instruction beside the model."""
    report = records.result("parts")
    rows = []
    for name, one in report["vocabularies"].items():
        built, per = one["index"], one["instructions"]
        rows.append(
            (
                f"{name}, {one['vocabulary']:,} entries",
                f"{built['cold_ms']:,.0f} ms",
                f"{built['cold_times_outlines']:.2f}",
                f"{built['warm_ms']:.0f} ms",
                f"{per['grounding_ms']:.2f} ms",
                f"{per['draft_ms']:.2f} ms",
                f"{per['prompt_ms']:.2f} ms",
                *(f"{own['batched_ms']:.2f} ms" for own in one["python"].values()),
            )
        )
    head = ("vocabulary", "index compiled", "× Outlines' own build", "fetched from disk",
            "grounding", "draft", "prompt", "all Python, strict", "lenient")  # fmt: skip
    return table(head, rows, f"({origin(report)}.)")


def lines(records: Records) -> str:
    """How long the reference parser takes for long lines."""
    report = records.result("parts")
    sizes = ("10000", "100000", "1000000")
    rows = [
        (name, *(f"{row[f'{size}_ms']:.2f}" for size in sizes))
        for name, row in report["grammar"].items()
    ]
    head = ("a line of", *(f"{int(size):,} characters, ms" for size in sizes))
    return table(head, rows, f"({origin(report)}.)")


def stream(records: Records) -> str:
    """A long stream: its speed, its memory, and whether anything was lost."""
    report = records.result("stream")
    rows = [
        (f"{row['lines']:,}", f"{row['seconds']:.1f}", f"{row['resident_mib']:,.0f}")
        for row in report["progress"]
    ]
    speed = report["lines"] / report["progress"][-1]["seconds"]
    order = "in order" if report["in_order"] else "**out of order**"
    note = (
        f"{report['lines']:,} lines, answers {order}, {report['lines_with_an_error']} unreadable "
        f"lines, {report['errors_on_the_wrong_line']} errors on a wrong line, {speed:.0f} lines a "
        f"second. ({origin(report)}.)"
    )
    return table(("lines", "seconds", "resident, MiB"), rows, note)


def sets(records: Records) -> str:
    """One decode of each set, by the tokens that it reads."""
    report = records.result("sets")
    rows = [
        (
            name,
            short(one["p50_ms"]),
            short(one["tokens"]),
            f"{one['us_a_token']:,.0f}",
            f"{one['times_the_first']:.2f}",
            f"{one['passes']:.3f}",
        )
        for name, one in report["sets"].items()
    ]
    head = ("set", "alone, ms", "tokens read", "µs a token", "× the first", "passes")
    return table(
        head, rows, f"(Median of the texts; tokens and passes on average; {origin(report)}.)"
    )


def attack(records: Records) -> str:
    """Answers and typed errors under scores that no model would give."""
    report = records.result("attack")
    counted = ("sequences", "answers", "typed_errors")
    named = list(report["strategies"].items())
    named.append(("**all**", {c: sum(row.get(c, 0) for _, row in named) for c in counted}))
    rows = [(name, *(f"{row.get(c, 0):,}" for c in counted)) for name, row in named]
    minutes = report["seconds"] / 60
    note = f"Invalid answers: {report['invalid']}. ({minutes:.0f} minutes, {origin(report)}.)"
    return table(("scores", "sequences", "answers", "typed errors"), rows, note)
