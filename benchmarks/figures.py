"""Pictures of the results.

In: a report as a dictionary. Out: a PNG.
"""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

__all__ = ["draw_comparison", "draw_kinds", "draw_reliability", "draw_risk"]

_OURS, _OTHERS, _MODEL_FREE = "#0b6e4f", "#8d99ae", "#d9d9d9"


def draw_comparison(report: dict[str, Any], path: Path) -> None:
    """Latency alone, throughput in batches, and exact match by set, for every arm."""
    plain = next(iter(report["sets"].values()))
    names = [name for name in report["alone"]["arms"] if name in plain]
    colours = [_colour(name) for name in names]
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(14, 4.2), sharey=True)
    alone = [report["alone"]["arms"][name]["p50_ms"] for name in names]
    _bars(left, names, alone, colours, "one instruction alone: median latency, ms (log)")
    left.axvline(report["alone"]["bare_forward_p50_ms"], color="black", linestyle=":", linewidth=1)
    batch = [plain[name]["instructions_per_second"] for name in names]
    _bars(middle, names, batch, colours, f"batches of {report['batch_size']}: instructions/s (log)")
    sets = list(report["sets"])
    height = 0.8 / len(sets)
    for number, one in enumerate(sets):
        right.barh(
            [place + number * height - 0.4 + height / 2 for place in range(len(names))],
            [100 * report["sets"][one][name]["exact_match"] for name in names],
            height=height,
            label=one,
        )
    right.set_xlabel("exact match, %")
    right.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    left.invert_yaxis()
    figure.suptitle(
        "the same weights, decoded in different ways "
        "(dotted: one bare forward pass over prompt and whole answer)",
        fontsize=10,
    )
    _save(figure, path)


def draw_reliability(report: dict[str, Any], path: Path) -> None:
    """How often answers of a confidence are right, and how many there are of each."""
    bins = [row for row in report["bins"] if row["examples"]]
    figure, (upper, lower) = pyplot.subplots(
        2, 1, figsize=(5, 6), sharex=True, height_ratios=(3, 1)
    )
    upper.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1)
    rates = [row["exact_match"] for row in bins]
    low = [rate - row["interval_95"][0] for rate, row in zip(rates, bins, strict=True)]
    high = [row["interval_95"][1] - rate for rate, row in zip(rates, bins, strict=True)]
    means = [row["mean_confidence"] for row in bins]
    upper.errorbar(means, rates, yerr=[low, high], fmt="o-", color=_OURS, capsize=3)
    upper.set_ylabel("exact match (95 % interval)")
    upper.set_title(
        f"expected calibration error {report['expected_calibration_error']:.4f}, "
        f"{report['examples']} hard inputs",
        fontsize=10,
    )
    lower.bar(means, [row["examples"] for row in bins], width=0.03, color=_OTHERS)
    lower.set_yscale("log")
    lower.set_xlabel("confidence")
    lower.set_ylabel("inputs")
    _save(figure, path)


def draw_kinds(evaluation: dict[str, Any], path: Path) -> None:
    """Exact match of every kind of lenient writing, a bar for each reader."""
    colours = {
        "grounded": _OURS,
        "schema": "#74b49b",
        "free": _OTHERS,
        "draft": "#b08968",
        "parser": _MODEL_FREE,
    }
    arms = {name: evaluation["arms"][name] for name in colours if name in evaluation["arms"]}
    kinds = list(arms["grounded"]["kinds"])
    figure, axes = pyplot.subplots(figsize=(8, 0.32 * len(kinds) + 1.2))
    height = 0.84 / len(arms)
    for number, (name, arm) in enumerate(arms.items()):
        rates = [100 * arm["kinds"].get(kind, {"rate": 0.0})["rate"] for kind in kinds]
        places = [place + number * height - 0.42 + height / 2 for place in range(len(kinds))]
        axes.barh(places, rates, height=height, color=colours[name], label=name)
    labels = [f"{kind} ({arms['grounded']['kinds'][kind]['class']})" for kind in kinds]
    axes.set_yticks(range(len(kinds)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("exact match, %, on texts whose phrases were held out from training")
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    _save(figure, path)


def draw_risk(evaluation: dict[str, Any], path: Path) -> None:
    """What refusing below a confidence buys: wrong answers against coverage."""
    rows = evaluation["risk_and_coverage"]
    figure, axes = pyplot.subplots(figsize=(6, 4))
    coverage = [100 * row["coverage"] for row in rows]
    risk = [100 * (1 - row["right"]) for row in rows]
    axes.plot(coverage, risk, "o-", color=_OURS)
    for row, x, y in zip(rows, coverage, risk, strict=True):
        axes.annotate(
            f"{row['threshold']:g}", (x, y), fontsize=8, xytext=(4, 4), textcoords="offset points"
        )
    axes.axhline(0.1, color="black", linestyle=":", linewidth=1)
    axes.set_xlabel("coverage: texts with a meaning that are answered, %")
    axes.set_ylabel("wrong among the answers, % (dotted: 0.1)")
    axes.set_title("by min_confidence", fontsize=10)
    _save(figure, path)


def _bars(axes: Any, names: list[str], values: list[float], colours: list[str], label: str) -> None:
    places = range(len(names))
    axes.barh(places, values, color=colours)
    axes.set_yticks(places, names)
    axes.set_xscale("log")
    axes.set_xlabel(label)
    for place, value in zip(places, values, strict=True):
        axes.text(value, place, f" {_short(value)}", va="center", fontsize=8)
    axes.set_xlim(min(values) / 2, max(values) * 6)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _colour(name: str) -> str:
    if name == "parser alone":
        return _MODEL_FREE
    return _OURS if name.startswith("one pass") else _OTHERS


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=120, metadata={"Software": None})
    pyplot.close(figure)
