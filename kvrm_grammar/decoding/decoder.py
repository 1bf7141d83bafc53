"""Decoder: text in, ``Decoded`` out, always through the model under the constraint.

In: instructions. Out: for each, in order, the operation the model chose, and how sure it
was. The answer is the model's whatever the draft was; reasons and labels are the facade's
business.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.decoding.adapters import choose
from kvrm_grammar.decoding.backends.loading import Loaded, check_outlines, load_many
from kvrm_grammar.decoding.batching import check_limits, pack
from kvrm_grammar.decoding.decoded import (
    CONSTRAINTS,
    METHODS,
    Alternative,
    ConstraintName,
    Decoded,
    Method,
    check_choice,
)
from kvrm_grammar.decoding.pipeline import Pipeline
from kvrm_grammar.decoding.posterior import Posterior
from kvrm_grammar.decoding.windows import windows
from kvrm_grammar.dialects import Dialect, Reading, find_dialect
from kvrm_grammar.errors import InputError
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.language.constraint import Constraint, build_constraint
from kvrm_grammar.language.index import TokenIndex, build_index
from kvrm_grammar.lines import Line, as_line

__all__ = ["Decoder"]

_MOVEMENT = 0.05
"""In less than float32 a confidence depends on the batch, by less than this (see
benchmarks/movement.py). What is so near a threshold is decoded again alone, so that its neighbours
do not decide whether it is refused."""
_BATCHES_AHEAD = 8  # sorted together: more sort better, and answer later


@dataclass(frozen=True)
class Decoder:
    """A model, its constraint and the compiled index. Immutable; threads may share it.

    Attributes:
        loaded: Base model, adapter and tokenizer.
        dialect: The input language that the adapter was trained on, and its instruction set.
        schema: The regular language of all operations of the set.
        index: That language over this tokenizer's vocabulary.
        method: How to search, one of ``METHODS``.
        constraint: What may be answered, one of ``CONSTRAINTS``; the method ``outlines``
            knows the schema alone.
    """

    loaded: Loaded
    dialect: Dialect
    schema: Constraint
    index: TokenIndex
    method: Method = "verify"
    constraint: ConstraintName = "grounded"

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        check_choice("constraint", self.constraint, CONSTRAINTS)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path | None = None,
        *,
        isa: str | Path | InstructionSet | None = None,
        dialect: str | None = None,
        base: str | Path | None = None,
        backend: str | None = None,
        device: Any = None,
        precision: Any = None,
        progress: bool = False,
        method: Method = "verify",
        constraint: ConstraintName = "grounded",
    ) -> "Decoder":
        """Load an adapter with its base model and compile, or fetch from disk, the index.

        Args:
            path: Adapter folder; None for the packaged adapter of set and dialect.
            isa: Instruction set: a name, a folder or a loaded one; None for the one that the
                adapter was trained for, or the default one.
            dialect: ``strict`` or ``lenient``; None for the one that the adapter was trained
                for, or ``strict``.
            base: Base model folder or name; None for the one the adapter names.
            backend: ``openvino`` or ``torch``; None for OpenVINO on a CPU and torch on a GPU.
            device: Such as ``cuda``; None for the CPU or, where torch finds one, a GPU.
            precision: ``float32``, ``bfloat16``, ``int8`` (OpenVINO) or ``float16`` (torch), or
                torch's object of it; None for the one that is fast on the device.
            progress: Show a bar on standard error while the packaged base is being built.
            method: How to search for the answer, one of ``METHODS``.
            constraint: What may be answered, one of ``CONSTRAINTS``.

        Returns:
            The decoder.

        Raises:
            InputError: There is no such method, constraint, backend or dialect.
            IsaError: There is no such instruction set.
            AdapterError: The adapter is missing, damaged, or made for another base, set,
                dialect or prompt.
            BaseModelError: The base model is missing and cannot be fetched.
            ModelError: Backend, device, precision or method cannot be used here.
            ConstraintError: The schemas' language cannot be compiled.
        """
        if method == "outlines":
            check_outlines()
        folder, chosen = choose(path, isa, dialect)
        (loaded,) = load_many(
            [folder],
            backend=backend or ("torch" if method == "outlines" else None),
            base=base,
            device=device,
            precision=precision,
            progress=progress,
        )
        return cls.from_loaded(loaded, chosen, method=method, constraint=constraint)

    @classmethod
    def from_loaded(
        cls,
        loaded: Loaded,
        dialect: Dialect | str = "strict",
        *,
        method: Method = "verify",
        constraint: ConstraintName = "grounded",
    ) -> "Decoder":
        """Build a decoder around a loaded model; the index comes from disk where it can."""
        if isinstance(dialect, str):
            dialect = find_dialect(dialect)
        schema = build_constraint(dialect.isa)
        index = build_index(schema, loaded.tokenizer)
        return cls(loaded, dialect, schema, index, method, constraint)

    @property
    def isa(self) -> InstructionSet:
        """The instruction set."""
        return self.dialect.isa

    def constrained(self, constraint: ConstraintName) -> "Decoder":
        """The same decoder under another constraint; all that is loaded or compiled is shared.

        Raises:
            InputError: There is no such constraint.
        """
        if constraint == self.constraint:
            return self
        other = replace(self, constraint=constraint)
        vars(other)["pipeline"] = self.pipeline
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

        Lines are read ahead and sorted by length, because lines of like length need no
        padding. Memory does not grow with the stream, and a slow one is not waited
        for (see :mod:`kvrm_grammar.decoding.windows`).

        Args:
            texts: Instructions, or lines as read (``read_lines``); eight batches of them are
                read ahead, or one line where ``batch_size`` is 1.
            batch_size: Instructions per run of the model, at most.
            batch_tokens: Token IDs of prompts per run, padded to the longest, at most; a longer
                instruction runs alone.
            min_confidence: Refuse, with the reason ``uncertain``, what is less probable.

        Returns:
            An iterator of one ``Decoded`` per text; a text that cannot be decoded carries its
            error. Where ``texts`` raises, what it gave before is decoded first.

        Raises:
            ValueError: ``batch_size`` or ``batch_tokens`` is below 1, or ``min_confidence``
                is not from 0 to 1.
            TypeError: ``texts`` is one string, or cannot be iterated.
            InputError: ``min_confidence`` is above 0 and the method is ``outlines``, which tells
                none.
        """
        check_limits(batch_size=batch_size, batch_tokens=batch_tokens)
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence must be from 0 to 1, got {min_confidence}")
        if min_confidence and self.method == "outlines":
            raise InputError("the method 'outlines' tells no confidence, so none can be asked for")
        size = batch_size if batch_size == 1 else _BATCHES_AHEAD * batch_size
        return (
            decoded.unless_uncertain(min_confidence)
            for window in windows(texts, size)
            for decoded in self._decode_window(
                [as_line(text) for text in window], batch_size, batch_tokens, min_confidence
            )
        )

    def posterior(self, text: str | Line | Decoded) -> Posterior:
        """Compute the exact distribution over every answer that a text's own words allow.

        ``confidence`` is a product of probabilities, of the name and of each token behind it;
        this weighs whole answers with the model's own, unmasked probabilities. See
        :mod:`kvrm_grammar.decoding.posterior`. The constraint is always ``grounded``.

        Args:
            text: One line, or what a decoder of this dialect made of one.

        Returns:
            All answers with their probabilities; one forward pass for most texts.

        Raises:
            InputError: The text cannot be read: it is too long, or its answer was an error.
            DecodeError: The model's scores are not numbers.
        """
        if isinstance(text, Decoded):
            if text.reading is None:
                raise text.error or InputError("nothing was read, so nothing has a probability")
            return self.pipeline.posterior(text.reading)
        reading = self.pipeline.read(as_line(text))
        if isinstance(reading, InputError):
            raise reading
        return self.pipeline.posterior(reading)

    def alternatives(self, decoded: Decoded, k: int = 5) -> tuple[Alternative, ...]:
        """Find the most probable answers to a text, the given one among them.

        Args:
            decoded: From a decoder of this adapter; its own constraint counts.
            k: How many, at least 1.

        Returns:
            Up to ``k`` different operations in descending order of probability; fewer where the
            constraint allows fewer; none where there is no answer, or no confidence. Grounded,
            they are the first of :meth:`posterior`. Under the schema the language is too large
            for that: they are searched for, by their probability token by token, and the search
            ends after a hundred forward passes. The answer itself is nearly always the first, and
            among them where there are fewer than ``k``.

        Raises:
            ValueError: ``k`` is below 1.
            DecodeError: The model's scores are not numbers.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        own = decoded.refused or decoded.operation
        if own is None or decoded.reading is None or decoded.confidence is None:
            return ()
        if (decoded.constraint or self.constraint) == "grounded":
            return self.pipeline.posterior(decoded.reading).operations[:k]
        found = self.pipeline.search(decoded.reading, k)
        missing = len(found) < k and all(one.operation != own for one in found)
        return (*found, Alternative(own, decoded.confidence)) if missing else found

    def _decode_window(
        self, lines: Sequence[Line], batch_size: int, batch_tokens: int, min_confidence: float
    ) -> list[Decoded]:
        results: dict[int, Decoded] = {}
        ready: list[tuple[int, Reading, list[int]]] = []
        for position, line in enumerate(lines):
            reading = self.pipeline.read(line)
            if isinstance(reading, InputError):
                results[position] = Decoded(line.text, None, error=reading)
            else:
                ready.append((position, reading, self.pipeline.prompt(reading)))
        lengths = [len(prompt) for _, _, prompt in ready]
        for batch in pack(lengths, batch_size=batch_size, batch_tokens=batch_tokens):
            chosen = [ready[i] for i in batch]
            rows = [(reading, prompt) for _, reading, prompt in chosen]
            decoded = self.pipeline.run(rows, self.method, self.constraint)
            if len(rows) > 1 and self.loaded.precision != "float32":
                decoded = [
                    self._alone(row) if _is_near(one, min_confidence) else one
                    for row, one in zip(rows, decoded, strict=True)
                ]
            results.update(zip((position for position, _, _ in chosen), decoded, strict=True))
        return [results[position] for position in range(len(lines))]

    def _alone(self, row: tuple[Reading, list[int]]) -> Decoded:
        return self.pipeline.run([row], self.method, self.constraint)[0]

    @cached_property
    def pipeline(self) -> Pipeline:
        """What turns readings into answers; the same for every method and constraint."""
        return Pipeline(self.loaded, self.dialect, self.index)


def _is_near(decoded: Decoded, min_confidence: float) -> bool:
    """Whether another batch could put an answer on the other side of the threshold."""
    if not min_confidence or not decoded.valid or decoded.confidence is None:
        return False
    return abs(decoded.confidence - min_confidence) <= _MOVEMENT
