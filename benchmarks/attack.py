"""Adversarial scores through the real engine: not one invalid answer may come out.

In: no model. Scores are random, prefer what is forbidden, are infinite or not numbers; drafts
are right, wrong or garbage; languages are the schema's and those of single instructions.
Out: benchmarks/results/attack.json: sequences, answers, typed errors and invalid answers.
"""

import argparse
import os
import platform
import string
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from itertools import repeat
from math import prod
from multiprocessing import get_context
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import torch
from rich.console import Console
from rich.progress import track

from benchmarks.command import RESULTS, add_isa, write_report
from kvrm_grammar.decoding.backends.pytorch import TorchBackend
from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.protocol import Answer, Draft, Language, Request, no_draft
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import InstructionSet, load_set, operation_to_json
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.language.grounding import Grounding
from kvrm_grammar.language.index import TokenIndex, compile_index
from kvrm_grammar.language.vocabulary import TokenVocabulary
from training.arguments import positive_integer
from training.provenance import current_commit
from training.scoring import is_valid
from training.texts.strict.refused import refusal_candidate
from training.texts.strict.valid import random_operation, valid_variant

DEFAULT_SEED = 858_585
STRATEGIES = ("random", "peaked", "forbidden", "infinite", "not numbers")
_CHUNK = 5_000  # sequences of one seed
_NOISE = 2**23  # random numbers, of which each pass takes a window; a pass needs 2**21 at most
_SHARED = 8  # sequences for each language
_FINITE = ("random", "peaked", "forbidden")
_PIECES = (
    '{"', "key", '":"', "OP_", '","', "params", '":{"', "dest", "src", "value", "addr", "}}",
    '":', '"}}', "R1", "R7", "MOV", "_REG", "_IMM", "SUB", "JNZ", "INVALID", "21", "2147483647",
    "loop", "r3", "ab", "..", "\u00e9", "<|im_end|>", "  ", "\n",
)  # fmt: skip


def byte_vocabulary() -> TokenVocabulary:
    """All bytes, some longer pieces, and IDs that write nothing."""
    texts = [bytes([byte]) for byte in range(256)] + [piece.encode() for piece in _PIECES]
    return TokenVocabulary(dict(enumerate(texts, start=1)), eos_token_id=0, size=len(texts) + 12)


class Scores:
    """Stands in for a model: its hidden states are a tenth of the scores. Mutable.

    Scores are infinite where ten times a hidden state is too much for float32; an infinite
    hidden state would make all scores of its position not numbers instead.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.device = torch.device("cpu")
        self.lm_head = torch.nn.Linear(size, size, bias=False)
        with torch.no_grad():
            self.lm_head.weight.copy_(10 * torch.eye(size))
        self.strategy = STRATEGIES[0]
        self._size = size
        self._generator = torch.Generator().manual_seed(seed)
        self._normal = torch.randn(_NOISE, generator=self._generator)
        self._uniform = torch.rand(_NOISE, generator=self._generator)
        self._usual = [ord(c) + 1 for c in string.printable[:95]]

    def model(self, *, input_ids: Any, **_: Any) -> Any:
        """Hidden states for every position, (rows, seq, size)."""
        shape = (*input_ids.shape, self._size)
        scores = self._window(self._normal, shape).clone()
        if self.strategy == "peaked":
            roll = self._window(self._uniform, shape)
            scores = torch.where(roll < 0.01, torch.full(shape, 1e5), scores)
        elif self.strategy == "forbidden":  # what may be written in JSON is the least likely
            scores[..., self._usual] = -1e29 + scores[..., self._usual]
        elif self.strategy == "infinite":
            roll = self._window(self._uniform, shape)
            scores = torch.where(roll < 1e-4, torch.full(shape, 3e38), scores)
            scores = torch.where(roll > 0.6, torch.full(shape, -3e38), scores)
        elif self.strategy == "not numbers":
            # Through the unit matrix one of them spoils its whole position, as it would in
            # a real model, so only a few positions get one.
            where = self._window(self._uniform, shape)[..., :1] < 0.02
            scores = torch.where(where, torch.full(shape, float("nan")), scores)
        return SimpleNamespace(last_hidden_state=scores)

    def _window(self, noise: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        """Numbers from a random place on; drawing all anew would take most of the time."""
        count = prod(shape)
        spare = noise.numel() - count
        start = int(torch.randint(spare + 1, (1,), generator=self._generator))
        return noise[start : start + count].view(shape)


def random_draft(
    rng: Random, index: TokenIndex, encode: Callable[[str], list[int]], isa: InstructionSet
) -> Draft:
    """Nothing, some operation's JSON, a piece of it, or garbage."""
    kind = rng.randrange(4)
    if kind == 0:
        return no_draft
    operation, _, _ = random_operation(rng, isa)
    ids = encode(operation_to_json(operation))
    if kind == 1:
        return lambda accepted: ids[len(accepted) :]
    if kind == 2:
        return lambda accepted: ids[: rng.randint(0, len(ids))]
    return lambda accepted: [rng.randrange(index.vocab_size) for _ in range(rng.randint(0, 20))]


def attack(
    sequences: int, seed: int, *, batch_size: int = 64, isa: InstructionSet | None = None
) -> dict[str, Counter[str]]:
    """Run the engine on random, adversarial and infinite scores, and on scores that are no numbers.

    Args:
        sequences: How many requests.
        seed: Of everything that is drawn.
        batch_size: How many are run together.
        isa: The instruction set; None for the packaged one.

    Returns:
        By strategy: sequences, answers, typed errors, and invalid answers, which must be 0.
    """
    rng, isa = Random(seed), isa or load_set()
    vocabulary = byte_vocabulary()
    index = compile_index(build_constraint(isa), vocabulary)
    grounding = Grounding(isa, index, vocabulary)
    scores = Scores(vocabulary.size, seed)
    engine = Engine(TorchBackend(scores))
    counts = {strategy: Counter[str]() for strategy in STRATEGIES}
    for start in range(0, sequences, batch_size):
        scores.strategy = STRATEGIES[start // batch_size % len(STRATEGIES)]
        size = min(batch_size, sequences - start)
        languages = [_language(rng, isa, grounding) for _ in range(-(-size // _SHARED))]
        requests = [
            Request([1, 2], rng.choice(languages), random_draft(rng, index, _encode, isa))
            for _ in range(size)
        ]
        for result in engine.run(requests):
            own = counts[scores.strategy]
            own["sequences"] += 1
            if isinstance(result, Answer):
                own["answers"] += 1
                own["invalid"] += not is_valid(_written(vocabulary, result.token_ids), isa)
            else:
                own["typed_errors"] += 1
                own["unexpected_errors"] += scores.strategy in _FINITE
    return counts


def campaign(
    sequences: int, seed: int, processes: int, isa: str | None = None
) -> dict[str, Counter[str]]:
    """Attack in chunks, each with its own seed, so that the processes do not matter."""
    sizes = [min(_CHUNK, sequences - start) for start in range(0, sequences, _CHUNK)]
    seeds = [1_000_000 * seed + number for number in range(len(sizes))]
    counts = {strategy: Counter[str]() for strategy in STRATEGIES}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        parts = pool.map(_chunk, sizes, seeds, repeat(isa))
        for part in track(parts, total=len(sizes), console=Console(stderr=True)):
            for strategy, own in part.items():
                counts[strategy] += own
    return counts


def _chunk(sequences: int, seed: int, isa: str | None) -> dict[str, Counter[str]]:
    torch.set_num_threads(1)  # the other cores have chunks of their own
    return attack(sequences, seed, isa=load_set(isa))


def _encode(text: str) -> list[int]:
    return [byte + 1 for byte in text.encode()]


def _written(vocabulary: TokenVocabulary, token_ids: Sequence[int]) -> str:
    return b"".join(vocabulary.tokens[token_id] for token_id in token_ids).decode("utf-8")


def _language(rng: Random, isa: InstructionSet, grounding: Grounding) -> Language:
    roll = rng.random()
    if roll < 0.5:
        return grounding.index
    make = valid_variant if roll < 0.75 else refusal_candidate
    text = make(rng, isa).text
    return grounding.language(find_dialect("strict", isa).read(text[:256]).mentions)


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add_isa(parser)
    parser.add_argument("--sequences", type=positive_integer, default=1_000_000)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--processes", type=positive_integer, default=os.cpu_count() or 1)
    parser.add_argument("--output", type=Path, default=RESULTS / "attack.json")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    commit, started = current_commit(), time.monotonic()
    counts = campaign(arguments.sequences, arguments.seed, arguments.processes, arguments.isa)
    invalid = sum(own["invalid"] + own["unexpected_errors"] for own in counts.values())
    report = {
        "sequences": arguments.sequences,
        "seed": arguments.seed,
        "invalid": invalid,
        "seconds": round(time.monotonic() - started, 1),
        "strategies": counts,
        "python": platform.python_version(),
        "commit": commit,
        "versions": {name: version(name) for name in ("torch", "outlines_core")},
    }
    for strategy, own in counts.items():
        print(f"{strategy:12s} {dict(own)}")
    print(f"invalid answers and errors without cause: {invalid} of {arguments.sequences} sequences")
    write_report(report, arguments.output)
    return 1 if invalid else 0


if __name__ == "__main__":
    sys.exit(main())
