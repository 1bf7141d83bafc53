"""The bare base with a few examples in the prompt, under the same closed language.

In: a decoder. Out: a decoder of the same dialect whose model has no adapter, and reads eight
instructions with their answers first. The evaluation compares it: what does training add to the
base and the constraint.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kvrm_grammar.decoding.backends.loading import Loaded
from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.pipeline import Pipeline
from kvrm_grammar.dialects import Reading
from kvrm_grammar.isa import operation_to_json
from kvrm_grammar.language.tokens import encode_plain

__all__ = ["EXAMPLES", "few_examples"]

EXAMPLES: tuple[tuple[str, str, dict[str, str | int]], ...] = (
    ("put 7 into r4", "OP_MOV_REG_IMM", {"dest": "R4", "value": 7}),
    ("sub r2, r6, r1", "OP_SUB", {"dest": "R2", "src1": "R6", "src2": "R1"}),
    ("what does add do?", "OP_INVALID", {}),
    ("r3 = r0 + r5", "OP_ADD", {"dest": "R3", "src1": "R0", "src2": "R5"}),
    ("go to done if zero", "OP_JZ", {"addr": "done"}),
    ("xor r1, r2, r3", "OP_INVALID", {}),
    ("r7++", "OP_INC", {"dest": "R7"}),
    ("cmp r9, r1", "OP_INVALID", {}),
)
"""What the base is shown: text, key and params, of KVRM."""


@dataclass(frozen=True)
class _WithExamples(Pipeline):
    """Examples before every prompt."""

    shown: tuple[int, ...] = ()

    def prompt(self, reading: Reading) -> list[int]:
        return [*self.shown, *super().prompt(reading)]


def few_examples(decoder: Decoder, batch_size: int) -> "_Reader":
    """Build a reader on the bare base; in the decoder's precision, by its backend.

    Args:
        decoder: Its dialect, index and base count.
        batch_size: Instructions for each run of the model.
    """
    return _Reader(decoder, _bare(decoder), batch_size)


def _bare(decoder: Decoder) -> Loaded:
    own = decoder.loaded
    if hasattr(own, "model"):
        from kvrm_grammar.weights.pytorch.loading import load_model

        return load_model(None, base=own.base_name, device=own.device, dtype=own.precision)
    from kvrm_grammar.weights.export.loading import load_exported

    return load_exported(None, base=own.base_name, precision=own.precision)


class _Reader:
    """Decodes texts as :meth:`Decoder.decode_many` does; callable as an evaluation wants it."""

    def __init__(self, decoder: Decoder, bare: Loaded, batch_size: int) -> None:
        dialect = decoder.dialect
        text = "".join(
            dialect.read(text).prompt + operation_to_json(dialect.isa.operation(key, params)) + "\n"
            for text, key, params in EXAMPLES
        )
        shown = tuple(encode_plain(bare.tokenizer, text))
        self._pipeline = _WithExamples(bare, dialect, decoder.index, shown)
        self._size = batch_size

    def __call__(self, texts: Iterable[str]) -> Iterator[Decoded]:
        """Answer each text, in order."""
        given = list(texts)
        for start in range(0, len(given), self._size):
            yield from self._batch(given[start : start + self._size])

    def _batch(self, texts: Sequence[str]) -> list[Decoded]:
        pipeline = self._pipeline
        readings = [pipeline.dialect.read(text) for text in texts]
        rows = [(reading, pipeline.prompt(reading)) for reading in readings]
        return pipeline.run(rows, "verify", "grounded")
