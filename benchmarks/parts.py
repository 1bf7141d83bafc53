"""What the parts of a decode cost, without a model: index, masks, grounding, draft, all Python.

In: the packaged base's vocabulary (49,152 entries) and Qwen2.5's (151,643), and generated
instructions. Out: benchmarks/results/parts.json: medians, the index's build and load beside
Outlines' own build, in one run, and the grammar's time on lines of up to 1 MB.
"""

import argparse
import contextlib
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from lark import UnexpectedInput
from outlines.backends.outlines_core import OutlinesCoreBackend
from outlines.models.transformers import TransformerTokenizer
from outlines_core import Index
from rich.console import Console
from rich.table import Table
from transformers import AutoTokenizer

from benchmarks.command import RESULTS, add_isa, write_report
from benchmarks.python_cost import python_alone
from benchmarks.qwen_vocabulary import qwen_tokenizer
from kvrm_grammar.decoding.draft import Drafter
from kvrm_grammar.dialects import DIALECTS, Dialect, find_dialect
from kvrm_grammar.isa import InstructionSet, load_set
from kvrm_grammar.isa.grammar import compile_grammar
from kvrm_grammar.language.constraint import Constraint, build_constraint
from kvrm_grammar.language.grounding import Grounding
from kvrm_grammar.language.index import TokenIndex, build_index, fetch_index
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.language.vocabulary import read_vocabulary
from kvrm_grammar.weights.packaged_base import ensure_packaged_base
from training.arguments import positive_integer
from training.data.examples import Example
from training.data.strict import generate_examples
from training.provenance import current_commit
from training.texts.strict.words import HELD_OUT_WORDS

DEFAULT_SEED = 747_474
SIZES = (10_000, 100_000, 1_000_000)
LONG_LINES = {
    "comment": ("halt ;", "x; "),
    "blanks": ("halt", " \t"),
    "label": ("jmp ", "a"),
    "operands": ("add ", "r1, "),
    "quotes": ("mov r1, ", "'"),
    "digits": ("mov r1, ", "1"),
    "label definitions": ("", "a:"),
}
"""What a long line begins with, and what it repeats."""


def milliseconds(run: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - started)


def measure_index(constraint: Constraint, tokenizer: Any, rounds: int) -> dict[str, float]:
    """Cold and warm, and Outlines' own build of the same pattern, in turns.

    Both builds read the tokenizer's vocabulary; the warm load is of the index alone, and
    what reading and digesting the vocabulary takes before it stands beside it.
    """
    theirs, cold, warm, read = [], [], [], []
    vocabulary = read_vocabulary(tokenizer)

    def build_theirs() -> Index:
        wrapped = TransformerTokenizer(tokenizer)
        vocabulary = OutlinesCoreBackend.create_outlines_core_vocabulary(
            wrapped.get_vocab(),
            wrapped.eos_token_id,
            wrapped.eos_token,
            wrapped.convert_token_to_string,
        )
        return Index(constraint.regex, vocabulary)

    with tempfile.TemporaryDirectory() as folder:
        fetch_index(constraint, vocabulary, cache_dir=Path(folder))
        for _ in range(rounds):
            theirs.append(milliseconds(build_theirs))
            cold.append(milliseconds(lambda: build_index(constraint, tokenizer, use_cache=False)))
            read.append(milliseconds(lambda: read_vocabulary(tokenizer).digest))
            fetch = partial(fetch_index, constraint, vocabulary, cache_dir=Path(folder))
            warm.append(milliseconds(fetch))
    return {
        "outlines_own_build_ms": median(theirs),
        "cold_ms": median(cold),
        "cold_times_outlines": median(c / t for c, t in zip(cold, theirs, strict=True)),
        "read_vocabulary_ms": median(read),
        "warm_ms": median(warm),
    }


def measure_masks(index: TokenIndex) -> dict[str, Any]:
    """First and later look-ups of what is allowed, over every state an answer can pass."""
    states, queue = {index.initial_state}, [index.initial_state]
    first = []
    while queue:
        state = queue.pop()
        first.append(milliseconds(partial(index.allowed, state)))
        for token_id in index.allowed(state).tolist():
            following = index.next_state(state, token_id)
            if following is not None and following not in states:
                states.add(following)
                queue.append(following)
    again = [milliseconds(partial(index.allowed, state)) for state in states]
    return {"states": len(states), "first_ms": median(first), "again_ms": median(again)}


def measure_inputs(
    index: TokenIndex,
    tokenizer: Any,
    examples: Sequence[Example],
    *,
    isa: InstructionSet | None = None,
) -> dict[str, float]:
    """Per instruction: prompt, draft, and the grounded language along the right answer."""
    isa = isa or load_set()
    grounding = Grounding(isa, index, read_vocabulary(tokenizer))
    dialect = find_dialect("strict", isa)
    drafter = Drafter(lambda text: encode_plain(tokenizer, text), tokenizer.decode)
    prompts, drafts, grounded = [], [], []
    for example in examples:
        text, answer = example.text, encode_plain(tokenizer, example.answer)
        prompts.append(milliseconds(partial(_encode_prompt, tokenizer, text, dialect)))
        drafts.append(milliseconds(partial(drafter.draft(dialect.read(text)), ())))
        grounded.append(milliseconds(partial(_ground, grounding, text, answer, dialect)))
    return {
        "inputs": len(examples),
        "prompt_ms": median(prompts),
        "draft_ms": median(drafts),
        "grounding_ms": median(grounded),
        "grounding_p95_ms": sorted(grounded)[int(0.95 * len(grounded))],
    }


def _encode_prompt(tokenizer: Any, text: str, dialect: Dialect) -> list[int]:
    return encode_plain(tokenizer, dialect.read(text).prompt)


def _ground(grounding: Grounding, text: str, answer: Sequence[int], dialect: Dialect) -> None:
    """All that a decode asks of grounding, where the draft is right."""
    language = grounding.language(dialect.read(text).mentions)
    state = language.initial_state
    for token_id in answer:
        if language.rest(state) is not None:
            return
        language.allowed(state)
        language.naming(state)
        following = language.next_state(state, token_id)
        if following is None:
            return
        state = following
    language.allowed(state)


def measure_grammar(
    rounds: int, *, isa: InstructionSet | None = None
) -> dict[str, dict[str, float]]:
    """The Lark parser on lines of up to 1 MB: time by characters, which should be linear."""
    parser = compile_grammar((isa or load_set()).grammar)

    def parse(text: str) -> None:
        with contextlib.suppress(UnexpectedInput):
            parser.parse(text, start="line")

    found = {}
    for name, (head, unit) in LONG_LINES.items():
        row = {}
        for size in SIZES:
            text = head + unit * (size // len(unit))
            row[f"{size}_ms"] = median(milliseconds(partial(parse, text)) for _ in range(rounds))
        grown = row[f"{SIZES[-1]}_ms"] / row[f"{SIZES[0]}_ms"]
        found[name] = {**row, "times_linear": grown / (SIZES[-1] / SIZES[0])}
    return found


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add_isa(parser)
    parser.add_argument("--rounds", type=positive_integer, default=5, help="builds of each index")
    parser.add_argument("--count", type=positive_integer, default=500, help="instructions")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--output", type=Path, default=RESULTS / "parts.json")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    commit, isa = current_commit(), load_set(arguments.isa)
    constraint = build_constraint(isa)
    examples = list(
        generate_examples(arguments.count, arguments.seed, words=HELD_OUT_WORDS, isa=isa)
    )
    tokenizers = {
        "SmolLM2": AutoTokenizer.from_pretrained(ensure_packaged_base()),
        "Qwen2.5": qwen_tokenizer(),
    }
    report: dict[str, Any] = {}
    for name, tokenizer in tokenizers.items():
        index = build_index(constraint, tokenizer, use_cache=False)
        report[name] = {
            "vocabulary": len(tokenizer),
            "index": measure_index(constraint, tokenizer, arguments.rounds),
            "masks": measure_masks(index),
            "instructions": measure_inputs(index, tokenizer, examples, isa=isa),
            "python": {
                dialect: python_alone(
                    tokenizer, dialect, arguments.count, arguments.seed, arguments.isa
                )
                for dialect in DIALECTS
            },
        }
    whole: dict[str, Any] = {
        "seed": arguments.seed,
        "rounds": arguments.rounds,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "commit": commit,
        "versions": {name: version(name) for name in ("outlines", "outlines_core", "transformers")},
        "vocabularies": report,
        "grammar": measure_grammar(arguments.rounds, isa=isa),
    }
    table = Table("", *report)
    for group in ("index", "masks", "instructions"):
        for key in report["SmolLM2"][group]:
            table.add_row(
                f"{group}: {key}", *(f"{report[name][group][key]:.4g}" for name in report)
            )
    console = Console(width=100)
    console.print(table)
    for name, own in report.items():
        for dialect, row in own["python"].items():
            shown = ", ".join(f"{key} {value:.3g}" for key, value in row.items())
            console.print(f"{name}, all Python of a text, {dialect}: {shown}")
    for name, row in whole["grammar"].items():
        console.print(f"line of {name}:", ", ".join(f"{key} {row[key]:.3g}" for key in row))
    write_report(whole, arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
