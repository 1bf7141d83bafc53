"""One answer in a new process: what a command line costs, backend by backend.

In: the packaged adapter, with everything fetched and compiled before. Out:
benchmarks/results/cold_start.json: medians over new processes, started by turns so that noise falls
on all alike: the whole command, and, for comparison, importing torch, transformers and peft alone.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.command import RESULTS, precisions_here, write_report
from kvrm_grammar.decoding.decoder import Decoder
from training.arguments import positive_integer
from training.provenance import provenance

TEXT = "sub r5 r3 r1"
_PRECISIONS = ("bfloat16", "int8", "float32")


def commands() -> dict[str, list[str]]:
    """What is started, by its name in the report."""
    run = [sys.executable, "-m", "kvrm_grammar"]
    decode = [*run, "decode"]
    return {
        "import torch, transformers, peft": [
            sys.executable,
            "-c",
            "import torch, transformers, peft",
        ],
        "decode, openvino, default": [*decode, TEXT],
        **{
            f"decode, openvino, {name}": [*decode, "--precision", name, TEXT]
            for name in precisions_here(_PRECISIONS)
        },
        "decode, torch": [*decode, "--backend", "torch", TEXT],
        "parse": [*run, "parse", TEXT],
        "help": [*run, "--help"],
    }


def measure(rounds: int) -> dict[str, Any]:
    """Start every command once a round, in changing order, after one round that is not counted."""
    todo = commands()
    seconds: dict[str, list[float]] = {name: [] for name in todo}
    for number in range(-1, rounds):
        names = [*todo]
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            spent = _seconds(todo[name])
            if number >= 0:
                seconds[name].append(spent)
    imports = seconds["import torch, transformers, peft"]
    return {
        name: {
            "seconds_p50": round(median(own), 3),
            "seconds_least": round(min(own), 3),
            "times_the_imports": round(median(a / b for a, b in zip(own, imports, strict=True)), 3),
        }
        for name, own in seconds.items()
    }


def memory(options: Sequence[str]) -> float:
    """Most memory that one decode holds, in MiB."""
    command = [sys.executable, "-m", "kvrm_grammar", "decode", *options, TEXT]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return round(usage.ru_maxrss / 1024, 1)


def _seconds(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ})
    return time.perf_counter() - started


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=positive_integer, default=7)
    parser.add_argument("--output", type=type(RESULTS), default=RESULTS / "cold_start.json")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    origin = provenance(Decoder.from_pretrained())
    report = {
        "provenance": origin,
        "rounds": arguments.rounds,
        "commands": measure(arguments.rounds),
        "most_memory_mib": {
            name: memory(options)
            for name, options in {
                **{
                    f"openvino, {name}": ["--precision", name]
                    for name in precisions_here(_PRECISIONS)
                },
                "torch": ["--backend", "torch"],
            }.items()
        },
    }
    for name, row in report["commands"].items():
        print(f"{name:34s} {row['seconds_p50']:6.2f} s  {row['times_the_imports']:5.2f} x imports")
    print(report["most_memory_mib"])
    write_report(report, arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
