"""Examples -> token ID tensors for training.

In: ``Example`` lists. Out: features (token IDs and labels), and batches in which several
examples share a row: position IDs start anew with each, which is how transformers knows
that they must not see each other. So random batches need hardly any padding. (Grouping
by length would also avoid padding, but refusals have short answers: whole batches would
be of one class, and training forgets the other.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NotRequired, TypedDict

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from kvrm_grammar.dialects import Dialect, find_dialect
from kvrm_grammar.errors import DataError
from kvrm_grammar.language.tokens import encode_plain
from training.data.examples import Example

__all__ = ["IGNORED", "Collator", "Feature", "encode_example", "encode_examples"]

IGNORED = -100


class Feature(TypedDict):
    """One tokenised example: prompt, answer and end token."""

    text: str
    input_ids: list[int]  # (seq,)
    labels: list[int]  # (seq,), IGNORED over the prompt
    allowed: NotRequired[list[npt.NDArray[np.int64]]]  # of each label; without it, all are


def encode_example(
    tokenizer: PreTrainedTokenizerBase,
    example: Example,
    max_length: int,
    *,
    opcode_only: bool = False,
    dialect: Dialect | None = None,
) -> Feature | None:
    """Tokenise prompt and answer apart, as decoding does, and append the end token.

    Args:
        tokenizer: The base model's.
        example: What to encode.
        max_length: Token IDs of prompt and answer together, after the cut.
        opcode_only: Cut the answer after its opcode. There it is decided whether the
            text is refused, which is the hard part; the cut makes room for more of it.
        dialect: Which shows the model the text; None for the default set's strict one.

    Returns:
        The feature, or None where it has more than ``max_length`` token IDs.
    """
    prompt = encode_plain(tokenizer, (dialect or find_dialect("strict")).read(example.text).prompt)
    answer = [*encode_plain(tokenizer, example.answer), int(tokenizer.eos_token_id)]
    if opcode_only:
        answer = answer[: _opcode_end(tokenizer, example.answer, answer)]
    if len(prompt) + len(answer) > max_length:
        return None
    return {
        "text": example.text,
        "input_ids": prompt + answer,
        "labels": [IGNORED] * len(prompt) + answer,
    }


def _opcode_end(tokenizer: PreTrainedTokenizerBase, text: str, token_ids: Sequence[int]) -> int:
    """Number of token IDs up to and with the opcode."""
    wanted, written = text.index('","params"'), 0
    for count, token_id in enumerate(token_ids, start=1):
        written += len(str(tokenizer.decode([token_id])))
        if written >= wanted:
            return count
    return len(token_ids)


def encode_examples(
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    max_length: int,
    *,
    opcode_only: float = 0.0,
    seed: int = 0,
    dialect: Dialect | None = None,
) -> tuple[list[Feature], int]:
    """Tokenise all examples.

    Args:
        tokenizer: The base model's.
        examples: What to encode.
        max_length: Token IDs of prompt and answer together.
        opcode_only: Share of examples, drawn at random, whose answer is cut after its opcode.
        seed: Of that draw.
        dialect: Which shows the model the text; None for the default set's strict one.

    Returns:
        The features in order, and how many examples were longer than ``max_length``.

    Raises:
        DataError: Not one example fits.
    """
    rng = Random(seed)
    features = [
        encode_example(
            tokenizer, example, max_length, opcode_only=rng.random() < opcode_only, dialect=dialect
        )
        for example in examples
    ]
    kept = [feature for feature in features if feature is not None]
    if not kept:
        raise DataError(f"none of {len(examples)} examples fits into {max_length} token IDs")
    return kept, len(features) - len(kept)


@dataclass(frozen=True)
class Collator:
    """Packs features into rows of nearly equal length.

    Attributes:
        pad_token_id: What fills the rows' ends; it carries no loss.
        per_row: Features that share a row, on average.
    """

    pad_token_id: int
    per_row: int = 4

    def __call__(self, features: Sequence[Feature]) -> dict[str, Tensor]:
        """Build a batch.

        Returns:
            ``input_ids``, ``position_ids``, ``labels`` and ``examples`` (the number of
            the feature a position belongs to), int64 of shape (rows, seq). Where a feature says
            what is allowed, also ``allowed``, the token IDs of all labels one after the other,
            int64 of shape (m,), and ``allowed_counts``, how many each label has, row by row: int64
            of shape (labels,), 0 where the whole vocabulary is.
        """
        rows = self._distribute([len(feature["input_ids"]) for feature in features])
        longest = max(sum(len(features[i]["input_ids"]) for i in row) for row in rows)
        batch: dict[str, list[list[int]]] = {
            "input_ids": [], "position_ids": [], "labels": [], "examples": []
        }  # fmt: skip
        for row in rows:
            parts = [features[i] for i in row]
            lengths = [len(part["input_ids"]) for part in parts]
            gap = longest - sum(lengths)
            ids = [token for part in parts for token in part["input_ids"]]
            labels = [label for part in parts for label in part["labels"]]
            positions = [p for length in [*lengths, gap] for p in range(length)]
            owners = [i for i, length in zip(row, lengths, strict=True) for _ in range(length)]
            batch["input_ids"].append(ids + [self.pad_token_id] * gap)
            batch["position_ids"].append(positions)
            batch["labels"].append(labels + [IGNORED] * gap)
            batch["examples"].append(owners + [0] * gap)
        tensors = {name: torch.tensor(value) for name, value in batch.items()}
        if any("allowed" in feature for feature in features):
            ordered = [features[i] for row in rows for i in row]
            lists = [ids for feature in ordered for ids in _allowed(feature)]
            tensors["allowed"] = torch.from_numpy(np.concatenate(lists))
            tensors["allowed_counts"] = torch.tensor([len(ids) for ids in lists])
        return tensors

    def _distribute(self, lengths: Sequence[int]) -> list[list[int]]:
        """Longest first, each into the emptiest row."""
        rows: list[list[int]] = [[] for _ in range(-(-len(lengths) // self.per_row))]
        for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
            min(rows, key=lambda row: sum(lengths[j] for j in row)).append(i)
        return rows


def _allowed(feature: Feature) -> list[npt.NDArray[np.int64]]:
    """Of each label what is allowed there; nothing where the whole vocabulary is."""
    count = sum(label != IGNORED for label in feature["labels"])
    return feature.get("allowed") or [np.empty(0, dtype=np.int64)] * count
