"""The lenient dialect: its pictures, ten examples, and what a second adapter costs.

In: both shipped adapters, and the evaluation beside the lenient one. Out:
benchmarks/results/lenient.json (examples with their confidence, memory with one adapter and
with both, the time that switching takes) and two pictures, by kind and by threshold.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.command import RESULTS, write_report
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.sharing import load_decoders
from kvrm_grammar.errors import DataError, KvrmError
from training.arguments import positive_integer
from training.provenance import provenance

EXAMPLES: tuple[str, ...] = (
    "r5 = r3 - r1",
    "subtract r1 from r3, store in r5",
    "sbu r5 r3 r1",
    "sub(r5, r3, r1)",
    "sub r3, r1 -> r5",
    "put forty-two in register 3",
    "`jump to loop if not zero`",
    "r1++",
    "xor r1, r2, r3",
    "how do I add two registers?",
)
"""Shown in README as they are answered; none was chosen by its answer."""


def _memory(dialects: Sequence[str]) -> float:
    """Load adapters on one base, decode with each, and say what the process holds, in MiB."""
    decoders = load_decoders(dict.fromkeys(dialects))
    for decoder in decoders.values():
        decoder.decode("sub r5 r3 r1")
    return float(psutil.Process().memory_info().rss) / 2**20


def measure_memory(repeats: int) -> dict[str, float]:
    """Resident memory of fresh processes, median of a few, with one adapter and with both."""
    found: dict[str, list[float]] = {"one": [], "both": []}
    for _ in range(repeats):
        for name, dialects in (("one", ("strict",)), ("both", ("strict", "lenient"))):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                found[name].append(pool.submit(_memory, dialects).result())
    one, both = median(found["one"]), median(found["both"])
    return {
        "one_adapter_mib": round(one, 1),
        "both_adapters_mib": round(both, 1),
        "ratio": round(both / one, 3),
    }


def measure_switching(decoders: dict[str, Decoder], repeats: int) -> dict[str, float]:
    """Time decodes by turns, with the adapter changed before each or not, and the change alone.

    Returns:
        Medians in milliseconds.
    """
    strict, lenient = decoders["strict"], decoders["lenient"]
    kept, changed, alone = [], [], []
    for _ in range(repeats):
        strict.decode("sub r5 r3 r1")
        kept.append(_timed(strict))
        lenient.decode("sub r5 r3 r1")
        changed.append(_timed(strict))
        alone.append(_switch(lenient) + _switch(strict))
    return {
        "decode_ms": 1e3 * median(kept),
        "decode_after_a_switch_ms": 1e3 * median(changed),
        "switch_ms": 1e3 * median(alone) / 2,
    }


def _timed(decoder: Decoder) -> float:
    started = time.perf_counter()
    decoder.decode("sub r5 r3 r1")
    return time.perf_counter() - started


def _switch(decoder: Decoder) -> float:
    started = time.perf_counter()
    with decoder.loaded.active():
        return time.perf_counter() - started


def read_examples(decoder: Decoder) -> list[dict[str, Any]]:
    """Answer the examples of README."""
    return [
        {
            "text": answer.text,
            "answer": answer.json,
            "confidence": answer.confidence,
            "passes": answer.passes,
        }
        for answer in decoder.decode_many(EXAMPLES)
    ]


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--evaluation", type=Path, default=Path("models/decode_llm_lenient/evaluation.json")
    )
    parser.add_argument("--repeats", type=positive_integer, default=30, help="timings of each kind")
    parser.add_argument(
        "--processes", type=positive_integer, default=3, help="of each kind, for memory"
    )
    parser.add_argument("--output", type=Path, default=RESULTS / "lenient.json")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        evaluation = read_evaluation(arguments.evaluation)
        decoders = load_decoders({"strict": None, "lenient": None})
        report: dict[str, Any] = {
            "provenance": provenance(decoders["lenient"]),
            "examples": read_examples(decoders["lenient"]),
            "switching": measure_switching(
                load_decoders(dict.fromkeys(decoders), backend="torch"), arguments.repeats
            ),
            "memory": measure_memory(arguments.processes),
        }
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for row in report["examples"]:
        print(f"{row['text']:36s} {row['confidence']:.3f} {row['answer']}")
    print({name: round(value, 2) for name, value in report["switching"].items()})
    print(report["memory"])
    write_report(report, arguments.output)
    from benchmarks.figures import draw_kinds, draw_risk  # needs matplotlib, measuring does not

    draw_kinds(evaluation, arguments.output.with_name("lenient_kinds.png"))
    draw_risk(evaluation, arguments.output.with_name("lenient_risk.png"))
    return 0


def read_evaluation(path: Path) -> dict[str, Any]:
    """Read what ``training.evaluate --dialect lenient`` wrote.

    Raises:
        DataError: There is none, or it is not such a report.
    """
    try:
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
        report["arms"]["grounded"], report["risk_and_coverage"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no evaluation of the lenient dialect: {error!r}") from error
    return report


if __name__ == "__main__":
    sys.exit(main())
