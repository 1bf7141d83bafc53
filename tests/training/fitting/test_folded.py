"""Folded LoRA layers and plain attention: the loss and the gradients of PEFT's own."""

import copy
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.nn import functional
from transformers import AutoModelForCausalLM

from training.fitting.batches import Collator, Feature
from training.fitting.folded import fold_while_training, hasten
from training.fitting.recipes import TARGET_MODULES
from training.fitting.trainer import completion_logits


def with_lora(base: Any, dropout: float = 0.0) -> PeftModel:
    """A model with an adapter that is not zero."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(
        r=4,
        lora_alpha=8,
        lora_dropout=dropout,
        target_modules=list(TARGET_MODULES),
        init_lora_weights=False,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return get_peft_model(model, config).train()


def loss_and_gradients(
    model: PeftModel, features: list[Feature]
) -> tuple[float, dict[str, torch.Tensor]]:
    """Of one batch, several examples in a row: by the name of the parameter."""
    model.zero_grad()
    logits, targets, _ = completion_logits(model, Collator(0)(features))
    loss = functional.cross_entropy(logits.float(), targets)
    loss.backward()  # type: ignore[no-untyped-call]
    found = {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    return float(loss.detach()), found


def test_the_gradients_are_pefts(tiny_base: Any, features: list[Feature]) -> None:
    """All of them, also where rows are packed; and a step of training changes the next loss."""
    model = with_lora(tiny_base)
    loss, gradients = loss_and_gradients(model, features)
    layers = model.config.num_hidden_layers if hasattr(model.config, "num_hidden_layers") else 0
    assert len(gradients) == 2 * len(TARGET_MODULES) * layers > 0
    assert all(float(gradient.abs().max()) > 0 for gradient in gradients.values())
    hasten(model)
    folded, same = loss_and_gradients(model, features)
    assert folded == pytest.approx(loss, rel=1e-5)
    assert same.keys() == gradients.keys()
    for name, gradient in gradients.items():
        scale = float(gradient.abs().max())
        torch.testing.assert_close(same[name], gradient, rtol=1e-3, atol=1e-4 * scale)
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    optimiser.step()
    assert loss_and_gradients(model, features)[0] < folded


def test_what_is_saved_is_the_adapter(tiny_base: Any) -> None:
    """Folding touches no parameter."""
    model = with_lora(tiny_base)
    before = copy.deepcopy(model.state_dict())
    assert fold_while_training(model) > 0
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_dropout_is_left_to_peft(tiny_base: Any) -> None:
    """It falls on the adapter's input alone, which a folded matrix cannot do."""
    assert fold_while_training(with_lora(tiny_base, dropout=0.5)) == 0
