"""Decoder: text in, ``Decoded`` out, always through the model under the constraint.

In: instructions. Out: for each, in order, the operation the model chose, and how sure it
was. The answer is the model's whatever the draft was; reasons and labels are the facade's
business.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import torch

from kvrm_grammar.decoding.batching import pack
from kvrm_grammar.decoding.decoded import (
    CONSTRAINTS,
    METHODS,
    Alternative,
    ConstraintName,
    Decoded,
    Method,
)
from kvrm_grammar.decoding.draft import Drafter
from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.outlines.generate import generate_rows
from kvrm_grammar.decoding.protocol import Answer, Language, Request, no_draft
from kvrm_grammar.decoding.search import best_first, distinct
from kvrm_grammar.decoding.windows import windows
from kvrm_grammar.dialects.lenient.guess import guess
from kvrm_grammar.dialects.prompt import PROMPT_PREFIX, prompt_text, visible_text
from kvrm_grammar.dialects.registry import Dialect, find_dialect
from kvrm_grammar.errors import DecodeError, InputError, KvrmError
from kvrm_grammar.isa.binding import load_isa
from kvrm_grammar.isa.operations import Operation, operation_from_json
from kvrm_grammar.language.constraint import Constraint, build_constraint
from kvrm_grammar.language.grounding import GroundedLanguage, Grounding
from kvrm_grammar.language.index import TokenIndex, build_index
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.lines import Line, as_line
from kvrm_grammar.resources import resource_path
from kvrm_grammar.weights.loading import LoadedModel, load_model

__all__ = ["METHODS", "Decoder", "Method"]

_SEARCH_PASSES = 100
_BATCHES_AHEAD = 8  # sorted together: more sort better, and answer later


@dataclass(frozen=True)
class Decoder:
    """A model, its constraint and the compiled index. Immutable; threads may share it.

    Attributes:
        loaded: Base model, adapter and tokenizer.
        schema: The regular language of all operations.
        index: That language over this tokenizer's vocabulary.
        method: How to search, one of ``METHODS``.
        constraint: What may be answered, one of ``CONSTRAINTS``; the method ``outlines``
            knows the schema alone.
        dialect: The input language that the adapter was trained on.
    """

    loaded: LoadedModel
    schema: Constraint
    index: TokenIndex
    method: Method = "verify"
    constraint: ConstraintName = "grounded"
    dialect: Dialect = field(default_factory=lambda: find_dialect("strict"))

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"unknown method {self.method!r}; available: {', '.join(METHODS)}")
        if self.constraint not in CONSTRAINTS:
            raise InputError(
                f"unknown constraint {self.constraint!r}; available: {', '.join(CONSTRAINTS)}"
            )

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path | None = None,
        *,
        base: str | Path | None = None,
        device: str | None = None,
        dtype: str | None = None,
        progress: bool = False,
        method: Method = "verify",
        constraint: ConstraintName = "grounded",
        dialect: str = "strict",
    ) -> "Decoder":
        """Load an adapter with its base model and compile, or fetch from disk, the index.

        Args:
            path: Adapter folder; None for the packaged adapter of the dialect.
            base: Base model folder or name; None for the one the adapter names.
            device: Such as ``cuda``; None for the CPU or, where there is one, a GPU.
            dtype: ``float32``, ``bfloat16`` or ``float16``; None for the fastest of the device.
            progress: Show a bar on standard error while the packaged base is being built.
            method: How to search for the answer, one of ``METHODS``.
            constraint: What may be answered, one of ``CONSTRAINTS``.
            dialect: What the adapter reads, ``strict`` or ``lenient``.

        Returns:
            The decoder.

        Raises:
            InputError: There is no such method, constraint or dialect.
            AdapterError: The adapter is missing, damaged, or made for another base.
            BaseModelError: The base model is missing and cannot be fetched.
            ConstraintError: The schemas' language cannot be compiled.
        """
        read = find_dialect(dialect)
        adapter = Path(path) if path is not None else resource_path(read.adapter)
        precision = None if dtype is None else getattr(torch, dtype)
        loaded = load_model(adapter, base=base, device=device, dtype=precision, progress=progress)
        return cls.from_loaded(loaded, method=method, constraint=constraint, dialect=dialect)

    @classmethod
    def from_loaded(
        cls,
        loaded: LoadedModel,
        *,
        method: Method = "verify",
        constraint: ConstraintName = "grounded",
        dialect: str = "strict",
    ) -> "Decoder":
        """Build a decoder around a loaded model; the index comes from disk where it can."""
        schema = build_constraint(load_isa())
        index = build_index(schema, loaded.tokenizer)
        return cls(loaded, schema, index, method, constraint, find_dialect(dialect))

    def constrained(self, constraint: ConstraintName) -> "Decoder":
        """The same decoder under another constraint; model and index are shared.

        Raises:
            InputError: There is no such constraint.
        """
        return replace(self, constraint=constraint)

    def decode(self, text: str, *, min_confidence: float = 0.0) -> Decoded:
        """Decode one instruction.

        Args:
            text: One line of at most 256 characters.
            min_confidence: Refuse, with the reason ``uncertain``, what is less probable.

        Returns:
            The answer; ``operation`` is never None.

        Raises:
            LineTooLongError: The line is longer.
            DecodeError: The model's output was not a number, or was cut off.
        """
        decoded = next(self.decode_many([text], min_confidence=min_confidence))
        if decoded.error is not None:
            raise decoded.error
        return decoded

    def decode_many(
        self,
        texts: Iterable[str | Line],
        *,
        batch_size: int = 16,
        batch_tokens: int = 1024,
        min_confidence: float = 0.0,
    ) -> Iterator[Decoded]:
        """Decode a stream, in order; a bad line costs nobody else anything.

        Lines are read ahead and packed by length, because a batch is as slow as its
        longest line. Memory does not grow with the stream, and a slow one is not waited
        for (see :mod:`kvrm_grammar.decoding.windows`).

        Args:
            texts: Instructions, or lines as read (``read_lines``); eight batches of them are
                read ahead, or one line where ``batch_size`` is 1.
            batch_size: Instructions per run of the model, at most.
            batch_tokens: Token IDs of prompts per run, padding included, at most; a longer
                instruction runs alone.
            min_confidence: Refuse, with the reason ``uncertain``, what is less probable.

        Returns:
            An iterator of one ``Decoded`` per text; a text that cannot be decoded carries its
            error. Where ``texts`` raises, what it gave before is decoded first.

        Raises:
            ValueError: ``batch_size`` or ``batch_tokens`` is below 1, or ``min_confidence``
                is not from 0 to 1.
            TypeError: ``texts`` is one string, or cannot be iterated.
        """
        for name, value in (("batch_size", batch_size), ("batch_tokens", batch_tokens)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence must be from 0 to 1, got {min_confidence}")
        size = batch_size if batch_size == 1 else _BATCHES_AHEAD * batch_size
        return (
            decoded.unless_uncertain(min_confidence)
            for window in windows(texts, size)
            for decoded in self._decode_window(
                [as_line(text) for text in window], batch_size, batch_tokens
            )
        )

    def _decode_window(
        self, lines: Sequence[Line], batch_size: int, batch_tokens: int
    ) -> list[Decoded]:
        results: dict[int, Decoded] = {}
        ready: list[tuple[int, list[int]]] = []
        for position, line in enumerate(lines):
            prompt = self._prompt(line)
            if isinstance(prompt, KvrmError):
                results[position] = Decoded(line.text, None, prompt)
            else:
                ready.append((position, prompt))
        lengths = [len(prompt) for _, prompt in ready]
        for batch in pack(lengths, batch_size=batch_size, batch_tokens=batch_tokens):
            positions = [ready[i][0] for i in batch]
            texts = [lines[position].text for position in positions]
            decoded = self._decode_batch(texts, [ready[i][1] for i in batch])
            results.update(zip(positions, decoded, strict=True))
        return [results[position] for position in range(len(lines))]

    def _decode_batch(self, texts: list[str], prompts: list[list[int]]) -> list[Decoded]:
        if self.method == "outlines":
            generated = zip(texts, self._generate(prompts), strict=True)
            return [self._generated(text, answer) for text, answer in generated]
        drafts = [no_draft if self.method == "stepwise" else self._drafter.draft(t) for t in texts]
        languages = [self._language(text) for text in texts]
        with self.loaded.active():
            answers = self._engine.run(
                [Request(*parts) for parts in zip(prompts, languages, drafts, strict=True)]
            )
        rows = zip(texts, languages, answers, strict=True)
        return [self._decoded(text, language, answer) for text, language, answer in rows]

    def _decoded(self, text: str, language: Language, answer: Answer | DecodeError) -> Decoded:
        if isinstance(answer, DecodeError):
            return Decoded(text, None, answer, constraint=self.constraint)
        texts = language.texts if isinstance(language, GroundedLanguage) else None
        return Decoded(
            text,
            operation_from_json(self._text(list(answer.token_ids))),
            confidence=math.exp(answer.log_probability),
            passes=answer.passes,
            drafted=answer.drafted,
            token_ids=answer.token_ids,
            margin=answer.margin,
            forced=texts is not None and len(texts) == 1,
            constraint=self.constraint,
            _search=self._alternatives,
            _reference=self._drafter.reference,
        )

    def _generated(self, text: str, answer: Operation | DecodeError) -> Decoded:
        if isinstance(answer, DecodeError):
            return Decoded(text, None, answer, constraint="schema")
        return Decoded(text, answer, constraint="schema", _reference=self._drafter.reference)

    def _alternatives(self, text: str, k: int) -> tuple[Alternative, ...]:
        prompt = encode_plain(self.loaded.tokenizer, prompt_text(text, fold=self.dialect.fold))
        draft, language = self._drafter.draft(text), self._language(text)
        with self.loaded.active():
            search = best_first(self._engine, prompt, language, draft, max_passes=_SEARCH_PASSES)
            found = distinct(search, lambda ids: operation_from_json(self._text(list(ids))), k)
        return tuple(Alternative(operation, probability) for operation, probability in found)

    def _prompt(self, line: Line) -> list[int] | InputError:
        try:
            if line.error is not None:
                raise line.error
            return encode_plain(
                self.loaded.tokenizer, prompt_text(line.text, fold=self.dialect.fold)
            )
        except InputError as error:
            return error

    def _language(self, text: str) -> Language:
        if self.constraint == "schema":
            return self.index
        return self._grounding.language(visible_text(text, fold=self.dialect.fold))

    def _generate(self, prompts: list[list[int]]) -> list[Operation | DecodeError]:
        with self.loaded.active():
            rows = generate_rows(self.loaded.model, prompts, self.index)
        return [
            row if isinstance(row, DecodeError) else operation_from_json(self._text(row))
            for row in rows
        ]

    @cached_property
    def _engine(self) -> Engine:
        return Engine(self.loaded.model, encode_plain(self.loaded.tokenizer, PROMPT_PREFIX))

    @cached_property
    def _grounding(self) -> Grounding:
        return Grounding(
            load_isa(), self.index, self.index.vocabulary, self.dialect.find, self.dialect.shorthand
        )

    @cached_property
    def _drafter(self) -> Drafter:
        tokenizer = self.loaded.tokenizer
        # The strict dialect's parser says all that a draft could: there it stands alone.
        other = guess if self.dialect.fold else None
        return Drafter(load_isa(), lambda text: encode_plain(tokenizer, text), self._text, other)

    def _text(self, token_ids: list[int]) -> str:
        decode = self.loaded.tokenizer.decode
        return str(decode(token_ids, clean_up_tokenization_spaces=False))
