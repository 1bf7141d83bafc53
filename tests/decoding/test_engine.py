"""Drafts change the speed and nothing else; the engine equals plain constrained decoding."""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from kvrm_grammar.decoding.backends.loading import torch_model
from kvrm_grammar.decoding.backends.pytorch import TorchBackend
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.outlines.generate import generate_constrained
from kvrm_grammar.decoding.protocol import Answer, Request, no_draft
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import DecodeError
from kvrm_grammar.isa import load_set, operation_to_json
from kvrm_grammar.language.constraint import finite_constraint
from kvrm_grammar.language.index import build_index
from kvrm_grammar.language.tokens import encode_plain
from tests.decoding.watched import Listed, Watched
from training.texts.strict.valid import random_operation

TEXTS = ("halt", "sub r5 r3 r1", "MOV R3, 0x7F", "jmp a.rather_long_label$", "?", "", "ADD R1, R2")


@pytest.fixture(scope="module")
def prompts(tiny_decoder: Decoder) -> list[list[int]]:
    return [
        encode_plain(tiny_decoder.loaded.tokenizer, find_dialect("strict").read(text).prompt)
        for text in TEXTS
    ]


@pytest.fixture(scope="module")
def engine(tiny_decoder: Decoder) -> Engine:
    return Engine(TorchBackend(torch_model(tiny_decoder.loaded)))


@pytest.fixture(scope="module")
def plain(tiny_decoder: Decoder, prompts: list[list[int]]) -> list[tuple[int, ...]]:
    """What transformers' generate gives under the Outlines logits processor."""
    rows = generate_constrained(torch_model(tiny_decoder.loaded), prompts, tiny_decoder.index)
    return [tuple(row) for row in rows]


def answers(engine: Engine, requests: Sequence[Request]) -> list[Answer]:
    results = engine.run(requests)
    assert all(isinstance(result, Answer) for result in results)
    return [result for result in results if isinstance(result, Answer)]


def fixed(tokens: Sequence[int]) -> Callable[[Sequence[int]], Sequence[int]]:
    """The same draft again and again, whatever was accepted."""
    return lambda accepted: tokens


def random_draft(rng: Random, decoder: Decoder) -> Callable[[Sequence[int]], Sequence[int]]:
    """Valid JSON of a random operation, a piece of it, or garbage."""

    def draft(accepted: Sequence[int]) -> Sequence[int]:
        operation, _, _ = random_operation(rng, load_set())
        tokens = encode_plain(decoder.loaded.tokenizer, operation_to_json(operation))
        kind = rng.randrange(3)
        if kind == 0:
            return tokens
        if kind == 1:
            return tokens[len(accepted) :]
        return [rng.randrange(decoder.index.vocab_size) for _ in range(rng.randint(0, 40))]

    return draft


def test_without_drafts_it_is_plain_greedy_decoding(
    engine: Engine, tiny_decoder: Decoder, prompts: list[list[int]], plain: list[tuple[int, ...]]
) -> None:
    """Stepwise answers are those of generate, one token per pass."""
    for prompt, expected in zip(prompts, plain, strict=True):
        (answer,) = answers(engine, [Request(prompt, tiny_decoder.index, no_draft)])
        assert answer.token_ids == expected
        assert answer.passes == len(expected) + 1
        assert answer.drafted == 0


@pytest.mark.parametrize("seed", range(6))
def test_wrong_drafts_change_no_answer(
    seed: int,
    engine: Engine,
    tiny_decoder: Decoder,
    prompts: list[list[int]],
    plain: list[tuple[int, ...]],
) -> None:
    """Random operations and garbage as drafts: same tokens, same probability."""
    rng = Random(seed)
    requests = [Request(p, tiny_decoder.index, random_draft(rng, tiny_decoder)) for p in prompts]
    stepwise = [Request(p, tiny_decoder.index, no_draft) for p in prompts]
    pairs = zip(answers(engine, requests), answers(engine, stepwise), plain, strict=True)
    for answer, step, expected in pairs:
        assert answer.token_ids == expected
        assert math.isclose(answer.log_probability, step.log_probability, abs_tol=1e-3)


def test_a_right_draft_takes_one_pass(
    engine: Engine, tiny_decoder: Decoder, prompts: list[list[int]], plain: list[tuple[int, ...]]
) -> None:
    """The whole answer drafted: one pass, every token from the draft, alone and in a batch."""
    requests = [
        Request(p, tiny_decoder.index, fixed(t)) for p, t in zip(prompts, plain, strict=True)
    ]
    together = answers(engine, requests)
    alone = [answers(engine, [request])[0] for request in requests]
    for answer, single, expected in zip(together, alone, plain, strict=True):
        assert answer.token_ids == single.token_ids == expected
        assert answer.passes == single.passes == 1
        assert answer.drafted == single.drafted == len(expected)


def test_probabilities_of_a_finite_language_sum_to_one(
    engine: Engine, tiny_decoder: Decoder, prompts: list[list[int]]
) -> None:
    """Languages of one text are certain; the answer of a larger one is its most likely step."""
    tokenizer = tiny_decoder.loaded.tokenizer
    one = build_index(finite_constraint(["{}"]), tokenizer, use_cache=False)
    (answer,) = answers(engine, [Request(prompts[0], one, no_draft)])
    assert tokenizer.decode(list(answer.token_ids)) == "{}"
    two = build_index(finite_constraint(["{", "}"]), tokenizer, use_cache=False)
    (chosen,) = answers(engine, [Request(prompts[0], two, no_draft)])
    assert 0.5 <= math.exp(chosen.log_probability) <= 1.0
    assert math.isfinite(chosen.margin)


def test_scores_that_are_no_numbers_cost_only_their_text(
    tiny_decoder: Decoder, prompts: list[list[int]], plain: list[tuple[int, ...]]
) -> None:
    """A text of NaN is an error; others are answered, in its row or in one of their own."""
    wrong = TEXTS.index("?")
    (poison,) = encode_plain(tiny_decoder.loaded.tokenizer, "?")
    assert [poison in prompt for prompt in prompts] == [text == "?" for text in TEXTS]

    def spoil(_: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        return output.masked_fill(torch.eq(inputs[0], poison)[..., None], float("nan"))

    model = torch_model(tiny_decoder.loaded)
    watched = Watched(TorchBackend(model))
    hook = model.get_input_embeddings().register_forward_hook(spoil)
    try:
        results = Engine(watched).run([Request(p, tiny_decoder.index, no_draft) for p in prompts])
    finally:
        hook.remove()
    assert watched.read[0][0] < len(prompts) == watched.read[1][0]  # shared rows, and then none
    assert isinstance(results.pop(wrong), DecodeError)
    expected = [own for own, text in zip(plain, TEXTS, strict=True) if text != "?"]
    assert [r.token_ids for r in results if isinstance(r, Answer)] == expected


def test_nothing_is_read_behind_the_last_open_choice(
    tiny_decoder: Decoder, prompts: list[list[int]]
) -> None:
    """Of two answers that differ in their second token, the prompt and the first token are read."""
    language = Listed([(11, 12, 13, 14), (11, 22, 23, 24)])
    watched = Watched(TorchBackend(torch_model(tiny_decoder.loaded)))
    prompt = prompts[1]
    (answer,) = answers(Engine(watched), [Request(prompt, language, fixed([11, 12, 13, 14]))])
    assert watched.read == [(1, len(prompt) + 1)]
    other = [11, 22, 23, 24] if answer.token_ids[1] == 12 else [11, 12, 13, 14]
    for draft in (other, [*answer.token_ids, 99, 99]):
        watched.read.clear()
        (again,) = answers(Engine(watched), [Request(prompt, language, fixed(draft))])
        assert (again.token_ids, again.passes) == (answer.token_ids, 1)  # the rest is settled
        assert watched.read == [(1, len(prompt) + 1)]
    watched.read.clear()
    scores = Engine(watched).score(prompt, [11, 12, 13, 14], language, 0)
    assert [own.token_ids.tolist() for own in scores] == [[11], [12, 22]]
    assert watched.read == [(1, len(prompt) + 1)]


def test_a_language_of_one_answer_is_not_read(
    tiny_decoder: Decoder, prompts: list[list[int]]
) -> None:
    """Alone and beside others; it is certain."""
    single, double = Listed([(11, 12)]), Listed([(11, 12), (21, 22)])
    watched = Watched(TorchBackend(torch_model(tiny_decoder.loaded)))
    (answer,) = answers(Engine(watched), [Request(prompts[0], single, fixed([11, 12]))])
    assert watched.read == []
    assert (answer.token_ids, answer.log_probability, answer.passes) == ((11, 12), 0, 1)
    one, _ = answers(
        Engine(watched),
        [
            Request(prompts[0], single, fixed([11, 12])),
            Request(prompts[1], double, fixed([11, 12])),
        ],
    )
    assert watched.read == [(1, len(prompts[1]))]
    assert one == answer


def test_a_row_without_a_choice_beside_one_that_is_read(
    tiny_decoder: Decoder, prompts: list[list[int]], plain: list[tuple[int, ...]]
) -> None:
    """A language that does not know its rest: rounds that leave nothing open are not read."""
    closed = build_index(finite_constraint(["{}"]), tiny_decoder.loaded.tokenizer, use_cache=False)
    single = Request(prompts[0], closed, no_draft)
    several = Request(prompts[1], tiny_decoder.index, fixed(plain[1]))
    engine = Engine(TorchBackend(torch_model(tiny_decoder.loaded)))
    (alone,) = answers(engine, [single])
    for order in ([single, several], [several, single]):
        found = dict(zip(map(id, order), answers(engine, order), strict=True))
        assert found[id(single)].token_ids == alone.token_ids
        assert found[id(several)].token_ids == plain[1]


def test_a_shared_row_answers_as_rows_of_their_own(tiny_decoder: Decoder) -> None:
    """Grounded texts of mixed lengths with wrong drafts: several rounds in shared rows."""
    backend = Watched(TorchBackend(torch_model(tiny_decoder.loaded)))
    texts = [
        "sub r5 r3 r1",
        "jmp a.rather_long_label$_that_goes_on",
        "mov r1 0x7f",
        "cmp r1 r2",
    ] * 2
    own, rng, pipeline = Engine(backend), Random(8), tiny_decoder.pipeline
    readings = [tiny_decoder.dialect.read(text) for text in texts]
    requests = [
        Request(
            pipeline.prompt(reading),
            pipeline._grounding.language(reading.mentions),
            random_draft(rng, tiny_decoder),
        )
        for reading in readings
    ]
    together = answers(own, requests)
    assert backend.read[0][0] < len(texts)
    for request, answer in zip(requests, together, strict=True):
        (alone,) = answers(own, [request])
        assert answer.token_ids == alone.token_ids
        assert math.isclose(answer.log_probability, alone.log_probability, abs_tol=1e-3)


def test_an_empty_prompt_is_refused(engine: Engine, tiny_decoder: Decoder) -> None:
    """There is nothing to condition on."""
    with pytest.raises(ValueError, match="prompt 1 is empty"):
        engine.run(
            [Request([1], tiny_decoder.index, no_draft), Request([], tiny_decoder.index, no_draft)]
        )


def test_nothing_gives_nothing(engine: Engine) -> None:
    """An empty batch is no error."""
    assert engine.run([]) == []


def test_a_language_that_never_ends_is_cut_with_an_error(
    engine: Engine, prompts: list[list[int]]
) -> None:
    """An automaton that lies about its longest answer gives a typed error, not a loop."""

    class Endless:
        eos_token_id, max_tokens, initial_state = 0, 5, 0

        def allowed(self, state: int) -> Any:
            return np.array([7], dtype=np.int64)

        def next_state(self, state: int, token_id: int) -> int | None:
            return 0

        def naming(self, state: int) -> None:
            return None

        def rest(self, state: int) -> None:
            return None

    (result,) = engine.run([Request(prompts[0], Endless(), no_draft)])
    assert isinstance(result, DecodeError)


def test_the_state_of_a_pass_is_not_shared(
    engine: Engine, tiny_decoder: Decoder, prompts: list[list[int]], plain: list[tuple[int, ...]]
) -> None:
    """Running in any order, twice, gives the same."""
    order = list(range(len(prompts)))
    Random(3).shuffle(order)
    requests = [Request(prompts[i], tiny_decoder.index, no_draft) for i in order]
    for _ in range(2):
        assert [a.token_ids for a in answers(engine, requests)] == [plain[i] for i in order]
    assert torch.is_grad_enabled()
