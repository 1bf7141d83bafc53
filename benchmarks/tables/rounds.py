"""How the shipped adapters were trained, round by round.

In: ``training.json`` beside each. Out: a table for each dialect; the lenient one begins where the
strict one ends.
"""

from collections.abc import Sequence
from typing import Any

from benchmarks.tables.markdown import table
from benchmarks.tables.records import Records

__all__ = ["rounds_lenient", "rounds_strict"]


def rounds_strict(records: Records) -> str:
    """The rounds of the strict adapter."""
    return _table(_stages(records.adapter("strict", "training")))


def rounds_lenient(records: Records) -> str:
    """The rounds of the lenient adapter after those that it has in common with the strict one."""
    strict = _stages(records.adapter("strict", "training"))
    lenient = _stages(records.adapter("lenient", "training"))
    shared = [_identity(a) == _identity(b) for a, b in zip(strict, lenient, strict=False)]
    return _table(lenient[[*shared, False].index(False) :])


def _identity(stage: dict[str, Any]) -> tuple[object, ...]:
    return stage["preset"], stage["seed"], stage.get("data_sha256"), stage["training_samples"]


def _stages(training: dict[str, Any]) -> list[dict[str, Any]]:
    """The record of each round, first to last; each holds the one before."""
    stages = [training]
    while previous := stages[0].get("previous"):
        stages.insert(0, previous)
    return stages


def _table(stages: Sequence[dict[str, Any]]) -> str:
    rows: list[tuple[object, ...]] = []
    number = 0
    told: list[int] = []
    for stage in stages:
        parts = stage.get("mean_of", ())
        # Rounds side by side: a mean's parts tell what no history holds.
        beside = [p for p in parts if p.get("seed") not in {None, stage["seed"], *told}]
        for one in (*beside, stage):
            number += 1
            told.append(one["seed"])
            rows.append((number, *_cells(one)))
        if parts:
            rows.append(("", f"mean of {len(parts)} adapters", "", "", "", ""))
    head = ("round", "preset", "seed", "looked at", "examples", "minutes")
    return table(head, rows, left=2)


def _cells(one: dict[str, Any]) -> tuple[object, ...]:
    mined = one["recipe"].get("mined") or 0
    return (
        f"`{one['preset']}`",
        one["seed"],
        f"{mined:,}" if mined else "–",
        f"{one['training_samples']:,}",
        one["minutes"],
    )
