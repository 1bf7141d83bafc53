"""The command ``isa evaluate``: how often an adapter is right on fresh texts of its set.

In: a set and an adapter. Out: rates as one JSON line, and the whole report beside the adapter. The
same code as ``python -m training.evaluate``.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from kvrm_grammar.cli.failures import USAGE, fail, failures
from kvrm_grammar.cli.isa.makers import run_maker
from kvrm_grammar.cli.isa.options import SetSource, named_set
from kvrm_grammar.cli.isa.train import work_folder
from kvrm_grammar.cli.options import Base, Verbose
from kvrm_grammar.cli.output import destination

__all__ = ["evaluate"]

Fresh = Annotated[int, typer.Option(help="Of the texts; not one that training used.")]


def evaluate(
    source: SetSource,
    adapter: Annotated[Path, typer.Option(help="Adapter folder.")],
    count: Annotated[int, typer.Option(min=1, help="Texts to draw.")] = 1_000,
    seed: Fresh = 777_008,
    base: Base = None,
    verbose: Verbose = 0,
) -> None:
    """Decode fresh texts and the set's cases; the report goes beside the adapter."""
    with failures(verbose):
        isa = named_set(source)
        if seed in _seeds(adapter):
            fail(f"--seed {seed} drew what {adapter} was trained on; choose another", USAGE)
        data = work_folder(adapter) / "data.jsonl"
        options = ["--isa", isa.source, "--adapter", adapter, "--count", count, "--seed", seed]
        options += ["--base", base] if base is not None else []
        options += ["--training-data", data] if data.is_file() else []
        run_maker("evaluate", options)
        report = json.loads((adapter / "evaluation.json").read_text("utf-8"))
        results = report["results"]
        row = {
            "examples": results["examples"],
            "validity": results["validity"],
            "exact_match": results["exact_match_with_converted_notations"]["rate"],
            "checks": report["checks"],
        }
        with destination(None) as writer:
            writer.line(json.dumps(row))


def _seeds(adapter: Path) -> set[int]:
    """The seeds of an adapter's training, and of what it went on from."""
    try:
        record: Any = json.loads((adapter / "training.json").read_text("utf-8"))
    except (OSError, ValueError):
        return set()
    seeds = set[int]()
    while isinstance(record, dict):
        if isinstance(record.get("seed"), int):
            seeds.add(record["seed"])
        record = record.get("previous")
    return seeds
