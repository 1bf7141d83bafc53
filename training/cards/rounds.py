"""The training part of a model card: what each round of training was.

In: ``training.json`` of :mod:`training.train_decode` or :mod:`training.average`, which holds the
records of earlier rounds. Out: Markdown. No number is typed by hand.
"""

from typing import Any

__all__ = ["mean_text", "rounds_text"]


def rounds_text(training: dict[str, Any]) -> str:
    """All rounds, the oldest first: recipe, losses, and what the weights were averaged with."""
    stages = [_recipe(stage) + _log(stage) + mean_text(stage) for stage in _stages(training)]
    return "\n".join([_TRAINING, *stages])


def _stages(training: dict[str, Any]) -> list[dict[str, Any]]:
    previous = training.get("previous")
    return [*(_stages(previous) if previous else ()), training]


def _recipe(training: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in training["versions"].items())
    rows = {
        "started from": training["started_from"] or "the base model",
        **{name.replace("_", " "): value for name, value in training["recipe"].items()},
        "seed": training["seed"],
        "data": f"{training['data']}, SHA-256 `{training['data_sha256']}`",
        **_origin(training),
        "training samples": training["training_samples"],
        **_kept(training),
        "of the file, skipped": training["skipped_samples"],
        "texts near disagreements": _extra(training),
        "time": f"{training['minutes']} minutes on {training['device']}, {training['dtype']} base",
        "versions": f"Python {training['python']}, {versions}",
    }
    lines = [f"### {training['preset']}", "", "| what | value |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join([*lines, "", ""])


def _origin(training: dict[str, Any]) -> dict[str, str]:
    """What made the data, where the record says so."""
    origin = training.get("data_origin")
    if not origin:
        return {}
    return {"data made by": f"`{origin['command']}` at {origin['commit'] or 'no known commit'}"}


def _kept(training: dict[str, Any]) -> dict[str, Any]:
    """How far the weights had come that were kept, where the record says so."""
    return {"kept weights had seen": training[key]} if (key := "kept_samples") in training else {}


def _extra(training: dict[str, Any]) -> str:
    if not training.get("extra"):
        return "none"
    digest = training["extra_sha256"]
    return f"{training['extra_samples']}, near {training['extra']}, SHA-256 `{digest}`"


def mean_text(training: dict[str, Any]) -> str:
    """What a stage's weights were averaged with, from the record; nothing where they were not."""
    rows = [_part_of_mean(row) for row in training.get("mean_of", ())]
    lead = "Then its weights gave way to the mean (`python -m training.average`) of:"
    return "\n".join(["", lead, "", *rows, ""]) if rows else ""


def _part_of_mean(row: dict[str, Any]) -> str:
    text = f"- {row['adapter']}, SHA-256 `{row['sha256']}`"
    if "data" not in row:
        return text
    return (
        f"{text}: its last round was `{row['preset']}` from {row['started_from']}, seed "
        f"{row['seed']}, {row['training_samples']} examples of `{row['data']}` (SHA-256 "
        f"`{row['data_sha256'][:12]}…`), {row['minutes']} minutes"
    )


def _log(training: dict[str, Any]) -> str:
    lines = [
        "| step | epoch | training loss | evaluation loss | exact match |",
        "|---|---|---|---|---|",
    ]
    for row in training["log"]:
        lines.append(
            f"| {row['step']} | {row['epoch']:.2f} | {row['training_loss']:.4f} "
            f"| {row['evaluation_loss']:.4f} | {row['exact_match']:.2%} |"
        )
    return "\n".join([*lines, ""])


_TRAINING = """## Training

All seven projections, loss on the answer alone. The data are made by
`python -m training.generate_cpu_data`; the same commit and arguments give the same bytes, whose
SHA-256 is below. Exact match in the logs is teacher-forced, on a few hundred pairs of the same
file that the stage is not trained on; where a stage says "unconstrained" below 1, its losses and
exact matches are over what grounded decoding allows. The results further down, on fresh
instructions, are what counts.
"""
