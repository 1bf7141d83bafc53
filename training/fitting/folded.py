"""LoRA layers that train as one matrix: base and adapter folded anew at every step.

In: a PeftModel whose LoRA layers have one adapter each, without dropout. Out: the same model;
its linear layers compute ``x (W + s B A)^T`` at once, with the gradients of A and B. PEFT
computes ``x W^T + s (x A^T) B^T`` with A and B in float32: three multiplications, two casts and
two sums for each layer. The sum is rounded to the base's dtype, as it is where the merged
adapter decodes.

With it goes attention of plain multiplications: the fused one's gradient is slow on a CPU, for
rows of a few hundred token IDs.
"""

from types import MethodType
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora.layer import Linear
from torch import Tensor, nn

__all__ = ["fold_while_training", "hasten"]


class _Folded(torch.autograd.Function):
    """``x (W + s B A)^T``: x (..., in), W (out, in), A (rank, in), B (out, rank)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
        low_a, low_b = a.to(weight.dtype), (scale * b).to(weight.dtype)
        folded = torch.addmm(weight, low_b, low_a)
        ctx.save_for_backward(x, folded, low_a, low_b)
        ctx.scale = scale
        return nn.functional.linear(x, folded)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, folded, low_a, low_b = ctx.saved_tensors
        flat, rows = gradients[0].reshape(-1, folded.shape[0]), x.reshape(-1, folded.shape[1])
        into = (flat @ folded).view_as(x)
        of_a = (flat @ low_b).T @ rows
        of_b = flat.T @ (rows @ low_a.T)
        return into, None, of_a.float(), of_b.float() * ctx.scale, None


def _forward(layer: Linear, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    (name,) = layer.active_adapters
    weight: Any = layer.base_layer.weight
    output: Tensor = _Folded.apply(  # type: ignore[no-untyped-call]
        x.to(weight.dtype),
        weight,
        layer.lora_A[name].weight,
        layer.lora_B[name].weight,
        layer.scaling[name],
    )
    return output


def hasten(model: PeftModel) -> None:
    """Make a training's steps on a CPU cheaper; loss and gradients are the same but for rounding.

    Args:
        model: What is trained; it is changed.
    """
    base: Any = model.get_base_model()
    base.set_attn_implementation("eager")
    fold_while_training(model)


def fold_while_training(model: nn.Module) -> int:
    """Let every LoRA layer of a model train folded, where that gives the same gradients.

    Args:
        model: A PeftModel; it is changed. Its parameters, and so its adapter, stay what they are.

    Returns:
        How many layers do; 0 where one has dropout, a bias or several adapters.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, Linear)]
    if not all(_can(layer) for layer in layers):
        return 0
    for layer in layers:
        layer.forward = MethodType(_forward, layer)  # type: ignore[method-assign]
    return len(layers)


def _can(layer: Linear) -> bool:
    dropouts: Any = layer.lora_dropout
    return (
        len(layer.active_adapters) == 1
        and not layer.merged
        and all(isinstance(dropout, nn.Identity) for dropout in dropouts.values())
        and layer.base_layer.bias is None
        and not any(layer.use_dora.values())
    )
