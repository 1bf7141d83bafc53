"""Constrained against free decoding: one command, one run, one table.

In: a dialect's adapter, seeds and counts. Out: benchmarks/results/constrained_vs_free.json and
.png, for the lenient dialect constrained_vs_free_lenient: validity, exact match, passes, latency
and throughput of every arm on every set of inputs, all with the same weights, and every input
on which two arms that must agree do not.
"""

import argparse
import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.arms import Arm, bare_forward, build_arms, plain_tokenizer
from benchmarks.command import RESULTS, add_isa, write_report
from benchmarks.comparison import disagreements, summarise
from benchmarks.inputs import NOTATIONS_OF, SETS_OF, draw_set
from benchmarks.llama import gbnf, llama_arm
from benchmarks.timing import (
    by_length,
    chunks,
    measure_alone,
    run_batches,
    timed,
    whole_text,
)
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import INVALID, operation_to_json
from kvrm_grammar.language.tokens import encode_plain
from training.arguments import integer_from
from training.evaluation.free_decoding import Reply
from training.provenance import provenance
from training.scoring import wilson

DEFAULT_SEED = 424_244
PACKAGES = ("llama_cpp_python", "outlines_core", "llguidance", "xgrammar", "numpy", "tokenizers")


def llama(decoder: Decoder, gguf: Path) -> Arm:
    """llama.cpp as an arm: the bare base, one token ID per pass; for its speed alone."""
    run = llama_arm(
        gguf,
        gbnf(decoder.isa, operation_to_json(INVALID)),
        torch.get_num_threads(),
        decoder.index.max_tokens,
    )
    return Arm(
        "llama.cpp, GBNF, bare base",
        lambda texts: [Reply(answer.text, answer.tokens) for answer in run(texts)],
    )


def literals(decoder: Decoder, count: int, batch_size: int, seed: int) -> dict[str, Any]:
    """What grounding contributes where a model would have to convert a number."""
    examples = by_length(
        draw_set(NOTATIONS_OF[decoder.dialect.name], count, seed + 1, isa=decoder.isa)
    )
    report = {}
    for constraint in ("schema", "grounded"):
        answers = decoder.constrained(constraint).decode_many(
            (example.text for example in examples), batch_size=batch_size
        )
        shown = track(
            answers, total=count, description=f"literals, {constraint}",
            console=Console(stderr=True),
        )  # fmt: skip
        hits, misses, forced = 0, [], 0
        for example, decoded in zip(examples, shown, strict=True):
            forced += decoded.forced
            if decoded.json == example.answer:
                hits += 1
            else:
                misses.append({"text": example.text, "answer": decoded.json})
        report[constraint] = {
            "examples": count,
            "exact": hits,
            "exact_match": hits / count,
            "interval_95": wilson(hits, count),
            "forced": forced,
            "misses": misses[:50],
        }
    return report


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    several = integer_from(2)  # rates and quantiles need two
    parser.add_argument("--dialect", choices=tuple(DIALECTS), default="strict")
    parser.add_argument("--adapter", type=Path, help="default: the dialect's own")
    add_isa(parser)
    parser.add_argument("--count", type=several, default=128, help="inputs of each set")
    parser.add_argument("--alone", type=several, default=40, help="inputs decoded one by one")
    parser.add_argument("--literals", type=several, default=1000, help="inputs of the ablation")
    parser.add_argument("--batch-size", type=several, default=16)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--gguf", type=Path, help="the base as GGUF: adds the llama.cpp arm")
    parser.add_argument("--output", type=Path, help="default: in benchmarks/results")
    return parser


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run everything."""
    rng = Random(arguments.seed)
    decoder = Decoder.from_pretrained(
        arguments.adapter, isa=arguments.isa, dialect=arguments.dialect, backend="torch"
    )
    origin = {**provenance(decoder, arguments.seed), "packages": packages()}

    def prompt(text: str) -> str:
        return decoder.dialect.read(text).prompt

    arms, missing = build_arms(decoder)
    for name, reason in missing.items():
        print(f"left out: {name}: {reason}", file=sys.stderr)
    bare, tokenizer = bare_forward(decoder), plain_tokenizer(decoder)
    sets: dict[str, Any] = {}
    differing: list[dict[str, Any]] = []
    for name in SETS_OF[arguments.dialect]:
        examples = by_length(draw_set(name, arguments.count, arguments.seed, isa=decoder.isa))
        tallies = run_batches(arms, examples, arguments.batch_size, rng, name)
        limit = [
            timed(partial(bare, [whole_text(decoder, e) for e in batch]))[0]
            for batch in chunks(examples, arguments.batch_size)
        ]
        sets[name] = summarise(tallies, examples, limit, decoder.isa)
        agree = [
            tokenizer(prompt(e.text), add_special_tokens=False)["input_ids"]
            == encode_plain(decoder.loaded.tokenizer, prompt(e.text))
            for e in examples
        ]
        differing += [{"set": name, **row} for row in disagreements(tallies, examples, agree)]
    plain = SETS_OF[arguments.dialect][0]
    singles = draw_set(plain, arguments.alone + 2, arguments.seed + 2, isa=decoder.isa)
    if arguments.gguf is not None:
        arms.append(llama(decoder, arguments.gguf))
    measure_alone(decoder, arms, singles[:2], rng)  # warm
    return {
        "provenance": origin,
        "batch_size": arguments.batch_size,
        "left_out": missing,
        "sets": sets,
        "differing_answers": differing,
        "alone": measure_alone(decoder, arms, singles[2:], rng),
        "literals": literals(decoder, arguments.literals, arguments.batch_size, arguments.seed),
    }


def packages() -> dict[str, str | None]:
    """Versions of what the arms need beyond the package's own dependencies."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def print_tables(report: dict[str, Any]) -> None:
    """Print what README shows."""
    console = Console(width=120)
    alone, plain = report["alone"], next(iter(report["sets"]))
    table = Table("arm", "p50 ms", "p95 ms", "x free", "x bare pass", "batched /s", "x free")
    for name, row in alone["arms"].items():
        batch = report["sets"][plain].get(name)
        table.add_row(
            name, f"{row['p50_ms']:.1f}", f"{row['p95_ms']:.1f}",
            f"{row['times_faster_than_free']:.1f}", f"{row['times_the_bare_forward_pass']:.2f}",
            f"{batch['instructions_per_second']:.1f}" if batch else "-",
            f"{batch['times_faster_than_free']:.1f}" if batch else "-",
        )  # fmt: skip
    console.print(table)
    names = list(report["sets"])
    table = Table("arm", *(f"{name}: valid / exact / passes" for name in names))
    for name in report["sets"][names[0]]:
        rows = [report["sets"][one][name] for one in names]
        table.add_row(
            name,
            *(
                f"{r['validity']:.1%} / {r['exact_match']:.1%} / {r['mean_passes'] or 0:.2f}"
                for r in rows
            ),
        )
    console.print(table)
    for name, row in report["literals"].items():
        console.print(
            f"literals, {name}: {row['exact']} of {row['examples']} ({row['exact_match']:.2%})"
        )
    console.print(f"answers that differ between arms: {len(report['differing_answers'])}")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    if arguments.output is None:
        of = "" if arguments.dialect == "strict" else f"_{arguments.dialect}"
        arguments.output = RESULTS / f"constrained_vs_free{of}.json"
    try:
        report = measure(arguments)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print_tables(report)
    write_report(report, arguments.output)
    from benchmarks.figures import draw_comparison  # needs matplotlib, measuring does not

    draw_comparison(report, arguments.output.with_suffix(".png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
