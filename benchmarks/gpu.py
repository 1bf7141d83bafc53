"""One card in four minutes: free generation, one pass alone, and one pass in large batches.

In: an adapter, the packaged one by default, in torch and merged, and fresh texts. Out:
benchmarks/results/gpu.json, written anew after each part: texts, seconds, texts a second, the
median time of a batch, and how many answers are valid. Each part has an equal share of the time,
and warms up with one batch that is not counted. Texts of a batch are of similar length, and
:meth:`Decoder.decode_many` is given room for all their tokens, so that it is one run of the model.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import torch

from benchmarks.command import RESULTS, add_isa, write_report
from benchmarks.movement import texts_of
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import KvrmError
from training.arguments import positive_integer, positive_number
from training.evaluation.free_decoding import free_decoding
from training.provenance import provenance
from training.scoring import is_valid

DEFAULT_SEED = 929_292
FREE_ALONE = "free, alone"
ONE_PASS_ALONE = "one pass grounded, alone"
_AHEAD = 8  # batches whose texts are sorted together, as decode_many does with a stream
_WINDOW_SEEDS = 100_000  # between the seeds of two windows, so that no two sizes share one
_ROOM = 1024  # token IDs for each text of a batch, more than the longest prompt has


@dataclass(frozen=True)
class Part:
    """One way to decode, in batches of one size. Immutable."""

    name: str  # as in the report
    batch_size: int  # parts with the same are given the same texts, in order
    run: Callable[[Sequence[str]], list[str]]  # a batch -> answers in order, JSON or not


def parts_of(decoder: Decoder, batch_sizes: Sequence[int], free_batch_size: int) -> list[Part]:
    """What is measured, in order; the largest batches come last."""
    free = free_decoding(decoder)

    def generate(texts: Sequence[str]) -> list[str]:
        return [reply.json for reply in free(texts)]

    def one_pass(texts: Sequence[str]) -> list[str]:
        room = _ROOM * len(texts)  # the default would cut a large batch into several runs
        decoded = decoder.decode_many(texts, batch_size=len(texts), batch_tokens=room)
        return [one.json or "" for one in decoded]

    sizes = sorted({*batch_sizes})
    return [
        Part(FREE_ALONE, 1, generate),
        Part(ONE_PASS_ALONE, 1, one_pass),
        Part(f"free, batches of {free_batch_size}", free_batch_size, generate),
        *(Part(f"one pass grounded, batches of {size}", size, one_pass) for size in sizes),
    ]


def batches(decoder: Decoder, size: int, seed: int) -> Iterator[list[str]]:
    """Fresh texts without end: batches of similar length, in random order."""
    rng, dialect = Random(seed), decoder.dialect.name
    for own_seed in count(seed + size, _WINDOW_SEEDS):
        drawn = sorted(texts_of(dialect, _AHEAD * size, own_seed, decoder.isa), key=len)
        cut = [drawn[start : start + size] for start in range(0, len(drawn), size)]
        yield from rng.sample(cut, len(cut))


def measure(
    part: Part, decoder: Decoder, seed: int, seconds: float
) -> tuple[dict[str, Any], list[float]]:
    """Run a part for so many seconds, but one batch at least: its row, and its batches' seconds.

    Drawing texts, the batch to warm up and judging answers are within its time, and not in its row.
    """
    clock = partial(_clock, decoder.loaded.device)
    until, laps, texts, valid = clock() + seconds, list[float](), 0, 0
    drawn = batches(decoder, part.batch_size, seed)
    part.run(next(drawn))
    while not laps or clock() < until:
        batch, started = next(drawn), clock()
        answers = part.run(batch)
        laps.append(clock() - started)
        texts += len(answers)
        valid += sum(is_valid(answer, decoder.isa) for answer in answers)
    counts = {"batch_size": part.batch_size, "batches": len(laps), "texts": texts, "valid": valid}
    return {
        **counts,
        "seconds": round(sum(laps), 4),
        "per_second": round(texts / sum(laps), 2),
        "p50_ms": round(1000 * median(laps), 3),
    }, laps


def _clock(device: torch.device) -> float:
    """Seconds, read when the device has done all that it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def run(decoder: Decoder, parts: Sequence[Part], seed: int, seconds: float, output: Path) -> None:
    """Measure part by part, and write the report after each."""
    device: torch.device = decoder.loaded.device
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    rows: dict[str, dict[str, Any]] = {}
    report = {"provenance": provenance(decoder, seed), "card": card, "parts": rows}
    laps: dict[str, list[float]] = {}
    for part in parts:
        row, laps[part.name] = measure(part, decoder, seed, seconds / len(parts))
        if part.name == ONE_PASS_ALONE and FREE_ALONE in laps:  # the same texts, as far as both go
            pairs = zip(laps[FREE_ALONE], laps[ONE_PASS_ALONE], strict=False)
            row["times_faster_than_free"] = round(median(free / own for free, own in pairs), 3)
        rows[part.name] = row
        print(f"{part.name}: {row}", file=sys.stderr, flush=True)
        write_report(report, output)


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--adapter", type=Path, help="default: the packaged one of the set")
    add_isa(parser)
    parser.add_argument("--dialect", choices=DIALECTS, default="strict")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    parser.add_argument("--precision", help="default: the one that is fast on the device")
    parser.add_argument("--seconds", type=positive_number, default=240, help="of all parts")
    parser.add_argument("--batch-sizes", type=positive_integer, nargs="+", default=[64, 256, 1024])
    parser.add_argument("--free-batch-size", type=positive_integer, default=64)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--output", type=Path, default=RESULTS / "gpu.json")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        decoder = Decoder.from_pretrained(
            arguments.adapter,
            isa=arguments.isa,
            dialect=arguments.dialect,
            backend="torch",
            device=arguments.device,
            precision=arguments.precision,
        )
        parts = parts_of(decoder, arguments.batch_sizes, arguments.free_batch_size)
        run(decoder, parts, arguments.seed, arguments.seconds, arguments.output)
    except KvrmError as error:  # torch tells of a card in several lines
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
