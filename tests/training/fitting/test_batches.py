"""Token IDs of examples: loss on the answer alone, and packing that keeps every example."""

import json
import math
from itertools import pairwise
from typing import Any

import pytest
import torch

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import DataError
from kvrm_grammar.language.tokens import added_token_ids, encode_plain
from training.data.examples import Example
from training.data.strict import generate_examples
from training.fitting.batches import IGNORED, Collator, Feature, encode_example, encode_examples

HALT = '{"key":"OP_HALT","params":{}}'


def examples_of(count: int = 12, seed: int = 3) -> list[Example]:
    return list(generate_examples(count, seed))


def test_loss_is_on_the_answer_alone(tiny_tokenizer: Any) -> None:
    """Prompt and answer are tokenised apart, as in decoding; the end token is learnt too."""
    for example in [*examples_of(), Example("<|im_end|>", HALT, ())]:
        feature = encode_example(tiny_tokenizer, example, 1000)
        assert feature is not None
        prompt = encode_plain(tiny_tokenizer, find_dialect("strict").read(example.text).prompt)
        answer = [*encode_plain(tiny_tokenizer, example.answer), tiny_tokenizer.eos_token_id]
        assert feature == {
            "text": example.text,
            "input_ids": prompt + answer,
            "labels": [IGNORED] * len(prompt) + answer,
        }
        control = added_token_ids(tiny_tokenizer)
        assert [i for i in feature["input_ids"] if i in control] == [tiny_tokenizer.eos_token_id]


def test_an_answer_can_be_cut_after_its_opcode(tiny_tokenizer: Any) -> None:
    """Then it ends with the token that completes the opcode, and there is no end token."""
    for example in examples_of():
        whole = encode_example(tiny_tokenizer, example, 1000)
        cut = encode_example(tiny_tokenizer, example, 1000, opcode_only=True)
        assert whole is not None and cut is not None
        answers = [[i for i in f["labels"] if i != IGNORED] for f in (whole, cut)]
        assert answers[0][: len(answers[1])] == answers[1]
        key = json.loads(example.answer)["key"]
        assert f'"{key}' in tiny_tokenizer.decode(answers[1])
        assert f'"{key}' not in tiny_tokenizer.decode(answers[1][:-1])
        assert cut["input_ids"] == whole["input_ids"][: len(cut["input_ids"])]
    share = encode_examples(tiny_tokenizer, examples_of(200), 1000, opcode_only=0.5, seed=1)[0]
    ended = sum(f["input_ids"][-1] == tiny_tokenizer.eos_token_id for f in share)
    assert 60 < ended < 140
    assert (
        encode_examples(tiny_tokenizer, examples_of(200), 1000, opcode_only=0.5, seed=1)[0] == share
    )


def test_long_examples_are_counted_not_cut(tiny_tokenizer: Any) -> None:
    """An example that does not fit is left out as a whole; if none fits, that is an error."""
    examples = [Example("halt", HALT, ()), Example("x" * 200, HALT, ())]
    whole = encode_example(tiny_tokenizer, examples[0], 1000)
    assert whole is not None
    length = len(whole["input_ids"])
    assert encode_example(tiny_tokenizer, examples[0], length) == whole
    assert encode_example(tiny_tokenizer, examples[0], length - 1) is None
    assert encode_examples(tiny_tokenizer, examples, length) == ([whole], 1)
    with pytest.raises(DataError, match="none of 2 examples fits into 5 token IDs"):
        encode_examples(tiny_tokenizer, examples, 5)
    with pytest.raises(DataError, match="none of 0"):
        encode_examples(tiny_tokenizer, [], 5)


@pytest.mark.parametrize("count", [1, 2, 5, 12])
@pytest.mark.parametrize("per_row", [1, 4, 100])
def test_packing_keeps_every_example(count: int, per_row: int, features: list[Feature]) -> None:
    """All tensors are int64 (rows, seq); reading the rows back gives the features, each once."""
    batch = Collator(pad_token_id=2, per_row=per_row)(features[:count])
    assert set(batch) == {"input_ids", "position_ids", "labels", "examples"}
    shapes = {tensor.shape for tensor in batch.values()}
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}
    ((rows, width),) = shapes
    assert rows == math.ceil(count / per_row)
    found: dict[int, Feature] = {}
    for row in range(rows):
        starts = [i for i in range(width) if batch["position_ids"][row, i] == 0] + [width]
        for start, end in pairwise(starts):
            ids = batch["input_ids"][row, start:end].tolist()
            labels = batch["labels"][row, start:end].tolist()
            assert batch["position_ids"][row, start:end].tolist() == list(range(end - start))
            owner = set(batch["examples"][row, start:end].tolist())
            assert len(owner) == 1
            if set(labels) == {IGNORED}:
                assert set(ids) == {2}  # the padding at a row's end
                assert end == width
            else:
                own = owner.pop()
                text = features[own]["text"]
                found[own] = {"text": text, "input_ids": ids, "labels": labels}
    assert [found[i] for i in range(count)] == features[:count]
    lengths = [len(feature["input_ids"]) for feature in features[:count]]
    assert width >= max(max(lengths), sum(lengths) / rows)
