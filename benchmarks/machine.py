"""Random programs, run as the model decodes them and as the reference parser does.

In: an adapter of KVRM. Out: benchmarks/results/machine.json: how many instructions were decoded
otherwise, and how many programs ended otherwise, the first fifty of them in full. A program with a
line that the model refused is not run, which is another end.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.command import RESULTS, write_report
from benchmarks.programs import draw_program, draw_registers
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import CycleLimitError, JumpError, KvrmError, RefusedLineError
from kvrm_grammar.facade import decode_program
from kvrm_grammar.isa import operation_to_json
from kvrm_grammar.machine import Machine, steps
from kvrm_grammar.oracle.program import Program, parse_program
from training.arguments import positive_integer
from training.provenance import provenance

__all__ = ["ending", "main", "measure"]

DEFAULT_SEED = 212_122
MAX_CYCLES = 1_000
_SHOWN = 50


def ending(program: Program, registers: dict[str, int]) -> dict[str, Any]:
    """How a run ends, with its last state; a program that is not run has no state.

    Returns:
        ``how`` (``stopped`` or the class of the error), ``cycles``, ``registers``, ``flags`` and
        ``counter``; ``how`` alone where a line was refused.
    """
    try:
        machine = Machine(program)
    except RefusedLineError as error:
        return {"how": type(error).__name__}
    state, cycles, how = machine.start(registers), 0, "stopped"
    try:
        for one in steps(machine, state, max_cycles=MAX_CYCLES):
            state, cycles = one.after, one.cycle
    except (CycleLimitError, JumpError) as error:
        how = type(error).__name__
    return {
        "how": how,
        "cycles": cycles,
        "registers": dict(state.registers),
        "flags": dict(state.flags),
        "counter": state.counter,
    }


def measure(decoder: Decoder, count: int, seed: int) -> dict[str, Any]:
    """Decode and run random programs, and compare each with the reference parser's."""
    random = Random(seed)
    totals: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    differences: list[dict[str, Any]] = []
    decode_s = 0.0
    for _ in track(range(count), console=Console(stderr=True)):
        source, numbers = "\n".join(draw_program(random)), draw_registers(random)
        registers = dict(zip(_registers(decoder), numbers, strict=True))
        right = parse_program(source, decoder.isa)
        started = time.perf_counter()
        try:
            decoded = decode_program(source, decoder=decoder)
        except KvrmError as error:  # such as a jump to a label that was misread
            decoded = None
            found = {"how": type(error).__name__}
        decode_s += time.perf_counter() - started
        if decoded is not None:
            found = ending(decoded, registers)
        expected = ending(right, registers)
        endings[expected["how"]] += 1
        wrong = [] if decoded is None else _differing(decoded, right)
        totals.update(
            instructions=len(right.instructions),
            instructions_differ=len(wrong),
            programs_differ=decoded != right,
            ends_differ=found != expected,
        )
        if decoded != right or found != expected:
            differences.append({"source": source, "lines": wrong, "end": found, "right": expected})
    return {
        "programs": count,
        **totals,
        "endings": dict(endings),
        "decode_s": round(decode_s, 2),
        "differences": differences[:_SHOWN],
    }


def _registers(decoder: Decoder) -> tuple[str, ...]:
    assert decoder.isa.semantics is not None
    return decoder.isa.semantics.registers


def _differing(decoded: Program, right: Program) -> list[dict[str, Any]]:
    return [
        {
            "text": a.text,
            "decoded": operation_to_json(a.operation),
            "right": operation_to_json(b.operation),
            "confidence": a.confidence,
        }
        for a, b in zip(decoded.instructions, right.instructions, strict=True)
        if a != b
    ]


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code, 1 where a program ends otherwise."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--adapter", type=Path, help="default: the packaged one of the dialect")
    parser.add_argument("--count", type=positive_integer, default=1_000, help="programs")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--output", type=Path, default=RESULTS / "machine.json")
    parser.add_argument("--dialect", choices=DIALECTS, help="default: the adapter's")
    parser.add_argument("--backend")
    parser.add_argument("--device")
    parser.add_argument("--precision")
    arguments = parser.parse_args(argv)
    decoder = Decoder.from_pretrained(
        arguments.adapter,
        dialect=arguments.dialect,
        backend=arguments.backend,
        device=arguments.device,
        precision=arguments.precision,
    )
    report: dict[str, Any] = {"provenance": provenance(decoder, arguments.seed)}
    report["dialect"] = decoder.dialect.name
    report |= measure(decoder, arguments.count, arguments.seed)
    print(
        f"{report['programs']} programs of {report['instructions']} instructions: "
        f"{report['instructions_differ']} instructions and {report['ends_differ']} ends differ",
        file=sys.stderr,
    )
    write_report(report, arguments.output)
    return int(report["ends_differ"] > 0)


if __name__ == "__main__":
    sys.exit(main())
