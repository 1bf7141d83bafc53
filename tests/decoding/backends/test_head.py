"""head.py: scores are the model's own, in float32; no part of a head is dropped."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from kvrm_grammar.decoding.backends.head import Head, causal_parts, with_exact_head
from kvrm_grammar.decoding.backends.pytorch import TorchBackend
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.outlines.generate import generate_constrained
from kvrm_grammar.decoding.protocol import Answer, Request, no_draft
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import ModelError
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.weights.pytorch.loading import load_model

TEXTS = ("halt", "sub r5 r3 r1", "mov r3, 127", "jmp a.rather_long_label$", "?", "add r1, r2")
FEW = np.array([3, 5, 8])
MANY = np.arange(1, 700)


def own_logits(model: Any, ids: list[int]) -> torch.Tensor:
    """What transformers gives behind a prompt and an answer, one row a token, float32."""
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=torch.tensor([ids])).logits[0].float()
    return logits


def check_against_own_logits(model: Any, decoder: Decoder) -> int:
    """The engine's answer and its probability are those of the model's own logits, masked."""
    compared = 0
    for text in TEXTS:
        prompt = encode_plain(decoder.loaded.tokenizer, find_dialect("strict").read(text).prompt)
        (answer,) = Engine(TorchBackend(model)).run([Request(prompt, decoder.index, no_draft)])
        assert isinstance(answer, Answer)
        logits = own_logits(model, [*prompt, *answer.token_ids])[len(prompt) - 1 :]
        state, total = decoder.index.initial_state, 0.0
        for row, token_id in zip(
            logits, [*answer.token_ids, decoder.index.eos_token_id], strict=True
        ):
            allowed = decoder.index.allowed(state).tolist()
            assert token_id == allowed[int(row[allowed].argmax())]
            total += float(row[allowed].log_softmax(0)[allowed.index(token_id)])
            state = decoder.index.next_state(state, token_id) or state
            compared += len(allowed) > 1
        assert answer.log_probability == pytest.approx(total, abs=1e-3)
        scores = Engine(TorchBackend(model)).score(
            prompt, answer.token_ids, decoder.index, decoder.index.initial_state
        )
        first = logits[0][scores[0].token_ids.tolist()].log_softmax(0)
        np.testing.assert_allclose(scores[0].log_probabilities, first, atol=1e-4)
    return compared


@pytest.fixture
def model(tiny_base: Path) -> Any:
    """The tiny base in float32, of this test's own."""
    return load_model(None, base=tiny_base, dtype="float32").model


@pytest.fixture
def biased(model: Any) -> Any:
    """The same with a head that has a bias, large enough to decide."""
    head = nn.Linear(model.config.hidden_size, model.config.vocab_size)
    order = torch.randperm(len(head.bias), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        head.weight.copy_(model.lm_head.weight)
        head.bias.copy_(torch.linspace(-2, 2, len(head.bias))[order])
    model.lm_head = head.requires_grad_(False)
    return model


def test_a_plain_head_gives_the_models_own_scores(model: Any, tiny_decoder: Decoder) -> None:
    """Answers and probabilities are those of transformers' own logits."""
    assert Head(model.lm_head).plain
    assert check_against_own_logits(model, tiny_decoder) > 10


def test_a_bias_counts(biased: Any, tiny_decoder: Decoder) -> None:
    """A head with a bias gives the same answers as transformers' own logits."""
    prompt = encode_plain(tiny_decoder.loaded.tokenizer, find_dialect("strict").read("halt").prompt)
    with_bias, without = own_logits(biased, prompt), Head(biased.lm_head)
    assert without.plain
    dropped = with_bias - biased.lm_head.bias
    assert with_bias[-1].argmax() != dropped[-1].argmax()
    assert check_against_own_logits(biased, tiny_decoder) > 10


def test_lora_on_the_head_counts(model: Any, tiny_decoder: Decoder) -> None:
    """An adapter that was trained on the head too is run, not looked through."""
    config = LoraConfig(
        r=4, target_modules=["lm_head", "q_proj"], init_lora_weights=False, task_type="CAUSAL_LM"
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        tuned = get_peft_model(model, config).eval().requires_grad_(False)
    head: Any = tuned.get_base_model().lm_head
    assert not Head(head).plain
    states = torch.randn(2, model.config.hidden_size)
    assert not torch.allclose(head(states), states @ head.weight.T)
    assert check_against_own_logits(tuned, tiny_decoder) > 10


def test_a_hooked_head_is_run(model: Any) -> None:
    """What a hook does to the scores is not passed over."""
    handle = model.lm_head.register_forward_hook(lambda module, inputs, output: output + 1)
    states = torch.randn(2, model.config.hidden_size)
    expected = states @ model.lm_head.weight.T + 1
    torch.testing.assert_close(Head(model.lm_head).scores(states, FEW), expected[:, FEW])
    handle.remove()
    assert Head(model.lm_head).plain


@pytest.mark.parametrize("columns", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("bias", [False, True], ids=["", "bias"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_scores_are_float32(dtype: torch.dtype, bias: bool, columns: Any) -> None:
    """Whatever the precision of states and matrix, the product is taken in float32."""
    torch.manual_seed(5)
    head = nn.Linear(64, 20_000, bias=bias).to(dtype).requires_grad_(False)
    states = (30 * torch.randn(3, 64)).to(dtype)
    by_hand = states.double() @ head.weight.double().T
    if bias:
        by_hand = by_hand + head.bias.double()
    found = Head(head).scores(states, columns)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), by_hand[:, columns], rtol=1e-5, atol=1e-4)
    if dtype == torch.bfloat16:  # else this could not fail
        assert not torch.allclose(head(states).float(), by_hand.float(), rtol=1e-5, atol=1e-4)


def test_a_tie_in_bfloat16_is_no_tie(model: Any, tiny_decoder: Decoder) -> None:
    """Two tokens whose scores round to one bfloat16 number: the larger one is chosen, by both."""
    brief = model.bfloat16()
    prompt = encode_plain(tiny_decoder.loaded.tokenizer, find_dialect("strict").read("halt").prompt)
    index = tiny_decoder.index
    first, second = index.allowed(index.initial_state).tolist()[:2]
    with torch.no_grad():
        head = nn.Linear(model.config.hidden_size, model.config.vocab_size, bias=False).bfloat16()
        head.weight.fill_(1.0)
        state = brief.model(input_ids=torch.tensor([prompt])).last_hidden_state[0, -1].float()
        largest = int(state.abs().argmin())  # the smallest part moves the sum least
        head.weight[second, largest] += 0.0078125 * float(state[largest].sign())
    brief.lm_head = head.requires_grad_(False)
    rounded = head(state.bfloat16())
    assert rounded[first] == rounded[second]
    (step,) = Engine(TorchBackend(brief)).run([Request(prompt, index, no_draft)])
    assert isinstance(step, Answer)
    assert step.token_ids[0] == second
    assert step.margin >= 0
    assert generate_constrained(brief, [prompt], index)[0][0] == second


@pytest.mark.parametrize("text", ["jmp " + "a" * 64, "mov r1, 99999", "jmp x.y_z", "halt"])
def test_a_bfloat16_model_gives_one_answer(
    text: str, tiny_adapter: Path, tiny_decoder: Decoder
) -> None:
    """Where the schema leaves much open: drafted, stepwise and Outlines say the same."""
    loaded = load_model(tiny_adapter, dtype="bfloat16", device="cpu")
    prompt = encode_plain(loaded.tokenizer, find_dialect("strict").read(text).prompt)
    (plain,) = generate_constrained(loaded.model, [prompt], tiny_decoder.index)
    engine = Engine(TorchBackend(loaded.model))
    drafts: list[Callable[..., Any]] = [no_draft, lambda accepted: plain[len(accepted) :]]
    for draft in drafts:
        (answer,) = engine.run([Request(prompt, tiny_decoder.index, draft)])
        assert isinstance(answer, Answer)
        assert list(answer.token_ids) == plain


def test_an_exact_copy_shares_every_weight(tiny_adapter: Path) -> None:
    """In bfloat16 generate's copy has float32 scores; the model stays as it was."""
    loaded = load_model(tiny_adapter, dtype="bfloat16", device="cpu", merge=False)
    exact: Any = with_exact_head(loaded.model)
    ids, whole = torch.tensor([[5, 6, 7]]), cast("Any", loaded.model)
    with torch.inference_mode():
        before = whole(input_ids=ids).logits
        scores = exact(input_ids=ids).logits
        after = whole(input_ids=ids).logits
    assert (before.dtype, scores.dtype) == (torch.bfloat16, torch.float32)
    assert torch.equal(before, after)
    torch.testing.assert_close(scores.bfloat16(), before, rtol=0.02, atol=0.02)
    body: Any = whole.get_base_model().model
    assert exact.model is body
    alone = load_model(tiny_adapter, dtype="float32").model
    assert with_exact_head(alone) is alone


def test_a_model_without_the_parts_is_refused(tiny_base: Path) -> None:
    """GPT-2 calls its body otherwise: the error comes at once and names what to choose."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(vocab_size=300, n_embd=32, n_layer=1, n_head=2)
    with pytest.raises(ModelError, match="GPT2LMHeadModel has no part 'model'; choose a base"):
        Engine(TorchBackend(GPT2LMHeadModel(config)))
    with pytest.raises(ModelError, match="no part 'lm_head'"):
        causal_parts(SimpleNamespace(model=print, device="cpu"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("final_logit_softcapping", 30.0), ("logit_scale", 0.0625), ("logits_scaling", 8.0)],
)
def test_scores_changed_behind_the_head_are_refused(field: str, value: float, model: Any) -> None:
    """Gemma 2, Cohere and Granite do so: probabilities would not be the model's."""
    setattr(model.config, field, value)
    with pytest.raises(ModelError, match=f"{field} is {value}"):
        Engine(TorchBackend(model))
    setattr(model.config, field, None)
    assert Engine(TorchBackend(model)).run([]) == []
