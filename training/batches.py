"""Examples -> token ID tensors for training.

In: ``Example`` lists. Out: features (token IDs and labels) and padded batches, with
loss on the completion alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from kvrm_grammar.errors import DataError
from kvrm_grammar.prompt import prompt_text
from kvrm_grammar.tokens import encode_plain
from training.data import Example

__all__ = ["IGNORED", "Collator", "Feature", "encode_example", "encode_examples"]

IGNORED = -100


class Feature(TypedDict):
    """One tokenised example: prompt, answer and end token."""

    input_ids: list[int]  # (seq,)
    labels: list[int]  # (seq,), IGNORED over the prompt


def encode_example(tokenizer: PreTrainedTokenizerBase, example: Example, max_length: int) -> Feature | None:
    """Tokenise prompt and answer apart, as decoding does, and append the end token.

    Returns:
        The feature, or None where it has more than ``max_length`` token IDs.
    """
    prompt = encode_plain(tokenizer, prompt_text(example.text))
    answer = [*encode_plain(tokenizer, example.answer), int(tokenizer.eos_token_id)]
    if len(prompt) + len(answer) > max_length:
        return None
    return {"input_ids": prompt + answer, "labels": [IGNORED] * len(prompt) + answer}


def encode_examples(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example], max_length: int
) -> tuple[list[Feature], int]:
    """Tokenise all examples.

    Returns:
        The features in order, and how many examples were longer than ``max_length``.

    Raises:
        DataError: Not one example fits.
    """
    features = [encode_example(tokenizer, example, max_length) for example in examples]
    kept = [feature for feature in features if feature is not None]
    if not kept:
        raise DataError(f"none of {len(examples)} examples fits into {max_length} token IDs")
    return kept, len(features) - len(kept)


@dataclass(frozen=True)
class Collator:
    """Pads features on the right.

    Attributes:
        pad_token_id: What fills ``input_ids``; attention and loss ignore it.
    """

    pad_token_id: int

    def __call__(self, features: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Build ``input_ids``, ``attention_mask`` and ``labels``, int64 of shape (batch, seq)."""
        longest = max(len(feature["input_ids"]) for feature in features)
        gaps = [longest - len(feature["input_ids"]) for feature in features]
        ids = [f["input_ids"] + [self.pad_token_id] * g for f, g in zip(features, gaps, strict=True)]
        mask = [[1] * (longest - gap) + [0] * gap for gap in gaps]
        labels = [f["labels"] + [IGNORED] * g for f, g in zip(features, gaps, strict=True)]
        return {
            "input_ids": torch.tensor(ids),
            "attention_mask": torch.tensor(mask),
            "labels": torch.tensor(labels),
        }
