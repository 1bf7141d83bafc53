"""Runs the arms side by side and takes the time.

In: arms, examples, a decoder. Out: replies and seconds of every batch, and latencies of single
instructions beside a bare forward pass over prompt and whole answer.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.arms import Arm, bare_forward
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.protocol import Backend
from kvrm_grammar.language.tokens import encode_plain
from training.data.examples import Example
from training.evaluation.free_decoding import Reply

GROUNDED = "one pass, grounded"


@dataclass
class Tally:
    """What one arm did on one set. Mutable, filled batch by batch."""

    replies: list[Reply] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # of each batch


def chunks(examples: Sequence[Example], size: int) -> list[Sequence[Example]]:
    """Cut into batches."""
    return [examples[start : start + size] for start in range(0, len(examples), size)]


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result."""
    started = time.perf_counter()
    result = run()
    return time.perf_counter() - started, result


def run_batches(
    arms: Sequence[Arm], examples: Sequence[Example], batch_size: int, rng: Random, label: str
) -> dict[str, Tally]:
    """Give every batch to every arm, in changing order, so that noise falls on all alike."""
    tallies = {arm.name: Tally() for arm in arms}
    batches = chunks(examples, batch_size)
    for batch in track(batches, description=label, console=Console(stderr=True)):
        texts = [example.text for example in batch]
        for arm in rng.sample(arms, len(arms)):
            seconds, replies = timed(partial(arm.run, texts))
            tallies[arm.name].seconds.append(seconds)
            tallies[arm.name].replies.extend(replies)
    return tallies


def measure_alone(
    decoder: Decoder, arms: Sequence[Arm], examples: Sequence[Example], rng: Random
) -> dict[str, Any]:
    """One text at a time: latency of every arm, and of the bare layers over prompt and answer."""
    bare = bare_forward(decoder)
    times: dict[str, list[float]] = {arm.name: [] for arm in arms}
    passes: dict[str, list[int]] = {arm.name: [] for arm in arms}
    limit: list[float] = []
    for example in track(examples, description="alone", console=Console(stderr=True)):
        rows = [whole_text(decoder, example)]
        order: list[Arm | None] = [*arms, None]
        for arm in rng.sample(order, len(order)):
            if arm is None:
                limit.append(timed(partial(bare, rows))[0])
            else:
                seconds, (reply,) = timed(partial(arm.run, [example.text]))
                times[arm.name].append(seconds)
                passes[arm.name] += [reply.passes] if reply.passes else []
    free = times.get("free", [])
    report = {}
    for name, own in times.items():
        report[name] = {
            "p50_ms": 1000 * median(own),
            "p95_ms": 1000 * quantiles(own, n=20)[-1],
            "times_faster_than_free": median(f / o for f, o in zip(free, own, strict=True)),
            "times_the_bare_forward_pass": median(o / b for o, b in zip(own, limit, strict=True)),
            "mean_passes": sum(passes[name]) / len(own) if passes[name] else None,
            "times_slower_than_one_pass": (
                median(o / u for o, u in zip(own, times[GROUNDED], strict=True))
                if GROUNDED in times
                else None
            ),
        }
    return {"texts": len(examples), "bare_forward_p50_ms": 1000 * median(limit), "arms": report}


class Reads:
    """A backend that counts the token IDs that it reads, padding included. Mutable."""

    def __init__(self, backend: Backend) -> None:
        self._backend, self.tokens = backend, 0
        self.shares_rows, self.scores = backend.shares_rows, backend.scores

    def hidden(self, ids: Any, positions: Any, mask: Any, places: Any) -> Any:
        """What the backend says."""
        self.tokens += ids.size
        return self._backend.hidden(ids, positions, mask, places)


def counting(decoder: Decoder) -> tuple[Decoder, Reads]:
    """The same decoder with a count of what its model reads."""
    other, pipeline = replace(decoder), replace(decoder.pipeline)
    vars(pipeline)["backend"] = reads = Reads(decoder.pipeline.backend)
    vars(other)["pipeline"] = pipeline
    return other, reads


def whole_text(decoder: Decoder, example: Example) -> list[int]:
    """Token IDs of prompt and whole answer."""
    tokenizer = decoder.loaded.tokenizer
    prompt = decoder.dialect.read(example.text).prompt
    return encode_plain(tokenizer, prompt) + encode_plain(tokenizer, example.answer)


def by_length(examples: Sequence[Example]) -> list[Example]:
    """Similar lengths side by side: no arm pays for padding."""
    return sorted(examples, key=lambda example: len(example.text))
