"""Draft and verify: a whole answer checked in one forward pass.

In: requests (prompt, language, draft). Out: for each the answer's token IDs, as far as there is a
choice, with their log-probability: the most probable name of an operation
(:mod:`kvrm_grammar.decoding.naming`), and behind it greedy constrained decoding. A draft is never
trusted: at every position the model's own choice among the allowed tokens decides, and where it
differs, the draft is dropped from there on and the next pass goes on behind the choice.

There is no cache of keys and values: a pass reads prompt and answer so far again, and there is
seldom a second one. Scores are computed only where there is a choice, and are float32 whatever the
model's precision is.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kvrm_grammar.decoding.acceptance import Choice, Row
from kvrm_grammar.decoding.packing import Rows, arrange
from kvrm_grammar.decoding.protocol import Answer, Backend, Language, Request, Scores, no_draft
from kvrm_grammar.decoding.scoring import best_choices, log_softmax
from kvrm_grammar.errors import DecodeError

__all__ = ["Engine"]


class Engine:
    """Verifies drafts with one model. Immutable; threads may share it.

    Args:
        backend: Computes hidden states and scores.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def run(self, requests: Sequence[Request]) -> list[Answer | DecodeError]:
        """Decode a batch; every request gets the answer it would get alone.

        Args:
            requests: Prompts, drafts and languages may all differ.

        Returns:
            In order, an answer, or the error of a row whose scores are not numbers.

        Raises:
            ValueError: A prompt is empty.
        """
        rows = [Row(request, request.language.initial_state) for request in requests]
        for position, row in enumerate(rows):
            if not row.request.prompt:
                raise ValueError(f"prompt {position} is empty")
            row.begin()
        while active := [row for row in rows if row.result is None]:
            self._pass(active)
        return [row.result for row in rows if row.result is not None]

    def score(
        self, prompt: Sequence[int], answer: Sequence[int], language: Language, state: int
    ) -> list[Scores]:
        """Score everything allowed before each token of an answer, and behind it, in one pass.

        Each token among what is allowed, in names too: so is it for languages whose names are
        chosen token by token, which :mod:`kvrm_grammar.decoding.search` is for.

        Args:
            prompt: Token IDs, at least one; what of the answer is settled belongs to it.
            answer: Token IDs that may follow.
            language: The answers to choose from.
            state: Its state behind the prompt.

        Returns:
            Scores before each token and behind the last, as far as the language leaves a choice.

        Raises:
            DecodeError: A score is not a number.
        """
        row = Row(Request(prompt, language, no_draft), state, answer)
        states = row.states()
        places = np.array([(0, len(prompt) - 1 + k) for k in range(len(states))])
        vectors = self._hidden([[*prompt, *answer[: len(states) - 1]]], places)
        return [
            self._scores(vector[None], own, language.allowed(own))
            for vector, own in zip(vectors, states, strict=True)
        ]

    def _scores(
        self, vector: npt.NDArray[np.float32], state: int, allowed: npt.NDArray[np.int64]
    ) -> Scores:
        """Normalise over the allowed tokens at one position; the vector is (1, hidden)."""
        if len(allowed) == 1:
            return Scores(state, allowed, np.zeros(1))
        log_probabilities = log_softmax(self._backend.scores(vector, allowed)[0])
        if np.isnan(log_probabilities).any():
            raise DecodeError("the model's scores are not numbers")
        return Scores(state, allowed, log_probabilities)

    def _pass(self, rows: Sequence[Row]) -> None:
        """Read what the open choices of all rows need of prompt, accepted tokens and draft; decide.

        A row without one is not read, and none is read behind its last: so a second pass whose rest
        the language leaves no choice costs nothing.
        """
        read: list[list[int]] = []
        places: list[tuple[int, int]] = []  # number of a text in what is read, and place in it
        open_sets: list[npt.NDArray[np.int64]] = []
        weighed: list[npt.NDArray[np.int64] | None] = []  # within a name, among what
        states: list[list[int]] = []
        settled: list[list[Choice | None]] = []  # None where the model is asked
        for row in rows:
            text, language = row.start_pass(), row.request.language
            behind, last = len(text) - len(row.draft) - 1, -1
            own: list[Choice | None] = []
            states.append(row.states())
            for place, state in enumerate(states[-1], start=behind):
                ids, among = language.allowed(state), language.naming(state)
                if len(ids) == 1 and (among is None or len(among) == 1):
                    own.append(Choice(int(ids[0]), 0.0, float("inf")))
                else:
                    own.append(None)
                    places.append((len(read), place))
                    open_sets.append(ids)
                    weighed.append(among)
                    last = place
            settled.append(own)
            if last >= 0:
                read.append(text[: last + 1])
        asked: list[Choice | DecodeError] = []
        if places:
            vectors = self._hidden(read, np.array(places))
            asked = best_choices(self._backend, vectors, open_sets, weighed)
        answers = iter(asked)
        for row, before, own in zip(rows, states, settled, strict=True):
            row.advance(before, [next(answers) if choice is None else choice for choice in own])

    def _hidden(
        self, texts: Sequence[Sequence[int]], places: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Last hidden states at places (text, position), shape (n, hidden)."""
        rows = arrange(texts, share=self._backend.shares_rows)
        vectors = self._read(rows, places)
        if rows.mask is not None and not np.isfinite(vectors).all():
            # NaN goes through any mask; it must not cost a neighbour its answer.
            vectors = self._read(arrange(texts, share=False), places)
        return vectors

    def _read(self, rows: Rows, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        at = rows.starts[places[:, 0]]
        at[:, 1] += places[:, 1]
        return self._backend.hidden(rows.ids, rows.positions, rows.mask, at)
