"""How good the lenient adapter is, and what it costs.

In: its evaluation, the benchmark of the dialect, and what leaving kinds out of training did. Out:
a table of each.
"""

from benchmarks.tables.markdown import code, interval, origin, part, percent, table
from benchmarks.tables.records import Records

__all__ = [
    "lenient_adds",
    "lenient_classes",
    "lenient_confidence",
    "lenient_cost",
    "lenient_examples",
    "lenient_kinds",
    "lenient_left_out",
]

_READERS = ("grounded", "schema", "free", "draft", "parser")
_CLASSES = {
    "N": "N: a rule normalises it",
    "M": "M: the model must understand it",
    "R": "R: must be refused",
}


def lenient_examples(records: Records) -> str:
    """Ten texts and their answers, whatever they are."""
    report = records.result("lenient")
    rows = [
        (code(row["text"]), code(row["answer"]), f"{row['confidence']:.3f}")
        for row in report["examples"]
    ]
    return table(("text", "answer", "confidence"), rows, f"({origin(report)}.)", left=2)


def lenient_kinds(records: Records) -> str:
    """Exact match by kind of writing, a column for each reader of the same texts."""
    evaluation = records.adapter("lenient", "evaluation")
    arms = evaluation["arms"]
    rows = []
    for kind, row in arms["grounded"]["kinds"].items():
        rates = [percent(arms[reader]["kinds"][kind]["rate"], 1) for reader in _READERS]
        rows.append((kind, row["class"], row["examples"], *rates))
    free = {row["examples"] for row in arms["free"]["kinds"].values()}
    schema = {row["examples"] for row in arms["schema"]["kinds"].values()}
    note = (
        f"Under the schema {'/'.join(map(str, sorted(schema)))} of each are read, freely "
        f"{'/'.join(map(str, sorted(free)))}. ({origin(evaluation)}.)"
    )
    return table(("kind", "class", "texts", *_READERS), rows, note)


def lenient_classes(records: Records) -> str:
    """Exact match by class, of strict instructions, and how often operands were swapped."""
    evaluation = records.adapter("lenient", "evaluation")
    grounded = evaluation["arms"]["grounded"]
    named = [(text, grounded["classes"][name]) for name, text in _CLASSES.items()]
    named.append(("strict instructions", evaluation["strict"]))
    rows = [
        (name, part(r["exact"], r["examples"]), percent(r["rate"]), interval(r["interval_95"]))
        for name, r in named
    ]
    swaps = grounded["swaps"]
    note = (
        f"Silent operand swaps: {part(swaps['count'], swaps['of'])} answers. Mean passes: "
        f"{evaluation['mean_passes']:.2f}. ({origin(evaluation)}.)"
    )
    return table(("class", "exact", "exact match", "95 % interval"), rows, note)


def lenient_adds(records: Records) -> str:
    """What the model adds: the same texts read with less and less of it, and whole families."""
    evaluation = records.adapter("lenient", "evaluation")
    arms, families = evaluation["arms"], evaluation["families"]
    named = {
        "rules alone: the draft, no model": "draft",
        "bare base, eight examples in the prompt, closed language": "base",
        "adapter, schema": "schema",
        "adapter, closed language": "grounded",
    }
    rows = []
    for label, name in named.items():
        own = arms[name]["classes"]
        held_out = families.get(name)
        rows.append(
            (
                label,
                *(percent(own[one]["rate"]) for one in ("M", "R")),
                percent(held_out["meant"]["rate"]) if held_out else "",
                percent(held_out["faults"]["rate"]) if held_out else "",
            )
        )
    base = sum(row["examples"] for row in arms["base"]["classes"].values())
    schema = sum(row["examples"] for row in arms["schema"]["classes"].values())
    sure = evaluation["sure_and_wrong"]
    note = (
        f"The bare base read {base:,} of the texts, the adapter under the schema {schema:,}. Wrong "
        f"instructions with a confidence of at least {sure['threshold']}: {sure['count']} of "
        f"{sure['of']:,} texts. "
        f"({origin(evaluation)}.)"
    )
    head = (
        "reader", "M", "R", "families never seen: instructions", "their faults refused",
    )  # fmt: skip
    return table(head, rows, note)


def lenient_confidence(records: Records) -> str:
    """What refusing below a confidence buys."""
    evaluation = records.adapter("lenient", "evaluation")
    rows = [
        (
            f"{row['threshold']:g}",
            percent(row["coverage"], 1),
            percent(row["right"]),
            part(row["wrong"], row["given"]),
        )
        for row in evaluation["risk_and_coverage"]
    ]
    head = ("min_confidence", "coverage", "right among the answers", "wrong")
    return table(head, rows, f"({origin(evaluation)}.)")


def lenient_left_out(records: Records) -> str:
    """What a kind that training never showed is worth."""
    report = records.adapter("lenient", "leave_one_out")
    runs = report["without"]
    rows = []
    for kind in report["arguments"]["kinds"]:
        without, with_it = runs[kind][kind], runs["nothing"][kind]
        rates = (percent(without["rate"], 1), percent(with_it["rate"], 1))
        draft = report.get("draft", {}).get(kind)
        alone = "" if draft is None else percent(draft["rate"], 1)
        rows.append((kind, without["examples"], alone, *rates))
    samples = report["arguments"]["samples"]
    note = f"Trainings of {samples:,} examples each from the strict adapter. ({origin(report)}.)"
    head = ("kind", "texts", "draft alone", "trained without it", "trained with it")
    return table(head, rows, note)


def lenient_cost(records: Records) -> str:
    """What a second adapter costs in memory and time."""
    report = records.result("lenient")
    memory, switching = report["memory"], report["switching"]
    rows = [
        ("memory, one adapter", f"{memory['one_adapter_mib']:,.0f} MiB"),
        (
            "memory, both adapters on one base",
            f"{memory['both_adapters_mib']:,.0f} MiB, {memory['ratio']:.2f} times",
        ),
        ("one decode", f"{switching['decode_ms']:.0f} ms"),
        ("one decode right after a switch", f"{switching['decode_after_a_switch_ms']:.0f} ms"),
        ("a switch alone", f"{switching['switch_ms']:.0f} ms"),
    ]
    return table(("what", "cost"), rows, f"({origin(report)}.)")
