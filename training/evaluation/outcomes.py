"""What came of one text that was decoded, and reading many texts of many kinds.

In: examples and whatever decodes them. Out: :class:`Outcome`, in order. Used by the evaluations of
both dialects.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kvrm_grammar.decoding.decoded import Decoded
from training.data.examples import Example

__all__ = ["Outcome", "read_all"]


@dataclass(frozen=True)
class Outcome:
    """One example and what was answered to it. Immutable.

    Attributes:
        example: The text and what it means.
        answer: JSON as it was answered; None where nothing was.
        kind: The kind of writing or of fault that the text was drawn for.
        confidence: The answer's, 0 to 1, where there is one.
        passes: Forward passes that it took, where there is a model.
    """

    example: Example
    answer: str | None
    kind: str = ""
    confidence: float | None = None
    passes: int | None = None

    @property
    def exact(self) -> bool:
        """Whether the answer is the meaning."""
        return self.answer == self.example.answer


def read_all(
    examples: Mapping[str, Sequence[Example]],
    decode_many: Callable[[Iterable[str]], Iterable[Decoded]],
) -> list[Outcome]:
    """Let a reader read all texts, kind by kind.

    Args:
        examples: By kind.
        decode_many: Answers a stream of texts in order.

    Returns:
        One outcome for each example, in order.
    """
    flat = [(kind, example) for kind, own in examples.items() for example in own]
    answers = decode_many(example.text for _, example in flat)
    return [
        Outcome(example, answer.json, kind, answer.confidence, answer.passes)
        for (kind, example), answer in zip(flat, answers, strict=True)
    ]
