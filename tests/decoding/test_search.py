"""The search finds the most probable answers, as enumerating and scoring all of them does."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from kvrm_grammar.decoding.backends.pytorch import TorchBackend
from kvrm_grammar.decoding.decoded import Alternative, Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.protocol import no_draft
from kvrm_grammar.decoding.search import Candidate, best_first
from kvrm_grammar.errors import DecodeError, InputError
from kvrm_grammar.isa import INVALID, OperationModel, load_set, operation_to_json
from kvrm_grammar.language.constraint import finite_constraint
from kvrm_grammar.language.index import TokenIndex, build_index
from kvrm_grammar.weights.pytorch.loading import LoadedModel, load_model

ISA = load_set()


def finite_operations() -> list[OperationModel]:
    """Every operation without a number or a label."""
    found = []
    for opcode in ISA.opcodes:
        if all(operand.domain.names for operand in opcode.operands):
            for values in product(ISA.names, repeat=len(opcode.operands)):
                names = [operand.name for operand in opcode.operands]
                params = dict(zip(names, values, strict=True))
                found.append(ISA.operation(opcode.key, params))
    return found


OPERATIONS = [*finite_operations(), INVALID]
TEXTS = [operation_to_json(operation) for operation in OPERATIONS]


@dataclass(frozen=True)
class World:
    """A tiny model that reads bytes, so that every text is one token sequence."""

    loaded: LoadedModel
    index: TokenIndex
    prompt: list[int]

    def ids(self, text: str) -> list[int]:
        return [int(i) for i in self.loaded.tokenizer.encode(text, add_special_tokens=False)]

    def completed(self, beginning: Sequence[int]) -> list[int]:
        """A draft: the first text that goes on from here."""
        written = str(self.loaded.tokenizer.decode(list(beginning)))
        return self.ids(next(text[len(written) :] for text in TEXTS if text.startswith(written)))


@pytest.fixture(scope="module")
def world(make_base: Callable[..., Path]) -> World:
    loaded = load_model(None, base=make_base(merges=()), dtype=torch.float32)
    index = build_index(finite_constraint(TEXTS), loaded.tokenizer, use_cache=False)
    return World(loaded, index, [40, 41, 42])


@pytest.fixture(scope="module")
def enumerated(world: World) -> list[tuple[float, str]]:
    """Every text with its log-probability under the constraint, most probable first."""
    scored = []
    model: Any = world.loaded.model
    for start in range(0, len(TEXTS), 128):
        rows = [[*world.ids(text), world.index.eos_token_id] for text in TEXTS[start : start + 128]]
        longest = max(map(len, rows))
        batch = torch.tensor([[*world.prompt, *row, *[0] * (longest - len(row))] for row in rows])
        with torch.no_grad():
            logits = model(input_ids=batch).logits.double()  # (batch, seq, vocabulary)
        for row, own in zip(rows, logits, strict=True):
            state, total = world.index.initial_state, 0.0
            for place, token_id in enumerate(row):
                allowed = world.index.allowed(state).tolist()
                masked = own[len(world.prompt) - 1 + place, allowed].log_softmax(-1)
                total += float(masked[allowed.index(token_id)])
                if token_id != world.index.eos_token_id:
                    following = world.index.next_state(state, token_id)
                    assert following is not None
                    state = following
            scored.append((total, str(world.loaded.tokenizer.decode(row[:-1]))))
    return sorted(scored, reverse=True)


def test_the_finite_part_is_enumerated_whole(enumerated: list[tuple[float, str]]) -> None:
    """1,683 operations have no number and no label; their probabilities sum to one."""
    assert len(set(TEXTS)) == len(TEXTS) == 64 + 3 * 512 + 2 * 8 + 64 + 3
    assert sorted(text for _, text in enumerated) == sorted(TEXTS)
    assert math.isclose(sum(math.exp(score) for score, _ in enumerated), 1.0, rel_tol=1e-5)


@pytest.mark.parametrize("drafts", ["good", "none"])
def test_best_first_equals_enumeration(
    drafts: str, world: World, enumerated: list[tuple[float, str]]
) -> None:
    """The first answers, in order, with their probabilities, whatever was drafted."""
    count = 60 if drafts == "good" else 5
    draft = world.completed if drafts == "good" else no_draft
    engine = Engine(TorchBackend(world.loaded.model))
    found = list(islice(best_first(engine, world.prompt, world.index, draft), count))
    texts = [str(world.loaded.tokenizer.decode(list(one.token_ids))) for one in found]
    for place, (one, text) in enumerate(zip(found, texts, strict=True)):
        expected, other = enumerated[place]
        assert math.isclose(one.log_probability, expected, abs_tol=1e-4)
        if text != other:  # a tie: equally probable
            assert math.isclose(dict((t, s) for s, t in enumerated)[text], expected, abs_tol=1e-4)
    assert len(set(texts)) == count


def test_a_small_language_is_exhausted(world: World) -> None:
    """Every answer once, in order, and then the search ends."""
    rng = Random(5)
    texts = rng.sample(TEXTS, 7)
    index = build_index(finite_constraint(texts), world.loaded.tokenizer, use_cache=False)
    found = list(
        best_first(Engine(TorchBackend(world.loaded.model)), world.prompt, index, no_draft)
    )
    written = [world.loaded.tokenizer.decode(list(one.token_ids)) for one in found]
    assert sorted(written) == sorted(texts)
    scores = [one.log_probability for one in found]
    assert scores == sorted(scores, reverse=True)
    assert math.isclose(sum(map(math.exp, scores)), 1.0, rel_tol=1e-5)
    assert all(isinstance(one, Candidate) for one in found)


def test_the_search_gives_up_after_its_passes(world: World) -> None:
    """With few passes there are fewer answers, and those are the first of the whole search."""
    engine = Engine(TorchBackend(world.loaded.model))
    whole = list(islice(best_first(engine, world.prompt, world.index, world.completed), 6))
    calls = 0
    score = engine.score

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return score(*arguments)

    engine.score = counted  # type: ignore[method-assign,assignment]
    found = list(best_first(engine, world.prompt, world.index, world.completed, max_passes=8))
    assert calls == 8
    assert len(found) < len(whole) + 10
    assert found[:6] == whole[: len(found)]


@pytest.mark.parametrize("constraint", ["grounded", "schema"])
@pytest.mark.parametrize("text", ["sub r5 r3 r1", "halt", "jmp loop", "mov r1, 0x1f", "?"])
def test_alternatives_of_a_text(text: str, constraint: Any, tiny_decoder: Decoder) -> None:
    """Different operations, most probable first, none likelier than the search's first."""
    decoder = tiny_decoder.constrained(constraint)
    decoded = decoder.decode(text)
    found = decoder.alternatives(decoded, 4)
    assert 1 <= len(found) <= 4  # an undecided model may spend all passes before
    assert len(found) == 4 or decoded.operation in [one.operation for one in found]
    assert len({one.json for one in found}) == len(found)
    probabilities = [one.probability for one in found]
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(p > 0 for p in probabilities) and sum(probabilities) <= 1 + 1e-6
    assert decoded.confidence is not None
    if constraint == "schema":  # grounded ones are weighed as wholes, see test_posterior.py
        assert all(p >= decoded.confidence * (1 - 1e-3) for p in probabilities[:1])
        chosen = [one for one in found if one.operation == decoded.operation]
        assert all(one.probability >= decoded.confidence * (1 - 1e-3) for one in chosen)
    assert decoder.alternatives(decoded, 2) == found[:2]
    # Whichever decoder of the adapter is asked: the answer's own constraint counts.
    assert tiny_decoder.alternatives(decoded, 4) == found


def test_alternatives_need_an_answer_and_a_number(tiny_decoder: Decoder) -> None:
    """Without an answer there is none beside it; zero alternatives are no question."""
    assert tiny_decoder.alternatives(Decoded("", None, InputError("no"))) == ()
    assert tiny_decoder.alternatives(Decoded("halt", INVALID)) == ()
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        tiny_decoder.alternatives(tiny_decoder.decode("halt"), 0)
    one = Alternative(load_set().operation("OP_HALT", {}), 0.5)
    assert one.json == '{"key":"OP_HALT","params":{}}'


def test_scores_that_are_no_numbers_are_an_error(world: World, make_base: Any) -> None:
    """A damaged model is told, not searched."""
    loaded = load_model(None, base=make_base(merges=()), dtype=torch.float32)
    embeddings: Any = loaded.model.get_input_embeddings()
    with torch.no_grad():
        embeddings.weight.fill_(float("nan"))
    with pytest.raises(DecodeError, match="not numbers"):
        next(best_first(Engine(TorchBackend(loaded.model)), world.prompt, world.index, no_draft))
