"""What the benchmarks' commands have in common: options, and where results go.

In: a report as a dictionary. Out: JSON in benchmarks/results, and a line that names the file.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openvino

from kvrm_grammar.weights.export.precision import has_bfloat16
from training.arguments import positive_integer

__all__ = ["RESULTS", "adapter_parser", "add_isa", "precisions_here", "write_report"]

RESULTS = Path("benchmarks/results")


def adapter_parser(
    description: str | None, *, count: int, seed: int, output: Path
) -> argparse.ArgumentParser:
    """Options of a command that decodes generated inputs with an adapter."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--adapter", type=Path, help="default: the packaged one of the set")
    add_isa(parser)
    parser.add_argument("--count", type=positive_integer, default=count)
    parser.add_argument("--batch-size", type=positive_integer, default=16)
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--output", type=Path, default=output)
    return parser


def add_isa(parser: argparse.ArgumentParser) -> None:
    """The option that names an instruction set."""
    parser.add_argument(
        "--isa", metavar="NAME_OR_FOLDER", help="instruction set (default: the adapter's)"
    )


def precisions_here(names: Iterable[str]) -> list[str]:
    """Those precisions that OpenVINO computes in on this processor; says what is left out."""
    wanted = [*names]
    if "bfloat16" not in wanted or has_bfloat16(openvino.Core()):
        return wanted
    print("left out: this processor computes nothing in bfloat16", file=sys.stderr)
    return [name for name in wanted if name != "bfloat16"]


def write_report(report: dict[str, Any], output: Path) -> None:
    """Write a report, its folder too, and say where."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(f"written to {output}")
