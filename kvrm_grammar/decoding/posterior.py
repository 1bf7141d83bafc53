"""The exact distribution over a finite language: every member's probability, not only the best.

In: a prompt and the token IDs of every member. Out: :class:`Posterior`. The members are a trie; one
pass reads the prompt and all of its nodes, each of which sees the prompt and its own beginning
(tree attention, as in https://arxiv.org/abs/2305.09781). A member's weight is the model's own
probability of it, token by token over the whole vocabulary, the end token included; normalised over
the members this is the model's law given that the answer is a member (https://arxiv.org/abs/2405.21047).
Decoding follows another law: it weighs names, and behind the name it normalises at every token.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.decoding.decoded import Alternative
from kvrm_grammar.decoding.masks import additive
from kvrm_grammar.decoding.protocol import Backend
from kvrm_grammar.decoding.scoring import log_softmax
from kvrm_grammar.errors import DecodeError

__all__ = ["Posterior", "log_weights"]

_NODES = 640  # of a pass, at most; a language of twenty members has about 190
_LEAST = 1e-6  # probability of a value that a row shows
_SCORED = 64  # places whose whole vocabulary is scored together: 13 MB of 49,152 tokens


@dataclass(frozen=True)
class Posterior:
    """Every answer that the closed language allows, with its probability. Immutable.

    Attributes:
        operations: All of them, most probable first; the probabilities have the sum 1.
        passes: Forward passes it took; none where there is one answer only.
    """

    operations: tuple[Alternative, ...]
    passes: int

    @property
    def best(self) -> Alternative:
        """The most probable answer as a whole; seldom another than the decoded one."""
        return self.operations[0]

    @property
    def entropy(self) -> float:
        """In nats: 0 where one answer is certain."""
        chances = (one.probability for one in self.operations)
        return max(0.0, -sum(p * math.log(p) for p in chances if p > 0))

    @cached_property
    def fields(self) -> Mapping[str, Mapping[str | int, float]]:
        """Marginals: of ``key``, and of each parameter, by value, most probable first.

        A parameter's probabilities have less than the sum 1: the rest is of operations that do not
        have it.
        """
        sums: dict[str, dict[str | int, list[float]]] = {}
        for one in self.operations:
            values = {"key": one.operation.key, **one.operation.params.model_dump()}
            for name, value in values.items():
                sums.setdefault(name, {}).setdefault(value, []).append(one.probability)
        added = {
            name: {value: math.fsum(chances) for value, chances in own.items()}
            for name, own in sums.items()
        }
        return {
            name: dict(sorted(own.items(), key=lambda item: -item[1]))
            for name, own in added.items()
        }

    def as_row(self) -> dict[str, Any]:
        """Ready for JSON: the best answer, how many there are, the entropy, and the marginals.

        Of those, what is less probable than one in a million is left out.
        """
        return {
            "best": self.best.as_row(),
            "answers": len(self.operations),
            "entropy": self.entropy,
            "fields": {
                name: {str(value): p for value, p in own.items() if p >= _LEAST}
                for name, own in self.fields.items()
                if max(own.values()) >= _LEAST
            },
        }


def log_weights(
    backend: Backend,
    prompt: Sequence[int],
    members: Sequence[Sequence[int]],
    *,
    eos_token_id: int,
    vocabulary: int,
) -> tuple[npt.NDArray[np.float64], int]:
    """The model's log-probability of each member behind a prompt, the end token included.

    Args:
        backend: The model.
        prompt: Token IDs, at least one.
        members: Token IDs of each, without the end token; all different, none empty.
        eos_token_id: The end token.
        vocabulary: How many token IDs there are to choose from.

    Returns:
        Natural logarithms, float64, shape (n,), and the passes it took.

    Raises:
        DecodeError: The model's scores are not numbers.
    """
    found = np.zeros(len(members))
    passes = 0
    for part in _parts(members):
        found[part] = _of_trie(
            backend, prompt, [members[i] for i in part], eos_token_id, vocabulary
        )
        passes += 1
    if not np.isfinite(found).all():
        raise DecodeError("the model's scores are not numbers")
    return found, passes


def _parts(members: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Members for each pass, neighbours together, so that beginnings are read seldom twice."""
    part: list[int] = []
    nodes = 0
    before: Sequence[int] = ()
    for number in sorted(range(len(members)), key=lambda i: tuple(members[i])):
        own = members[number]
        shared = next((i for i, (a, b) in enumerate(zip(before, own, strict=False)) if a != b), 0)
        if part and nodes + len(own) - shared > _NODES:
            yield part
            part, nodes, shared = [], 0, 0
        part.append(number)
        nodes += len(own) - shared
        before = own
    if part:
        yield part


def _of_trie(
    backend: Backend,
    prompt: Sequence[int],
    members: Sequence[Sequence[int]],
    eos_token_id: int,
    vocabulary: int,
) -> npt.NDArray[np.float64]:
    """One pass: node 0 is the end of the prompt, the others are tokens behind it."""
    nodes: dict[tuple[int, int], int] = {}
    tokens, parents, depths = [0], [0], [0]
    ends = []
    for own in members:
        node = 0
        for token in own:
            if (node, token) not in nodes:
                nodes[node, token] = len(tokens)
                tokens.append(token)
                parents.append(node)
                depths.append(depths[node] + 1)
            node = nodes[node, token]
        ends.append(node)
    count, length = len(tokens) - 1, len(prompt)
    sees = np.zeros((count + 1, count + 1), dtype=bool)
    for node in range(1, count + 1):
        sees[node] = sees[parents[node]]
        sees[node, node] = True
    whole = np.zeros((1, length + count, length + count), dtype=bool)
    whole[0, :length, :length] = np.tril(np.ones((length, length), dtype=bool))
    whole[0, length:, :length] = True
    whole[0, length:, length:] = sees[1:, 1:]
    ids = np.array([[*prompt, *tokens[1:]]], dtype=np.int64)
    positions = np.array([[*range(length), *(length - 1 + d for d in depths[1:])]], dtype=np.int64)
    places = np.array([(0, length - 1 + node) for node in range(count + 1)])
    vectors = backend.hidden(ids, positions, additive(whole), places)
    follow: list[list[int]] = [[] for _ in tokens]  # by node: what is asked of it
    for node in range(1, count + 1):
        follow[parents[node]].append(tokens[node])
    for node in ends:
        follow[node].append(eos_token_id)
    chances = _log_probabilities(backend, vectors, follow, vocabulary)
    sums = np.zeros(count + 1)
    for node in range(1, count + 1):
        sums[node] = sums[parents[node]] + chances[parents[node]][tokens[node]]
    return np.array([sums[node] + chances[node][eos_token_id] for node in ends])


def _log_probabilities(
    backend: Backend,
    vectors: npt.NDArray[np.float32],
    asked: Sequence[Sequence[int]],
    vocabulary: int,
) -> list[dict[int, float]]:
    """Of some tokens at each place, normalised over the whole vocabulary."""
    every = np.arange(vocabulary, dtype=np.int64)
    found = []
    for start in range(0, len(vectors), _SCORED):
        table = log_softmax(backend.scores(vectors[start : start + _SCORED], every))
        for row, tokens in zip(table, asked[start : start + _SCORED], strict=True):
            found.append({token: float(row[token]) for token in tokens})
    return found
