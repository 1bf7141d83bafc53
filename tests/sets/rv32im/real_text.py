"""Real RV32IM text through the reference parser, and through a model where one is named.

In: picolibc's rv32im library as objdump prints it in three forms, and what gcc writes for the ten
programs beside this file. Out: ``benchmarks/results/rv32im_real.json``; nothing else is kept. The
truth is computed from the bytes (:mod:`tests.sets.rv32im.words`).

    python -m tests.sets.rv32im.real_text [--library FILE] [--decode 10000]

Debian's ``picolibc-riscv64-unknown-elf`` has the library.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from kvrm_grammar.isa import INVALID_KEY, load_set
from kvrm_grammar.oracle.reference import explain
from tests.sets.rv32im.binutils import PACKAGES, disassemble, missing, version
from tests.sets.rv32im.listing import PROGRAMS, Assembled, compiled, compiler_missing
from tests.sets.rv32im.words import meaning
from training.provenance import current_commit, processor, provenance

__all__ = ["FORMS", "Line", "compiled_lines", "main", "printed_lines"]

LIBRARY = Path("/usr/lib/picolibc/riscv64-unknown-elf/lib/release/rv32im/ilp32/libc.a")
FORMS = {"default": (), "no-aliases": ("-Mno-aliases",), "numeric": ("-Mnumeric",)}
LEVELS = ("-O0", "-O2", "-Os")
RESULT = Path("benchmarks/results/rv32im_real.json")
_TARGET = re.compile(r"([ \t,])([0-9a-f]+) <[^<>]*>$")
_RV32IM = load_set("rv32im")


@dataclass(frozen=True)
class Line:
    """A text, and what its bytes mean; None where they are no single operation of the set.

    Attributes:
        text: As a source line.
        printed: As objdump prints it, without address and bytes; gcc's lines as they are.
        truth: Key and params.
    """

    text: str
    printed: str
    truth: dict[str, Any] | None


def printed_lines(library: Path, *options: str) -> Iterator[Line]:
    """What objdump prints; a target as a source line has it, ``0x40`` for ``40 <memcpy+0x40>``."""
    for found in disassemble(library, *options):
        yield Line(
            _TARGET.sub(r"\g<1>0x\2", found.text), found.text, meaning(found.word, found.address)
        )


def compiled_lines(program: Assembled) -> Iterator[Line]:
    """gcc's lines; a target is the label in the text whose address the bytes have."""
    for line in program.lines:
        truth = meaning(line.words[0], line.address) if len(line.words) == 1 else None
        if truth is not None and "target" in truth["params"]:
            name = re.split(r"[ \t,]+", line.text.split("#")[0].strip())[-1]
            if program.labels.get(name) == truth["params"]["target"]:
                truth["params"]["target"] = name
        yield Line(line.text, line.text, truth)


def parsed(lines: list[Line]) -> dict[str, Any]:
    """Ask the reference parser for each distinct line."""
    distinct = list(dict.fromkeys(json.dumps([line.text, line.truth]) for line in lines))
    right, wrong, reasons = 0, list[dict[str, Any]](), Counter[str]()
    for text, truth in map(json.loads, distinct):
        verdict = explain(text, _RV32IM)
        if verdict.operation.model_dump() == truth:
            right += 1
        elif verdict.operation.key == INVALID_KEY:
            reasons[verdict.reason or ""] += 1
        else:
            wrong.append({"text": text, "truth": truth, "answer": verdict.operation.model_dump()})
    return {
        "lines": len(lines),
        "distinct": len(distinct),
        "right": right,
        "refused": dict(reasons.most_common()),
        "wrong": wrong[:20],
        "wrong_count": len(wrong),
    }


def decoded(lines: list[Line], count: int, seed: int, adapter: Path | None) -> dict[str, Any]:
    """Ask the model for some distinct lines that mean one operation, drawn by a seed."""
    from kvrm_grammar import Decoder

    usable = {line.text: line.truth for line in lines if line.truth is not None}
    texts = Random(seed).sample(sorted(usable), min(count, len(usable)))
    decoder = Decoder.from_pretrained(adapter, isa=_RV32IM)
    failures, passes = [], 0
    for text, answer in zip(texts, decoder.decode_many(texts), strict=True):
        passes += answer.passes or 0
        found = answer.operation.model_dump() if answer.operation else None
        if found != usable[text]:
            failures.append(
                {
                    "text": text,
                    "truth": usable[text],
                    "answer": found,
                    "confidence": answer.confidence,
                }
            )
    return {
        "provenance": provenance(decoder, seed),
        "texts": len(texts),
        "exact": len(texts) - len(failures),
        "mean_passes": passes / len(texts),
        "failures": failures[:50],
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--library", type=Path, default=LIBRARY)
    parser.add_argument("--decode", type=int, default=0, help="how many lines the model reads")
    parser.add_argument("--adapter", type=Path, help="default: the set's own")
    parser.add_argument("--seed", type=int, default=777_020)
    parser.add_argument("--output", type=Path, default=RESULT)
    arguments = parser.parse_args(argv)
    lacking = missing() or compiler_missing()
    if lacking or not arguments.library.is_file():
        print(
            f"error: {lacking or f'no {arguments.library}'}; Debian: {PACKAGES} "
            "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
            file=sys.stderr,
        )
        return 1
    forms = {name: [*printed_lines(arguments.library, *options)] for name, options in FORMS.items()}
    sources = sorted(PROGRAMS.glob("*.c"))
    forms["gcc"] = [
        line
        for path in sources
        for level in LEVELS
        for line in compiled_lines(compiled(path, level))
    ]
    record: dict[str, Any] = {"binutils": version(), "programs": len(sources), "levels": LEVELS}
    record["reference"] = {name: parsed(lines) for name, lines in forms.items()}
    if arguments.decode:
        record["model"] = decoded(
            [line for lines in forms.values() for line in lines],
            arguments.decode, arguments.seed, arguments.adapter,
        )  # fmt: skip
    record.setdefault("provenance", {"commit": current_commit(), "processor": processor()})
    arguments.output.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    for name, found in record["reference"].items():
        print(
            f"{name}: {found['right']} of {found['distinct']} distinct lines, "
            f"{sum(found['refused'].values())} refused, {found['wrong_count']} wrong"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
