"""The command ``isa train``: from a set to an adapter that decodes it.

In: a set and a folder to be. Out: the adapter, and beside it a folder with the texts it was trained
on and checkpoints. The same code as ``python -m training.train_decode``.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from kvrm_grammar.cli.failures import failures
from kvrm_grammar.cli.isa.makers import run_maker
from kvrm_grammar.cli.isa.options import Refusals, Seed, SetSource, named_set
from kvrm_grammar.cli.options import Base, Verbose
from kvrm_grammar.cli.output import destination

__all__ = ["train", "work_folder"]

Count = Annotated[int, typer.Option(min=1, help="Texts to draw, if no --data is given.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Train on this file of training.generate_cpu_data, instead of drawing."),
]
Preset = Annotated[str | None, typer.Option(help="How to train (default: what suits the machine).")]
StartFrom = Annotated[Path | None, typer.Option(help="Adapter folder to go on from.")]
Epochs = Annotated[float | None, typer.Option(help="Passes over the texts.")]
BatchSize = Annotated[int | None, typer.Option(min=1, help="Texts in a step.")]
MaxSamples = Annotated[int | None, typer.Option(min=1, help="Texts to train on at most.")]
EvaluationSteps = Annotated[int | None, typer.Option(min=1, help="Steps between evaluations.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads (default: all).")]


def train(
    source: SetSource,
    output: Annotated[Path, typer.Option(help="Folder of the adapter to be made.")],
    count: Count = 20_000,
    refusals: Refusals = 0.4,
    data: Data = None,
    seed: Seed = 1,
    preset: Preset = None,
    base: Base = None,
    start_from: StartFrom = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    max_samples: MaxSamples = None,
    evaluation_steps: EvaluationSteps = None,
    threads: Threads = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint.")
    ] = False,
    verbose: Verbose = 0,
) -> None:
    """Draw texts and train an adapter: hours on two cores, minutes on a GPU."""
    with failures(verbose):
        isa = named_set(source)
        work = work_folder(output)
        if data is None:
            data = work / "data.jsonl"
            drawn = ["--count", count, "--refusals", refusals, "--seed", seed]
            run_maker("generate_cpu_data", ["--isa", isa.source, "--output", data, *drawn])
        given = {
            "--preset": preset,
            "--base": base,
            "--start-from": start_from,
            "--epochs": epochs,
            "--batch-size": batch_size,
            "--max-samples": max_samples,
            "--evaluation-steps": evaluation_steps,
            "--threads": threads,
        }
        options = [x for pair in given.items() if pair[1] is not None for x in pair]
        fixed = ["--isa", isa.source, "--data", data, "--output", output, "--seed", seed]
        resumed = ["--resume"] if resume else []
        run_maker("train_decode", [*fixed, "--checkpoints", work, *options, *resumed])
        with destination(None) as writer:
            writer.line(json.dumps({"adapter": str(output)}))


def work_folder(output: Path) -> Path:
    """Where the texts and the checkpoints of an adapter's training are."""
    return output.with_name(f"{output.name}-training")
