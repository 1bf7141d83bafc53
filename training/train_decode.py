"""Trains a LoRA adapter that decodes instructions.

In: JSON Lines of :mod:`training.generate_cpu_data` and a base model. Out: an adapter
folder (bfloat16 safetensors, ``adapter_config.json``, ``training.json``), below ``runs`` unless
another is named. Checkpoints let ``--resume`` continue an interrupted run to the same result.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from kvrm_grammar.dialects import DIALECTS, find_dialect
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import load_set
from kvrm_grammar.weights.manifest import read_manifest
from training.arguments import integer_from, positive_integer, positive_number, share
from training.defaults import training_data
from training.fitting.recipes import PRESETS, TWO_STAGES
from training.fitting.training import checkpoints_of, resume_point, train

__all__ = ["build_parser", "default_preset", "main", "parse_arguments"]

_OVERRIDES = (
    "epochs",
    "batch_size",
    "max_samples",
    "mined",
    "mined_repeats",
    "wrong_repeats",
    "evaluation_steps",
    "minutes",
    "learning_rate",
    "opcode_only",
    "mined_whole",
)


def default_preset(dialect: str) -> str:
    """The preset that suits this machine: the report's on a GPU, else one for two cores."""
    if torch.cuda.is_available():
        return "report"
    return "cpu-lenient" if dialect == "lenient" else TWO_STAGES


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--dialect", choices=sorted(DIALECTS), default="strict", help="what the data are"
    )
    parser.add_argument("--isa", help="instruction set: a name, or a folder with a slash in it")
    parser.add_argument("--data", type=Path, help="default: by set and dialect, below data/")
    parser.add_argument(
        "--output",
        type=Path,
        help="default: runs/<dialect> or runs/<set>-<dialect>",
    )
    parser.add_argument(
        "--checkpoints", type=Path, help="default: runs/<name of the output>-checkpoints"
    )
    parser.add_argument("--base", help="folder, hub name, or nothing for the packaged base")
    parser.add_argument(
        "--preset",
        choices=sorted([*PRESETS, TWO_STAGES]),
        help="default: report on a GPU; else cpu, for the lenient dialect cpu-lenient",
    )
    parser.add_argument("--start-from", type=Path, help="adapter folder to go on from")
    parser.add_argument(
        # Below 0 it would train on what it is evaluated on.
        "--skip-samples", type=integer_from(0), default=0, help="leave out the first ones"
    )  # fmt: skip
    parser.add_argument(
        "--extra", type=Path, help="JSON Lines of disagreements: train on texts near them too"
    )
    parser.add_argument(
        "--extra-samples", type=positive_integer, default=8_000, help="how many such texts"
    )
    parser.add_argument("--epochs", type=positive_number)
    parser.add_argument("--batch-size", type=positive_integer)
    parser.add_argument("--max-samples", type=positive_integer)
    parser.add_argument(
        "--mined", type=positive_integer, help="how many further examples to search for hard ones"
    )
    parser.add_argument(
        "--mined-repeats",
        type=positive_integer,
        help="how often one that is right and unsure comes",
    )
    parser.add_argument(
        "--wrong-repeats", type=positive_integer, help="times as often one that is wrong comes"
    )
    parser.add_argument(
        "--mined-whole",
        action=argparse.BooleanOptionalAction,
        help="search for those whose operands are hard too, and not only the operation",
    )
    parser.add_argument(
        "--opcode-only", type=share, help="how many answers are cut after the operation, 0 to 1"
    )
    parser.add_argument("--learning-rate", type=positive_number)
    parser.add_argument("--evaluation-steps", type=positive_integer)
    parser.add_argument("--minutes", type=positive_number, help="train so long, rate by the clock")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=positive_integer, help="CPU threads; default: all")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    return parser


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Parse, fill in what the dialect and the machine decide, and refuse what makes no sense."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        arguments.isa = load_set(arguments.isa)
        find_dialect(arguments.dialect, arguments.isa)
        before = None if arguments.start_from is None else read_manifest(arguments.start_from)
    except KvrmError as error:
        parser.error(str(error))
    if before is not None and before.dialect not in {"strict", arguments.dialect}:
        parser.error(
            f"{arguments.start_from} is of the {before.dialect} dialect: it goes on with "
            f"--dialect {before.dialect}"
        )
    arguments.data = arguments.data or training_data(arguments.dialect, arguments.isa)
    is_usual = arguments.isa is load_set()
    name = arguments.dialect if is_usual else f"{arguments.isa.name}-{arguments.dialect}"
    arguments.output = arguments.output or Path("runs") / name
    arguments.preset = arguments.preset or default_preset(arguments.dialect)
    mines = arguments.mined or (
        PRESETS[arguments.preset].mined if arguments.preset in PRESETS else 0
    )
    if mines and arguments.start_from is None:
        parser.error(
            "--mined, as in cpu-sharpen, needs --start-from: the adapter whose doubts count"
        )
    if arguments.extra is not None and arguments.dialect != "strict":
        parser.error("--extra is for the strict dialect: its parser says what the new texts mean")
    if arguments.output.exists() and not arguments.output.is_dir():
        parser.error(f"--output {arguments.output} is not a folder")
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = parse_arguments(argv)
    overrides = {
        name: getattr(arguments, name)
        for name in _OVERRIDES
        if getattr(arguments, name) is not None
    }
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    try:
        if arguments.preset == TWO_STAGES:
            _train_in_stages(arguments, overrides)
        else:
            train(arguments, replace(PRESETS[arguments.preset], **overrides))
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _train_in_stages(arguments: argparse.Namespace, overrides: dict[str, Any]) -> None:
    """Run "cpu-start", then "cpu-refine" from where that stopped, in another order."""
    runs = checkpoints_of(arguments)
    start, refine = (replace(PRESETS[name], **overrides) for name in ("cpu-start", "cpu-refine"))
    first = argparse.Namespace(**vars(arguments))
    first.preset, first.output, first.checkpoints = "cpu-start", runs / "start", runs / "stage-1"
    if not (arguments.resume and (first.output / "training.json").is_file()):
        train(first, start)
    second = argparse.Namespace(**vars(arguments))
    second.preset, second.checkpoints = "cpu-refine", runs / "stage-2"
    second.start_from = Path(resume_point(first.checkpoints, resume=True) or first.output)
    second.seed = arguments.seed + 1
    second.skip_samples = (start.stop_step or 0) * start.batch_size
    second.previous = json.loads((first.output / "training.json").read_text("utf-8"))
    train(second, refine)


if __name__ == "__main__":
    sys.exit(main())
