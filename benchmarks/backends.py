"""Every backend and precision on this machine: load, alone, in batches, memory, agreement.

In: the packaged adapters and fresh texts. Out: benchmarks/results/backends.json. Each way is loaded
in a process of its own for its memory; then all are asked by turns, text by text and batch by
batch, so that noise falls on all alike. Agreement is with torch in float32; that drafts change
nothing is shown by ``benchmarks/stepwise.py``.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from random import Random
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.command import RESULTS, add_isa, precisions_here, write_report
from benchmarks.movement import texts_of
from benchmarks.timing import by_length, chunks, timed, whole_text
from kvrm_grammar.decoding.backends.loading import backend_of
from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.sharing import load_decoders
from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.weights.export.precision import PRECISIONS
from training.arguments import integer_from, positive_integer
from training.data.examples import Example
from training.provenance import provenance

DEFAULT_SEED = 606_060
REFERENCE = "torch, float32"
WAYS: dict[str, tuple[str, str]] = {
    REFERENCE: ("torch", "float32"),
    "torch, bfloat16": ("torch", "bfloat16"),
    "openvino, float32": ("openvino", "float32"),
    "openvino, bfloat16": ("openvino", "bfloat16"),
    "openvino, int8": ("openvino", "int8"),
}
"""Name -> backend and precision."""
SOME = 2_000
UNMERGED = "torch, bfloat16, unmerged"
"""Both adapters beside one base in torch, as every adapter was before the graphs; speed alone."""


def here(names: Iterable[str]) -> list[str]:
    """Those ways that this processor can go."""
    can = precisions_here(PRECISIONS)
    return [name for name in names if WAYS[name][0] == "torch" or WAYS[name][1] in can]


def load(name: str, dialect: str, isa: str | None = None) -> Decoder:
    """Load one way."""
    if name == UNMERGED:
        both = dict.fromkeys(DIALECTS)
        return load_decoders(both, isa=isa, backend="torch", precision="bfloat16", device="cpu")[
            dialect
        ]
    backend, precision = WAYS[name]
    return Decoder.from_pretrained(
        isa=isa, dialect=dialect, backend=backend, precision=precision, device="cpu"
    )


# In a process that imports nothing of the benchmarks, whose own torch would count as memory.
_CHILD = """
import json, sys, time
from kvrm_grammar.decoding.sharing import load_decoders
backend, precision, *dialects = sys.argv[1:]
started = time.perf_counter()
options = {"backend": backend, "precision": precision, "device": "cpu"}
decoders = load_decoders(dict.fromkeys(dialects), **options)
loaded = time.perf_counter()
for decoder in decoders.values():
    decoder.decode("sub r5 r3 r1")
first = time.perf_counter()
for decoder in decoders.values():
    list(decoder.decode_many(["add r1, r2, r3", "mov r1, #0x1F", "jmp loop"] * 16))
import psutil
held = psutil.Process().memory_info().rss / 2**20
print(json.dumps([loaded - started, first - loaded, held]))
"""


def _alone_in_a_process(name: str, dialects: Iterable[str]) -> tuple[float, float, float]:
    """Seconds to load, seconds of the first answer, and MiB held after it and a batch."""
    command = [sys.executable, "-c", _CHILD, *WAYS[name], *dialects]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    load_s, first_s, held = json.loads(done.stdout)
    return load_s, first_s, held


def processes(name: str, repeats: int) -> dict[str, float]:
    """Load in fresh processes, with one dialect and with both."""
    found: dict[tuple[str, ...], list[tuple[float, float, float]]] = {}
    _alone_in_a_process(name, DIALECTS)  # what is compiled once is no part of a start
    for _ in range(repeats):
        for dialects in (("strict",), ("strict", "lenient")):
            found.setdefault(dialects, []).append(_alone_in_a_process(name, dialects))
    one, both = found[("strict",)], found[("strict", "lenient")]
    memory = median(row[2] for row in one)
    return {
        "load_s": round(median(row[0] for row in one), 3),
        "first_answer_s": round(median(row[1] for row in one), 3),
        "resident_mib": round(memory, 1),
        "both_dialects_times_one": round(median(row[2] for row in both) / memory, 3),
    }


def bare(decoder: Decoder, examples: Sequence[Example]) -> Callable[[], Any]:
    """The layers over prompt and whole answer, a text a row: what a pass was before it was cut."""
    backend = backend_of(decoder.loaded)
    rows = [whole_text(decoder, example) for example in examples]
    longest = max(map(len, rows))
    ids = np.array([[*row, *[0] * (longest - len(row))] for row in rows], dtype=np.int64)
    positions = np.arange(longest)[None].repeat(len(rows), axis=0)
    places = np.array([(row, longest - 1) for row in range(len(rows))])
    return partial(backend.hidden, ids, positions, None, places)


def speeds(
    decoders: dict[str, Decoder], examples: Sequence[Example], batch_size: int, rng: Random
) -> dict[str, dict[str, float]]:
    """Every way on the same texts by turns: alone, in batches, and beside its own bare pass."""
    singles = [[example] for example in examples[:: max(1, len(examples) // 60)]]
    groups: dict[str, Sequence[Sequence[Example]]] = {
        "alone": singles,
        "batched": chunks(by_length(examples), batch_size),
    }
    found: dict[str, dict[str, float]] = {name: {} for name in decoders}
    for label, batches in groups.items():
        whole: dict[str, list[float]] = {name: [] for name in decoders}
        limit: dict[str, list[float]] = {name: [] for name in decoders}
        for batch in track(batches, description=label, console=Console(stderr=True)):
            texts = [example.text for example in batch]
            for name in rng.sample([*decoders], len(decoders)):
                decoder = decoders[name]
                run = partial(decoder.decode_many, texts, batch_size=max(2, batch_size))
                least = bare(decoder, batch)
                list(run())  # the first run of a shape prepares for it
                least()
                limit[name].append(timed(least)[0])
                whole[name].append(timed(partial(_all, run))[0])
        count = sum(len(batch) for batch in batches)
        for name, own in whole.items():
            reference = whole.get(REFERENCE, own)
            found[name] |= {
                f"{label}_p50_ms": 1000 * median(own),
                f"{label}_per_second": count / sum(own),
                f"{label}_bare_per_second": count / sum(limit[name]),
                f"{label}_times_its_bare_pass": median(
                    a / b for a, b in zip(own, limit[name], strict=True)
                ),
                f"{label}_times_faster_than_torch_float32": median(
                    b / a for a, b in zip(own, reference, strict=True)
                ),
            }
    return found


def _all(run: Callable[[], Iterable[Decoded]]) -> list[Decoded]:
    return list(run())


def differences(
    reference: Sequence[Decoded], other: Sequence[Decoded]
) -> tuple[int, list[dict[str, Any]]]:
    """How many answers are valid, and those that differ, each with both margins."""
    valid = sum(one.operation is not None for one in other)
    rows = [
        {
            "text": one.text,
            "reference": one.json,
            "answer": two.json,
            "reference_margin": one.margin,
            "margin": two.margin,
            "reference_confidence": one.confidence,
            "confidence": two.confidence,
        }
        for one, two in zip(reference, other, strict=True)
        if one.json != two.json
    ]
    return valid, rows


def agreement(
    names: Sequence[str],
    dialect: str,
    count: int,
    seed: int,
    isa: str | None,
    *,
    full: Collection[str] = (*WAYS,),
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Answers of every way to the same fresh texts, against torch in float32.

    Ways that are not in ``full`` are asked the first ``SOME`` texts. One way after the other, for
    the whole takes an hour; nothing where ``count`` is 0.
    """
    texts: list[str] | None = None
    expected: list[Decoded] = []
    for name in (REFERENCE, *(name for name in names if name != REFERENCE)) if count else ():
        decoder = load(name, dialect, isa)
        texts = texts or texts_of(dialect, count, seed, decoder.isa)
        asked = texts if name in full or name == REFERENCE else texts[:SOME]
        label = f"{dialect}: {name}"
        answers = list(
            track(
                decoder.decode_many(asked, batch_size=16),
                total=len(asked),
                description=label,
                console=Console(stderr=True),
            )
        )
        expected = expected or answers
        valid, rows = differences(expected[: len(asked)], answers)
        print(f"{label}: {len(asked) - len(rows)} of {len(asked)}", file=sys.stderr, flush=True)
        yield (
            name,
            {
                "texts": len(asked),
                "valid": valid,
                "same_operation": len(asked) - len(rows),
                "agreement": 1 - len(rows) / len(asked),
                "differences": rows,
            },
        )


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_isa(parser)
    parser.add_argument("--ways", nargs="+", choices=[*WAYS], default=[*WAYS])
    parser.add_argument(
        "--full",
        nargs="+",
        choices=[*WAYS],
        default=[*WAYS],
        help=f"ways that are asked all texts of the agreement; others the first {SOME:,}",
    )
    parser.add_argument("--count", type=integer_from(32), default=256, help="texts for speed")
    parser.add_argument("--strict", type=integer_from(0), default=20_000, help="for agreement")
    parser.add_argument("--lenient", type=integer_from(0), default=3_000, help="for agreement")
    parser.add_argument("--batch-size", type=positive_integer, default=16)
    parser.add_argument("--processes", type=positive_integer, default=3)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--output", type=type(RESULTS), default=RESULTS / "backends.json")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    rng, ways = Random(arguments.seed), here(arguments.ways)
    origin = provenance(load("openvino, float32", "strict", arguments.isa), arguments.seed)
    report: dict[str, Any] = {"provenance": origin, "batch_size": arguments.batch_size}
    report["processes"] = {name: processes(name, arguments.processes) for name in ways}
    for name, row in report["processes"].items():
        print(name, row, file=sys.stderr, flush=True)
    report["speed"] = {}
    for dialect in DIALECTS:
        decoders = {name: load(name, dialect, arguments.isa) for name in (*ways, UNMERGED)}
        some = next(iter(decoders.values()))
        drawn = texts_of(dialect, arguments.count, arguments.seed + 1, some.isa)
        answers = some.decode_many(drawn)
        examples = [Example(one.text, one.json or "", ()) for one in answers]
        report["speed"][dialect] = speeds(decoders, examples, arguments.batch_size, rng)
        for name, row in report["speed"][dialect].items():
            print(dialect, name, {k: round(v, 2) for k, v in row.items()}, file=sys.stderr)
        del decoders, some
    write_report(report, arguments.output)
    report["agreement"] = {}
    for dialect, count in (("strict", arguments.strict), ("lenient", arguments.lenient)):
        for name, row in agreement(
            ways, dialect, count, arguments.seed, arguments.isa, full=arguments.full
        ):
            report["agreement"].setdefault(dialect, {})[name] = row
            write_report(report, arguments.output)
    write_report(report, arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
