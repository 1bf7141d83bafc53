"""Draft and verify: a whole answer checked in one forward pass.

In: requests (prompt, language, draft). Out: for each the answer's token IDs, exactly those
of greedy constrained decoding, with their log-probability. A draft is never trusted: at
every position the model's own choice among the allowed tokens decides, and where it
differs, the draft is dropped from there on and the next pass goes on behind the choice.

Scores are computed only where there is a choice: a position with one allowed token needs
none, and one with a few needs those rows of the output matrix alone. They are float32 whatever
the model's precision is (:mod:`~kvrm_grammar.decoding.head`).
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import DynamicCache

from kvrm_grammar.decoding.acceptance import Choice, Row
from kvrm_grammar.decoding.head import Head, causal_parts
from kvrm_grammar.decoding.protocol import Answer, Language, Request, Scores, no_draft
from kvrm_grammar.errors import DecodeError

__all__ = ["Engine"]

_FEW = 512  # positions with so many allowed tokens or fewer are scored together


class Engine:
    """Verifies drafts with one model. Immutable; threads may share it.

    Args:
        model: A transformers causal language model of the decoder-only kind with parts
            ``model`` and ``lm_head``, or a PEFT model around one, in evaluation mode.
        prefix: Token IDs that prompts begin with: read once, and not again for each of them.

    Raises:
        ModelError: The model has other parts, or its scores are not those of its ``lm_head``.
    """

    def __init__(self, model: Any, prefix: Sequence[int] = ()) -> None:
        self._body, head, self._device = causal_parts(model)
        self._head = Head(head)
        self._prefix = tuple(prefix)

    def run(self, requests: Sequence[Request]) -> list[Answer | DecodeError]:
        """Decode a batch; every request gets the answer it would get alone.

        Args:
            requests: Prompts, drafts and languages may all differ.

        Returns:
            In order, an answer, or the error of a row whose scores are not numbers.

        Raises:
            ValueError: A prompt is empty.
        """
        rows = [Row(r, r.language.initial_state, list(r.prompt)) for r in requests]
        for position, row in enumerate(rows):
            if not row.block:
                raise ValueError(f"prompt {position} is empty")
        with torch.inference_mode():
            active, cache = list(rows), self._start(rows)
            mask = torch.ones((len(rows), cache.get_seq_length()), dtype=torch.int64)
            while active:  # the mask says which positions in the cache count
                mask = self._pass(active, cache, mask)
                going = [i for i, row in enumerate(active) if row.result is None]
                if 0 < len(going) < len(active):
                    cache.batch_select_indices(torch.tensor(going, device=self._device))
                mask, active = mask[going], [active[i] for i in going]
        return [row.result for row in rows if row.result is not None]

    def _start(self, rows: Sequence[Row]) -> DynamicCache:
        """A cache that holds the prefix, if that begins all prompts and leaves something."""
        cache, length = DynamicCache(), len(self._prefix)
        begun = all(len(r.block) > length and r.block[:length] == [*self._prefix] for r in rows)
        if not rows or not length or not begun:
            return cache
        for layer, (keys, values) in enumerate(self._prefix_cache):
            cache.update(
                keys.expand(len(rows), -1, -1, -1), values.expand(len(rows), -1, -1, -1), layer
            )
        for row in rows:
            row.block, row.read = row.block[length:], length
        return cache

    @cached_property
    def _prefix_cache(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of every layer, each (1, heads, prefix, head size)."""
        cache = DynamicCache()
        ids = torch.tensor([self._prefix], device=self._device)
        self._body(input_ids=ids, past_key_values=cache, use_cache=True)
        layers: Any = cache.layers  # of several kinds; those of a decoder-only model have both
        return [(layer.keys, layer.values) for layer in layers]

    def score(
        self, prompt: Sequence[int], answer: Sequence[int], language: Language, state: int
    ) -> list[Scores]:
        """Score everything allowed before each token of an answer, and behind it, in one pass.

        Args:
            prompt: Token IDs, at least one; what of the answer is settled belongs to it.
            answer: Token IDs that may follow.
            language: The answers to choose from.
            state: Its state behind the prompt.

        Returns:
            Scores before each token and behind the last, as far as the language goes on.

        Raises:
            DecodeError: A score is not a number.
        """
        row = Row(Request(prompt, language, no_draft), state, list(prompt), draft=list(answer))
        states = row.states()
        ids = torch.tensor([[*prompt, *answer]], device=self._device)
        with torch.inference_mode():
            hidden = self._body(input_ids=ids, use_cache=False).last_hidden_state[0]
            return [
                self._scores(hidden[len(prompt) - 1 + place], state, language.allowed(state))
                for place, state in enumerate(states)
            ]

    def _scores(self, vector: Tensor, state: int, allowed: npt.NDArray[np.int64]) -> Scores:
        """Normalise over the allowed tokens at one position; the vector is (hidden,)."""
        if len(allowed) == 1:
            return Scores(state, allowed, np.zeros(1))
        # Some devices have no float64: the sum is taken on the CPU.
        scores = self._head.scores(vector[None], allowed)[0].cpu().double()
        log_probabilities = scores.log_softmax(dim=-1).numpy()
        if np.isnan(log_probabilities).any():
            raise DecodeError("the model's scores are not numbers")
        return Scores(state, allowed, log_probabilities)

    def _pass(self, rows: Sequence[Row], cache: DynamicCache, mask: Tensor) -> Tensor:
        """Read every row's block and draft, decide, and return the mask of what counts."""
        blocks = [row.start_pass() for row in rows]
        hidden = self._hidden(rows, blocks, cache, mask)  # (rows, longest, hidden size)
        states = [row.states() for row in rows]
        places = [
            (i, len(row.block) - 1 + k) for i, row in enumerate(rows) for k in range(len(states[i]))
        ]
        allowed = [
            row.request.language.allowed(state) for i, row in enumerate(rows) for state in states[i]
        ]
        choices = iter(self._choose(hidden, places, allowed))
        new = torch.zeros((len(rows), hidden.shape[1]), dtype=torch.int64)
        for i, row in enumerate(rows):
            row.advance(states[i], [next(choices) for _ in states[i]])
            new[i, : row.kept] = 1
        return torch.cat((mask, new), dim=1)

    def _hidden(
        self,
        rows: Sequence[Row],
        blocks: Sequence[list[int]],
        cache: DynamicCache,
        mask: Tensor,
    ) -> Tensor:
        """Last hidden states of all blocks, padded on the right: (rows, longest, hidden)."""
        longest = max(map(len, blocks))
        ids = torch.tensor([block + [0] * (longest - len(block)) for block in blocks])
        first = torch.tensor([[row.read] for row in rows])
        attention = None
        if mask.shape[1]:  # in the first pass, what is not causal is behind every real token
            attention = torch.cat((mask, torch.ones_like(ids)), dim=1).to(self._device)
        output = self._body(
            input_ids=ids.to(self._device),
            position_ids=(first + torch.arange(longest)).to(self._device),
            attention_mask=attention,
            past_key_values=cache,
            use_cache=True,
        )
        hidden: Tensor = output.last_hidden_state
        return hidden

    def _choose(
        self,
        hidden: Tensor,
        places: Sequence[tuple[int, int]],
        allowed: Sequence[npt.NDArray[np.int64]],
    ) -> list[Choice | DecodeError]:
        """The best allowed token at every place; scores only where there is a choice."""
        choices: list[Choice | DecodeError | None] = [
            Choice(int(ids[0]), 0.0, float("inf")) if len(ids) == 1 else None for ids in allowed
        ]
        few = [i for i, ids in enumerate(allowed) if 1 < len(ids) <= _FEW]
        many = [i for i, ids in enumerate(allowed) if len(ids) > _FEW]
        for group in filter(None, (few, many)):
            at = torch.tensor([places[i] for i in group], device=self._device)
            vectors = hidden[at[:, 0], at[:, 1]]  # (group, hidden)
            scored = self._scored(vectors, [allowed[i] for i in group])
            for i, choice in zip(group, scored, strict=True):
                choices[i] = choice
        return [choice for choice in choices if choice is not None]

    def _scored(
        self, vectors: Tensor, sets: Sequence[npt.NDArray[np.int64]]
    ) -> list[Choice | DecodeError]:
        """Masked scores of a group of positions, and the best two of each."""
        columns = np.unique(np.concatenate(sets))
        scores = self._head.scores(vectors, columns)  # (group, columns)
        rows = np.repeat(np.arange(len(sets)), [len(ids) for ids in sets])
        allowed = torch.zeros(scores.shape, dtype=torch.bool)
        allowed[rows, np.searchsorted(columns, np.concatenate(sets))] = True
        masked = scores.masked_fill(~allowed.to(self._device), float("-inf"))
        best, order = masked.topk(2, dim=-1)  # (group, 2)
        log_probabilities = (best[:, 0] - masked.logsumexp(dim=-1)).tolist()
        result: list[Choice | DecodeError] = []
        for (one, two), first, log_probability in zip(
            best.tolist(), order[:, 0].tolist(), log_probabilities, strict=True
        ):
            if not np.isfinite(one) or np.isnan(log_probability):
                result.append(DecodeError(f"the model's scores are {one}, not numbers"))
                continue
            result.append(Choice(int(columns[first]), log_probability, one - two))
        return result
