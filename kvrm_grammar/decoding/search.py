"""The most probable answers, best first.

In: a prompt, a language and a draft. Out: answers in order of probability, one after the
other. The search is exact: it extends the most probable beginning until whole answers
come out. A draft only saves passes, because one pass scores every beginning of it.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.protocol import Draft, Language

__all__ = ["Candidate", "best_first", "distinct"]

Meaning = TypeVar("Meaning", bound=Hashable)


@dataclass(frozen=True)
class Candidate:
    """One answer. Immutable.

    Attributes:
        token_ids: Without the end token.
        log_probability: Natural logarithm of its probability under the language, the end
            token included.
    """

    token_ids: tuple[int, ...]
    log_probability: float


@dataclass(frozen=True)
class _Node:
    """What may follow a beginning, most probable first."""

    state: int
    token_ids: npt.NDArray[np.int64]  # (n,)
    costs: npt.NDArray[np.float64]  # (n,), negative log-probabilities, ascending


def best_first(
    engine: Engine,
    prompt: Sequence[int],
    language: Language,
    draft: Draft,
    *,
    max_passes: int | None = None,
) -> Iterator[Candidate]:
    """Search for answers in descending order of probability.

    Args:
        engine: The model.
        prompt: Token IDs, at least one.
        language: The answers to choose from.
        draft: Guesses how a beginning goes on; the order does not depend on it.
        max_passes: Where to give up; None for never. A model that finds thousands of
            labels equally likely would be asked about each.

    Yields:
        Every answer of the language once per tokenisation, until the caller stops or the
        passes are spent. What was found until then is what the whole search would find.

    Raises:
        DecodeError: The model's scores are not numbers.
    """
    nodes = _Nodes(engine, prompt, language, draft)
    root = nodes.at((), language.initial_state)
    # Of each beginning, one next token is in the queue: when that is taken, the one after
    # it follows. So a state with thousands of tokens costs no more than one with two.
    queue: list[tuple[float, tuple[int, ...], int]] = [(float(root.costs[0]), (), 0)]
    while queue:
        cost, beginning, rank = heappop(queue)
        here = nodes.known[beginning]
        if rank + 1 < len(here.costs):
            step = float(here.costs[rank + 1] - here.costs[rank])
            heappush(queue, (cost + step, beginning, rank + 1))
        token_id = int(here.token_ids[rank])
        if token_id == language.eos_token_id:
            yield Candidate(beginning, -cost)
            continue
        if max_passes is not None and nodes.passes >= max_passes:
            return
        state = language.next_state(here.state, token_id)
        assert state is not None  # an allowed token has a next state
        longer = (*beginning, token_id)
        heappush(queue, (cost + float(nodes.at(longer, state).costs[0]), longer, 0))


def distinct(
    candidates: Iterable[Candidate], read: Callable[[Sequence[int]], Meaning], k: int
) -> list[tuple[Meaning, float]]:
    """Take the first different meanings of a search.

    Args:
        candidates: As :func:`best_first` yields them.
        read: Token IDs -> what they mean; hashable.
        k: How many different ones, at most.

    Returns:
        Meanings and probabilities, best first. A text may be written in several ways as
        tokens: its best one counts.
    """
    found: dict[Meaning, float] = {}
    for candidate in candidates:
        found.setdefault(read(candidate.token_ids), math.exp(candidate.log_probability))
        if len(found) == k:
            break
    return list(found.items())


@dataclass
class _Nodes:
    """Scores beginnings, each once. Mutable, owned by one search."""

    engine: Engine
    prompt: Sequence[int]
    language: Language
    draft: Draft
    known: dict[tuple[int, ...], _Node] = field(default_factory=dict)
    passes: int = 0

    def at(self, beginning: tuple[int, ...], state: int) -> _Node:
        """What may follow; one pass for this beginning and all that the draft adds to it."""
        if beginning not in self.known:
            room = self.language.max_tokens - len(beginning) - 1
            guess = list(self.draft(beginning))[: max(room, 0)]
            text = [*self.prompt, *beginning]
            self.passes += 1
            for place, scores in enumerate(self.engine.score(text, guess, self.language, state)):
                order = np.argsort(-scores.log_probabilities, kind="stable")
                self.known[(*beginning, *guess[:place])] = _Node(
                    scores.state, scores.token_ids[order], -scores.log_probabilities[order]
                )
        return self.known[beginning]
