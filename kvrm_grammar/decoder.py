"""Decoder: text in, ``Decoded`` out, always through the model under the constraint.

In: instructions. Out: for each, in order, the operation the model chose, and how sure it
was. The answer is the model's whatever the draft was; reasons and labels are the facade's
business.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Literal

from kvrm_grammar.constraint import Constraint, build_constraint
from kvrm_grammar.draft import Drafter
from kvrm_grammar.engine import Answer, Engine, Language, Request, no_draft
from kvrm_grammar.errors import DecodeError, InputError, KvrmError
from kvrm_grammar.generate import generate_constrained
from kvrm_grammar.grounding import Grounding
from kvrm_grammar.index import TokenIndex, build_index
from kvrm_grammar.isa import load_isa
from kvrm_grammar.lines import Line
from kvrm_grammar.model import LoadedModel, load_model
from kvrm_grammar.operations import INVALID, Operation, operation_from_json, operation_to_json
from kvrm_grammar.prompt import prompt_text, visible_text
from kvrm_grammar.resources import DEFAULT_ADAPTER, resource_path
from kvrm_grammar.tokens import encode_plain
from kvrm_grammar.vocabulary import read_vocabulary

__all__ = ["METHODS", "Decoded", "Decoder", "Method"]

Method = Literal["verify", "stepwise", "outlines"]
METHODS: tuple[Method, ...] = ("verify", "stepwise", "outlines")
"""How to search for the model's choice; the answer is the same.

``verify``: draft the answer and check it in one forward pass. ``stepwise``: the same engine,
one token per pass. ``outlines``: transformers' ``generate`` with an Outlines logits processor.
"""


@dataclass(frozen=True)
class Decoded:
    """What one text decoded to. Immutable.

    Attributes:
        text: The text as given.
        operation: The model's answer; None where the text never reached the model.
        error: Why there is no answer; None where there is one.
        confidence: Probability of this answer under the constraint, from the model's own
            scores, 0 to 1; None where there is no answer or the method does not tell.
        passes: Forward passes it took; None where the method does not tell.
        drafted: Token IDs that were accepted from a draft.
    """

    text: str
    operation: Operation | None
    error: KvrmError | None = None
    confidence: float | None = None
    passes: int | None = None
    drafted: int = 0

    @property
    def json(self) -> str | None:
        """Canonical JSON of the operation, or None."""
        return None if self.operation is None else operation_to_json(self.operation)

    @property
    def valid(self) -> bool:
        """Whether this is an instruction: answered, and not refused."""
        return self.operation is not None and self.operation != INVALID


@dataclass(frozen=True)
class Decoder:
    """A model, its constraint and the compiled index. Immutable; threads may share it.

    Attributes:
        loaded: Base model, adapter and tokenizer.
        constraint: The regular language of the answers.
        index: That language over this tokenizer's vocabulary.
        method: How to search, one of ``METHODS``.
        grounded: Whether operands must come from the instruction's own text; the method
            ``outlines`` knows the schema alone.
    """

    loaded: LoadedModel
    constraint: Constraint
    index: TokenIndex
    method: Method = "verify"
    grounded: bool = True

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path | None = None,
        *,
        base: str | Path | None = None,
        device: str | None = None,
        progress: bool = False,
        method: Method = "verify",
        grounded: bool = True,
    ) -> "Decoder":
        """Load an adapter with its base model and compile, or fetch from disk, the index.

        Args:
            path: Adapter folder; None for the packaged adapter.
            base: Base model folder or name; None for the one the adapter names.
            device: Such as ``cuda``; None for the CPU or, where there is one, a GPU.
            progress: Show a bar on standard error while the packaged base is being built.
            method: How to search for the answer, one of ``METHODS``.
            grounded: Whether operands must come from the instruction's own text.

        Returns:
            The decoder.

        Raises:
            AdapterError: The adapter is missing, damaged, or made for another base.
            BaseModelError: The base model is missing and cannot be fetched.
            ConstraintError: The schemas' language cannot be compiled.
        """
        adapter = Path(path) if path is not None else resource_path(DEFAULT_ADAPTER)
        loaded = load_model(adapter, base=base, device=device, progress=progress)
        return cls.from_loaded(loaded, method=method, grounded=grounded)

    @classmethod
    def from_loaded(
        cls, loaded: LoadedModel, *, method: Method = "verify", grounded: bool = True
    ) -> "Decoder":
        """Build a decoder around a loaded model; the index comes from disk where it can."""
        constraint = build_constraint(load_isa())
        return cls(loaded, constraint, build_index(constraint, loaded.tokenizer), method, grounded)

    def decode(self, text: str) -> Decoded:
        """Decode one instruction.

        Args:
            text: One line of at most 256 characters.

        Returns:
            The answer; ``operation`` is never None.

        Raises:
            LineTooLongError: The line is longer.
            DecodeError: The model's output was not a number, or was cut off.
        """
        decoded = next(self.decode_many([text]))
        if decoded.error is not None:
            raise decoded.error
        return decoded

    def decode_many(
        self, texts: Iterable[str | Line], *, batch_size: int = 16
    ) -> Iterator[Decoded]:
        """Decode a stream, in order; a bad line costs nobody else anything.

        Args:
            texts: Instructions, or lines as read; consumed as needed, at most a batch ahead.
            batch_size: Instructions per run of the model.

        Yields:
            One ``Decoded`` per text; a text that cannot be decoded carries its error.

        Raises:
            ValueError: ``batch_size`` is below 1.
            TypeError: ``texts`` is one string.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if isinstance(texts, str):
            raise TypeError("decode_many takes several texts; for one, use decode")
        stream = iter(texts)
        while batch := [_as_line(text) for text in islice(stream, batch_size)]:
            yield from self._decode_batch(batch)

    def _decode_batch(self, lines: Sequence[Line]) -> Iterator[Decoded]:
        prompts = [self._prompt(line) for line in lines]
        ready = [prompt for prompt in prompts if isinstance(prompt, list)]
        texts = [
            line.text
            for line, prompt in zip(lines, prompts, strict=True)
            if isinstance(prompt, list)
        ]
        answers = iter(self._answers(ready, texts))
        for line, prompt in zip(lines, prompts, strict=True):
            answer = prompt if isinstance(prompt, KvrmError) else next(answers)
            if isinstance(answer, KvrmError):
                yield Decoded(line.text, None, answer)
            elif isinstance(answer, Answer):
                yield self._decoded(line.text, answer)
            else:
                yield Decoded(line.text, answer)

    def _decoded(self, text: str, answer: Answer) -> Decoded:
        operation = operation_from_json(self._text(list(answer.token_ids)))
        confidence = math.exp(answer.log_probability)
        return Decoded(text, operation, None, confidence, answer.passes, answer.drafted)

    def _prompt(self, line: Line) -> list[int] | InputError:
        try:
            if line.error is not None:
                raise line.error
            return encode_plain(self.loaded.tokenizer, prompt_text(line.text))
        except InputError as error:
            return error

    def _answers(
        self, prompts: list[list[int]], texts: list[str]
    ) -> Sequence[Answer | Operation | DecodeError]:
        if self.method == "outlines":
            return self._generate(prompts)
        drafts = [no_draft if self.method == "stepwise" else self._drafter.draft(t) for t in texts]
        languages = [self._language(text) for text in texts]
        return self._engine.run(
            [Request(*parts) for parts in zip(prompts, languages, drafts, strict=True)]
        )

    def _language(self, text: str) -> Language:
        return self._grounding.language(visible_text(text)) if self.grounded else self.index

    def _generate(self, prompts: list[list[int]]) -> list[Operation | DecodeError]:
        if not prompts:
            return []
        try:
            rows = generate_constrained(self.loaded.model, prompts, self.index)
        except DecodeError as error:
            if len(prompts) == 1:
                return [error]
            # One row broke the run: each alone, so that only that row is lost.
            return [answer for prompt in prompts for answer in self._generate([prompt])]
        return [operation_from_json(self._text(row)) for row in rows]

    @cached_property
    def _engine(self) -> Engine:
        return Engine(self.loaded.model)

    @cached_property
    def _grounding(self) -> Grounding:
        return Grounding(load_isa(), self.index, read_vocabulary(self.loaded.tokenizer))

    @cached_property
    def _drafter(self) -> Drafter:
        tokenizer = self.loaded.tokenizer
        return Drafter(load_isa(), lambda text: encode_plain(tokenizer, text), self._text)

    def _text(self, token_ids: list[int]) -> str:
        decode = self.loaded.tokenizer.decode
        return str(decode(token_ids, clean_up_tokenization_spaces=False))


def _as_line(text: str | Line) -> Line:
    if isinstance(text, Line):
        return text
    if isinstance(text, str):
        return Line(text)
    return Line(repr(text), InputError(f"an instruction is text, got {type(text).__name__}"))
