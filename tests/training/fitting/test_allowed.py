"""Training chooses among what decoding allows: the same sets, and a loss over them alone."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from kvrm_grammar.dialects import Dialect, find_dialect
from kvrm_grammar.language.grounding import Grounding
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.weights.pytorch.loading import load_model
from training.data.examples import Example
from training.data.lenient import generate_lenient
from training.data.strict import generate_examples
from training.fitting.allowed import ClosedFeatures, allowed_ids, grounding_of
from training.fitting.batches import IGNORED, Collator, Feature, encode_examples
from training.fitting.trainer import completion_logits, completion_losses

STRICT = find_dialect("strict")


@pytest.fixture(scope="module")
def grounding(tiny_tokenizer: Any) -> Grounding:
    return grounding_of(tiny_tokenizer, STRICT)


@pytest.fixture(scope="module")
def closed(features: list[Feature], grounding: Grounding) -> ClosedFeatures:
    """Twelve features, three of which have the whole vocabulary."""
    return ClosedFeatures(features, grounding, STRICT, frozenset((1, 4, 7)))


def test_what_is_allowed_is_what_the_closed_language_allows(
    tiny_tokenizer: Any, grounding: Grounding
) -> None:
    """An answer whose operand is out of range is no choice; a refusal always is."""
    refusal = encode_plain(tiny_tokenizer, '{"key":"OP_INVALID","params":{}}')
    refusal.append(tiny_tokenizer.eos_token_id)
    for text, moves in (("mov r4, 99999999999", False), ("mov r4, 999", True)):
        found = allowed_ids(grounding, STRICT, text, refusal)
        assert found is not None
        assert len(found) == len(refusal)
        assert all(token_id in ids for token_id, ids in zip(refusal, found, strict=True))
        move = encode_plain(tiny_tokenizer, '{"key":"OP_MOV_REG_IMM","params":{"dest":"R4",')
        assert (allowed_ids(grounding, STRICT, text, move) is not None) is moves
    assert allowed_ids(grounding, STRICT, "mov r4, 5", encode_plain(tiny_tokenizer, '"')) is None


def test_a_name_is_learnt_among_all_names(tiny_tokenizer: Any, grounding: Grounding) -> None:
    """As decoding weighs it: others than the text can have compete, until the name is written."""
    answer = encode_plain(tiny_tokenizer, '{"key":"OP_MOV_REG_IMM","params":{"dest":"R4",')
    found = allowed_ids(grounding, STRICT, "mov r4, 999", answer)
    assert found is not None
    state, written, weighed = grounding.index.initial_state, "", 0
    for token_id, ids in zip(answer, found, strict=True):
        if written.count('"') < 4 and len(ids) > 1:  # else no other name begins so
            weighed += 1
            assert ids.tolist() == grounding.index.allowed(state).tolist()
        following = grounding.index.next_state(state, token_id)
        assert following is not None
        state, written = following, written + tiny_tokenizer.decode([token_id])
    assert weighed
    jump = encode_plain(tiny_tokenizer, '{"key":"OP_J')
    beginning = len(encode_plain(tiny_tokenizer, '{"key":"OP_'))
    assert jump[beginning] in found[beginning]  # no label is there to jump to


def test_what_is_settled_is_no_choice(tiny_tokenizer: Any, grounding: Grounding) -> None:
    """Where one answer is left decoding writes it out, however it is cut into tokens."""
    answer = encode_plain(tiny_tokenizer, '{"key":"OP_HALT","params":{}}')
    found = allowed_ids(grounding, STRICT, "halt", answer)
    assert found is not None
    several = [len(ids) > 1 for ids in found]
    assert any(several)
    last = len(several) - several[::-1].index(True)
    assert last < len(answer)
    assert [ids.tolist() for ids in found[last:]] == [[token_id] for token_id in answer[last:]]


def test_every_label_of_a_feature_has_its_choices(
    closed: ClosedFeatures, features: list[Feature]
) -> None:
    """Its own among them; those that are drawn for it have the whole vocabulary."""
    assert len(closed) == len(features) == 12
    for place, plain in enumerate(features):
        feature = closed[place]
        assert {name: feature.get(name) for name in plain} == plain
        assert ("allowed" in feature) is (place not in closed.unconstrained)
        answer = [label for label in plain["labels"] if label != IGNORED]
        for label, ids in zip(answer, feature.get("allowed", ()), strict=False):
            assert label in ids
        assert len(feature.get("allowed", answer)) == len(answer)


def test_the_loss_is_over_the_choices_alone(tiny_base: Path, closed: ClosedFeatures) -> None:
    """Label by label, however examples are packed, that of a softmax over what is allowed."""
    model = load_model(None, base=tiny_base, dtype=torch.float32).model
    features = [closed[place] for place in range(len(closed))]
    batch = Collator(2)(features)
    with torch.no_grad():
        logits, targets, owners = completion_logits(model, batch)
        losses, wrong, same = completion_losses(model, batch)
    assert torch.equal(owners, same)
    smaller, rows = 0, list(range(len(targets)))
    for number, feature in enumerate(features):
        mine = [row for row in rows if owners[row] == number]
        for place, row in enumerate(mine):
            whole = functional.cross_entropy(logits[row], targets[row])
            expected, best = whole, logits[row].argmax()
            if "allowed" in feature:
                ids = torch.tensor(feature["allowed"][place])
                chances = torch.softmax(logits[row, ids], 0)
                expected = -torch.log(chances[ids == targets[row]][0])
                best = ids[chances.argmax()]
                smaller += bool(expected < whole - 1e-3)
            assert float(losses[row]) == pytest.approx(float(expected), abs=1e-4)
            assert bool(wrong[row]) == bool(best != targets[row])
    assert smaller > 50


def test_a_batch_without_choices_has_the_whole_vocabulary(
    tiny_base: Path, features: list[Feature]
) -> None:
    """As before there were any."""
    model = load_model(None, base=tiny_base, dtype=torch.float32).model
    batch = Collator(2)(features)
    assert "allowed" not in batch
    with torch.no_grad():
        logits, targets, _ = completion_logits(model, batch)
        losses, wrong, _ = completion_losses(model, batch)
    torch.testing.assert_close(losses, functional.cross_entropy(logits, targets, reduction="none"))
    assert torch.equal(wrong, (logits.argmax(-1) != targets).float())


def test_the_gradient_is_that_of_the_choices(tiny_base: Path, closed: ClosedFeatures) -> None:
    """It flows through the gathered rows of the head into the model."""
    model = load_model(None, base=tiny_base, dtype=torch.float32).model.requires_grad_(True)
    batch = Collator(2)([closed[0], closed[2]])
    losses, _, _ = completion_losses(model, batch)
    losses.mean().backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    norm = math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))
    assert math.isfinite(norm) and norm > 0


@pytest.mark.parametrize("name", ["strict", "lenient"])
def test_no_example_of_the_makers_is_outside(name: str, tiny_tokenizer: Any) -> None:
    """Each answer is a member of its text's language, so each example is trained on choices."""
    dialect: Dialect = find_dialect(name)
    drawn: list[Example] = [
        *(generate_lenient if name == "lenient" else generate_examples)(150, 11)
    ]
    kept, _ = encode_examples(tiny_tokenizer, drawn, 2000, dialect=dialect)
    own = ClosedFeatures(kept, grounding_of(tiny_tokenizer, dialect), dialect)
    assert len(own) == 150
    assert all("allowed" in own[place] for place in range(len(own)))
