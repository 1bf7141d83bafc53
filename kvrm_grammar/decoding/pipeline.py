"""Reading -> Request -> Answer -> Decoded: the hops of one text.

In: readings and their prompts. Out: for each what the model chose. Everything that is loaded or
compiled once for an adapter is here; method and constraint come with the call.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.decoding.backends.loading import (
    Loaded,
    backend_of,
    check_outlines,
    torch_model,
)
from kvrm_grammar.decoding.decoded import Alternative, ConstraintName, Decoded, Method
from kvrm_grammar.decoding.draft import Drafter
from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.posterior import Posterior, log_weights
from kvrm_grammar.decoding.protocol import Answer, Backend, Language, Request, no_draft
from kvrm_grammar.decoding.scoring import log_softmax
from kvrm_grammar.decoding.search import best_first, distinct
from kvrm_grammar.dialects import Dialect, Reading
from kvrm_grammar.errors import DecodeError, InputError
from kvrm_grammar.isa import OperationModel
from kvrm_grammar.language.grounding import GroundedLanguage, Grounding
from kvrm_grammar.language.index import TokenIndex
from kvrm_grammar.language.tokens import decode_plain, encode_plain
from kvrm_grammar.lines import Line

__all__ = ["Pipeline"]

_SEARCH_PASSES = 100
Row = tuple[Reading, list[int]]  # a reading and its prompt's token IDs


@dataclass(frozen=True)
class Pipeline:
    """One adapter on one dialect, ready to run. Immutable; threads may share it.

    Attributes:
        loaded: Base model, adapter and tokenizer.
        dialect: The input language, and its instruction set.
        index: The language of all answers over the tokenizer's vocabulary.
    """

    loaded: Loaded
    dialect: Dialect
    index: TokenIndex

    def read(self, line: Line) -> Reading | InputError:
        """What the dialect makes of a line, or why it is none."""
        try:
            if line.error is not None:
                raise line.error
            return self.dialect.read(line.text)
        except InputError as error:
            return error

    def prompt(self, reading: Reading) -> list[int]:
        """Token IDs of a reading's prompt."""
        return encode_plain(self.loaded.tokenizer, reading.prompt)

    def run(self, rows: Sequence[Row], method: Method, constraint: ConstraintName) -> list[Decoded]:
        """Decode a batch.

        Args:
            rows: Readings with their prompts.
            method: How to search.
            constraint: What may be answered.

        Returns:
            In order, an answer, or the error of a row whose scores are not numbers.
        """
        if method == "outlines":
            return self._generate(rows)
        requests = [self._request(*row, method, constraint) for row in rows]
        with self.loaded.active():
            answers = self.engine.run(requests)
        return [
            self._decoded(reading, request.language, answer, constraint)
            for (reading, _), request, answer in zip(rows, requests, answers, strict=True)
        ]

    def search(self, reading: Reading, k: int) -> tuple[Alternative, ...]:
        """The most probable answers under the schema; fewer than ``k`` where it gives up."""
        request = self._request(reading, self.prompt(reading), "verify", "schema")
        with self.loaded.active():
            found = best_first(
                self.engine,
                request.prompt,
                request.language,
                request.draft,
                max_passes=_SEARCH_PASSES,
            )
            best = distinct(found, self._operation, k)
        return tuple(Alternative(operation, probability) for operation, probability in best)

    def answers(self, reading: Reading) -> Sequence[str]:
        """Every answer that a text's own words allow, as canonical JSON."""
        return self._grounding.language(reading.mentions).texts

    def posterior(self, reading: Reading) -> Posterior:
        """The exact distribution over what a text's own words allow.

        Raises:
            DecodeError: The model's scores are not numbers.
        """
        texts = self.answers(reading)
        operations = [self.dialect.isa.parse_json(text) for text in texts]
        chances, passes = np.ones(1), 0
        if len(texts) > 1:
            with self.loaded.active():
                weights, passes = log_weights(
                    self.backend,
                    self.prompt(reading),
                    [encode_plain(self.loaded.tokenizer, text) for text in texts],
                    eos_token_id=self.index.eos_token_id,
                    vocabulary=self.index.vocabulary.size,
                )
            chances = np.exp(log_softmax(weights))
        order = np.argsort(-chances, kind="stable").tolist()
        found = tuple(Alternative(operations[i], float(chances[i])) for i in order)
        return Posterior(found, passes)

    def _request(
        self, reading: Reading, prompt: list[int], method: Method, constraint: ConstraintName
    ) -> Request:
        draft = no_draft if method == "stepwise" else self._drafter.draft(reading)
        language: Language = self.index
        if constraint == "grounded":
            language = self._grounding.language(reading.mentions)
        return Request(prompt, language, draft)

    def _decoded(
        self,
        reading: Reading,
        language: Language,
        answer: Answer | DecodeError,
        constraint: ConstraintName,
    ) -> Decoded:
        if isinstance(answer, DecodeError):
            return Decoded(reading.raw, None, answer, constraint=constraint, reading=reading)
        return Decoded(
            reading.raw,
            self._operation(answer.token_ids),
            confidence=math.exp(answer.log_probability),
            passes=answer.passes,
            drafted=answer.drafted,
            token_ids=answer.token_ids,
            margin=answer.margin,
            forced=isinstance(language, GroundedLanguage) and language.is_single,
            constraint=constraint,
            reading=reading,
        )

    def _generate(self, rows: Sequence[Row]) -> list[Decoded]:
        """By transformers' ``generate``, which knows the schema alone and tells no confidence."""
        model = torch_model(self.loaded, "the method 'outlines'")
        check_outlines()
        from kvrm_grammar.decoding.outlines.generate import generate_rows

        with self.loaded.active():
            found = generate_rows(model, [prompt for _, prompt in rows], self.index)
        return [
            Decoded(reading.raw, None, row, constraint="schema", reading=reading)
            if isinstance(row, DecodeError)
            else Decoded(reading.raw, self._operation(row), constraint="schema", reading=reading)
            for (reading, _), row in zip(rows, found, strict=True)
        ]

    @cached_property
    def backend(self) -> Backend:
        """What runs the model."""
        return backend_of(self.loaded)

    @cached_property
    def engine(self) -> Engine:
        """What decodes with it."""
        return Engine(self.backend)

    @cached_property
    def _grounding(self) -> Grounding:
        isa, shorthand = self.dialect.isa, self.dialect.shorthand
        return Grounding(isa, self.index, self.index.vocabulary, shorthand)

    @cached_property
    def _drafter(self) -> Drafter:
        tokenizer = self.loaded.tokenizer
        return Drafter(lambda text: encode_plain(tokenizer, text), self._text)

    def _operation(self, token_ids: Sequence[int]) -> OperationModel:
        return self.dialect.isa.parse_json(self._text(list(token_ids)))

    def _text(self, token_ids: list[int]) -> str:
        return decode_plain(self.loaded.tokenizer, token_ids)
