"""Decoder: text in, ``Decoded`` out, always through the model under the constraint.

In: instructions. Out: for each, in order, the operation the model chose, and how sure it
was. The answer is the model's whatever the draft was; the reason of a refusal is looked for
when somebody reads it, and labels are the facade's business.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path

from kvrm_grammar.decoding.batching import check_limits, pack
from kvrm_grammar.decoding.decoded import (
    CONSTRAINTS,
    METHODS,
    Alternative,
    ConstraintName,
    Decoded,
    Method,
    answered,
    check_choice,
)
from kvrm_grammar.decoding.draft import Drafter
from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.outlines.generate import generate_rows
from kvrm_grammar.decoding.protocol import Answer, Language, Request, no_draft
from kvrm_grammar.decoding.reasons import reason_later
from kvrm_grammar.decoding.search import best_first, distinct
from kvrm_grammar.dialects.lenient.guess import guess
from kvrm_grammar.dialects.prompt import PROMPT_PREFIX, prompt_text, visible_text
from kvrm_grammar.dialects.registry import Dialect, find_dialect
from kvrm_grammar.errors import DecodeError, InputError, KvrmError
from kvrm_grammar.isa.binding import load_isa
from kvrm_grammar.isa.operations import operation_from_json
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
        check_choice("method", self.method, METHODS)
        check_choice("constraint", self.constraint, CONSTRAINTS)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path | None = None,
        *,
        base: str | Path | None = None,
        device: str | None = None,
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
        loaded = load_model(adapter, base=base, device=device, progress=progress)
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
        """The same decoder under another constraint; all that is loaded or compiled is shared.

        Raises:
            InputError: There is no such constraint.
        """
        if constraint == self.constraint:
            return self
        other = replace(self, constraint=constraint)
        for name in ("_engine", "_grounding", "_drafter"):  # the same for every constraint
            vars(other)[name] = getattr(self, name)
        return other

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
        longest line. Memory does not grow with the stream.

        Args:
            texts: Instructions, or lines as read; eight batches of them are read ahead, or
                one line where ``batch_size`` is 1.
            batch_size: Instructions per run of the model, at most.
            batch_tokens: Token IDs of prompts per run, padding included, at most; a longer
                instruction runs alone.
            min_confidence: Refuse, with the reason ``uncertain``, what is less probable.

        Yields:
            One ``Decoded`` per text; a text that cannot be decoded carries its error.

        Raises:
            ValueError: ``batch_size`` or ``batch_tokens`` is below 1, or ``min_confidence``
                is not from 0 to 1.
            TypeError: ``texts`` is one string.
        """
        check_limits(batch_size=batch_size, batch_tokens=batch_tokens)
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence must be from 0 to 1, got {min_confidence}")
        if isinstance(texts, str):
            raise TypeError("decode_many takes several texts; for one, use decode")
        stream = iter(texts)
        window = batch_size if batch_size == 1 else _BATCHES_AHEAD * batch_size
        while lines := [as_line(text) for text in islice(stream, window)]:
            for decoded in self._decode_window(lines, batch_size, batch_tokens):
                yield decoded.unless_uncertain(min_confidence)

    def alternatives(self, decoded: Decoded, k: int = 5) -> tuple[Alternative, ...]:
        """Search for the most probable answers to a text, the given one among them.

        Args:
            decoded: From a decoder of this adapter; its own constraint is searched under.
            k: How many, at least 1.

        Returns:
            Up to ``k`` different operations in descending order of probability; fewer
            where the constraint allows fewer, or the search ends after a hundred forward
            passes; none where there is no answer, or no confidence. The answer itself, the
            best token by token, is nearly always the first, and never missing below ``k``.

        Raises:
            ValueError: ``k`` is below 1.
            DecodeError: The model's scores are not numbers.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        if decoded.operation is None or decoded.confidence is None:
            return ()
        searcher = self.constrained(decoded.constraint or self.constraint)
        found, own = searcher._search(decoded.text, k), decoded.refused or decoded.operation
        missing = len(found) < k and all(one.operation != own for one in found)
        return (*found, Alternative(own, decoded.confidence)) if missing else found

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
            return self._generate(texts, prompts)
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
        operation = operation_from_json(self._text(list(answer.token_ids)))
        forced = isinstance(language, GroundedLanguage) and len(language.texts or ()) == 1
        reason = reason_later(operation, text, self.dialect.name)
        return answered(text, operation, answer, forced, self.constraint, reason)

    def _search(self, text: str, k: int) -> tuple[Alternative, ...]:
        prompt, draft = self._encode(text), self._drafter.draft(text)
        language = self._language(text)
        with self.loaded.active():
            search = best_first(self._engine, prompt, language, draft, max_passes=_SEARCH_PASSES)
            found = distinct(search, lambda ids: operation_from_json(self._text(list(ids))), k)
        return tuple(Alternative(operation, probability) for operation, probability in found)

    def _prompt(self, line: Line) -> list[int] | InputError:
        try:
            if line.error is not None:
                raise line.error
            return self._encode(line.text)
        except InputError as error:
            return error

    def _encode(self, text: str) -> list[int]:
        return encode_plain(self.loaded.tokenizer, prompt_text(text, fold=self.dialect.fold))

    def _language(self, text: str) -> Language:
        if self.constraint == "schema":
            return self.index
        return self._grounding.language(visible_text(text, fold=self.dialect.fold))

    def _generate(self, texts: list[str], prompts: list[list[int]]) -> list[Decoded]:
        with self.loaded.active():
            rows = generate_rows(self.loaded.model, prompts, self.index)
        return [self._generated(text, row) for text, row in zip(texts, rows, strict=True)]

    def _generated(self, text: str, row: list[int] | DecodeError) -> Decoded:
        if isinstance(row, DecodeError):
            return Decoded(text, None, row, constraint="schema")
        operation = operation_from_json(self._text(row))
        reason = reason_later(operation, text, self.dialect.name)
        return Decoded(text, operation, constraint="schema", reason=reason)

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
