"""Finds the examples that an adapter is unsure of, so that training can dwell on them.

In: examples and an adapter. Out: those it answers wrongly, and those with little confidence. Where
nearly all answers are right, random batches teach hardly anything, and looking at an example
costs a part of training on it.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from kvrm_grammar.decoding.backends.loading import torch_model
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import Dialect
from kvrm_grammar.isa import InstructionSet
from training.data.examples import Example
from training.fitting.batches import Collator, Feature, encode_example
from training.fitting.trainer import completion_logits

__all__ = ["answer_probabilities", "mine", "unsure"]

_BATCH = 96
_WINDOW = 20 * _BATCH  # examples between two lines of progress


def mine(
    adapter: Path,
    examples: Sequence[Example],
    *,
    base: str | None,
    below: float,
    max_length: int,
    memory: Path,
    dialect: str = "strict",
    isa: InstructionSet | None = None,
    whole: bool = False,
) -> tuple[list[Example], list[Example]]:
    """Keep what an adapter answers wrongly or is unsure of; asked again, answer from a file.

    Args:
        adapter: Folder of the adapter that training goes on from.
        examples: What to look at.
        base: Base model folder or name; None for the adapter's own.
        below: See :func:`unsure`.
        max_length: See :func:`unsure`.
        memory: JSON file for the result, so that a resumed training need not look again.
        dialect: What the examples are, and the adapter is read as.
        isa: Their instruction set; None for the adapter's.
        whole: See :func:`unsure`.

    Returns:
        Those that are answered wrongly, and those that are right and unsure; both in order.
    """
    weights = (adapter / "adapter_model.safetensors").read_bytes()
    key = hashlib.sha256(
        hashlib.sha256(weights).digest()
        + repr((examples, below, max_length, dialect, whole)).encode()
    ).hexdigest()
    if memory.is_file():
        remembered = json.loads(memory.read_text("utf-8"))
        if remembered["key"] == key:
            return _at(examples, remembered["wrong"]), _at(examples, remembered["unsure"])
    backend = None if whole else "torch"
    decoder = Decoder.from_pretrained(adapter, base=base, dialect=dialect, isa=isa, backend=backend)
    wrong, doubtful = unsure(decoder, examples, below=below, max_length=max_length, whole=whole)
    memory.parent.mkdir(parents=True, exist_ok=True)
    kept = {"key": key, "wrong": wrong, "unsure": doubtful}
    memory.write_text(json.dumps(kept) + "\n", "utf-8")
    return _at(examples, wrong), _at(examples, doubtful)


def _at(examples: Sequence[Example], places: Sequence[int]) -> list[Example]:
    return [examples[place] for place in places]


def unsure(
    decoder: Decoder,
    examples: Sequence[Example],
    *,
    below: float,
    max_length: int,
    whole: bool = False,
) -> tuple[list[int], list[int]]:
    """Find what a decoder answers wrongly or with little confidence.

    A constraint only adds to the probability of a right answer, so the examples whose opcode
    is likely without one need not be decoded. That look needs torch. Of whole answers too many are
    unlikely without a constraint for it to save time: there all examples are decoded.

    Args:
        decoder: The model and its constraint.
        examples: What to look at.
        below: Keep an example where the answer is wrong or its confidence is under this.
        max_length: Token IDs of prompt and answer; longer examples need not be looked at.
        whole: Whether the operands may be doubtful too; under grounding, where they stand in
            order, they hardly ever are.

    Returns:
        The places of those answered wrongly, and of those that are right and unsure; ascending.
    """
    wrong, kept = list[int](), list[int]()
    for start in range(0, len(examples), _WINDOW):
        window = examples[start : start + _WINDOW]
        doubtful = range(len(window)) if whole else _unlikely(decoder, window, below, max_length)
        answers = decoder.decode_many(window[i].text for i in doubtful)
        for i, answer in zip(doubtful, answers, strict=True):
            if answer.json != window[i].answer:
                wrong.append(start + i)
            elif (answer.confidence or 0.0) < below:
                kept.append(start + i)
        print(
            f"mining: {start + len(window)} of {len(examples)} seen, "
            f"{len(wrong)} wrong, {len(kept)} unsure",
            file=sys.stderr,
            flush=True,
        )
    return wrong, kept


def _unlikely(
    decoder: Decoder, window: Sequence[Example], below: float, max_length: int
) -> Sequence[int]:
    """Places of the examples that are worth decoding."""
    loaded: Any = decoder.loaded
    free = answer_probabilities(
        torch_model(loaded),
        loaded.tokenizer,
        window,
        max_length=max_length,
        dialect=decoder.dialect,
    )
    return [i for i, p in enumerate(free) if p is not None and p < below]


def answer_probabilities(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    *,
    max_length: int,
    opcode_only: bool = True,
    dialect: Dialect | None = None,
) -> list[float | None]:
    """Compute the probability of each example's answer, or of that up to its opcode.

    Args:
        model: A causal language model in evaluation mode.
        tokenizer: Its own.
        examples: Texts and answers.
        max_length: Token IDs of prompt and answer.
        opcode_only: Whether the answer ends with its opcode.
        dialect: Which shows the model the texts.

    Returns:
        For each example a probability from 0 to 1, teacher-forced and without a
        constraint; None where it has more than ``max_length`` token IDs.
    """
    encoded = {
        place: feature
        for place, example in enumerate(examples)
        if (
            feature := encode_example(
                tokenizer, example, max_length, opcode_only=opcode_only, dialect=dialect
            )
        )
    }
    # Alike lengths together: there is no gradient here that could mind one-sided batches.
    order = sorted(encoded, key=lambda place: len(encoded[place]["input_ids"]))
    result: list[float | None] = [None] * len(examples)
    collator = Collator(int(tokenizer.eos_token_id))
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH]
        found = _probabilities(model, collator, [encoded[place] for place in places])
        for place, probability in zip(places, found, strict=True):
            result[place] = probability
    return result


def _probabilities(model: Any, collator: Collator, features: Sequence[Feature]) -> list[float]:
    """One forward pass: the product of the labels' probabilities for each feature."""
    batch = collator(features)
    batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
    with torch.inference_mode():
        logits, targets, owners = completion_logits(model, batch)
        losses = functional.cross_entropy(logits.float(), targets, reduction="none")
        sums = torch.zeros(len(features), device=losses.device).index_add_(0, owners, losses)
    probabilities: list[float] = torch.exp(-sums).tolist()
    return probabilities
