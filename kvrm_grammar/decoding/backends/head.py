"""The output matrix: hidden states to scores, in float32 whatever the model's precision is.

In: last hidden states and the token IDs that are allowed. Out: their scores. In bfloat16 a
score near 20 is rounded to a multiple of 0.125, so the two best often tie; the states and the
few rows of the matrix are therefore cast before they are multiplied. A matrix with a bias is
used with its bias; one that is not a plain matrix (LoRA on it, quantised) is run as it is.
Used by the engine and, through :func:`with_exact_head`, by transformers' ``generate``.
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from kvrm_grammar.errors import ModelError

__all__ = ["Head", "causal_parts", "with_exact_head"]

_FEW = 512  # up to so many allowed tokens, their rows of the matrix are picked out
_CHUNK = 8192  # rows that are cast at a time: of 49,152 by 576, this keeps 19 MB and not 113

# What models of some families do to the scores behind the matrix, with its harmless value.
_BEHIND = {"final_logit_softcapping": None, "logit_scale": 1.0, "logits_scaling": 1.0}


class Head:
    """Scores of tokens from hidden states. Immutable; threads may share it.

    Args:
        module: A model's ``lm_head``.
    """

    def __init__(self, module: Any) -> None:
        hooked = getattr(module, "_forward_hooks", None) or getattr(
            module, "_forward_pre_hooks", None
        )
        self._module = module
        self.plain = type(module) is nn.Linear and not hooked

    @property
    def exact(self) -> bool:
        """Whether the model's own scores are those of :meth:`scores` already."""
        return not self.plain or self._module.weight.dtype == torch.float32

    def scores(self, vectors: Tensor, columns: npt.NDArray[np.int64]) -> Tensor:
        """Score some tokens.

        Args:
            vectors: Last hidden states, shape (n, hidden).
            columns: Token IDs, shape (m,).

        Returns:
            float32, shape (n, m).
        """
        index = torch.tensor(columns, device=vectors.device)
        if not self.plain or len(columns) > _FEW:
            return self.all_scores(vectors)[:, index]
        bias = self._module.bias
        rows = self._module.weight[index].float()
        return linear(vectors.float(), rows, None if bias is None else bias[index].float())

    def all_scores(self, vectors: Tensor) -> Tensor:
        """Score every token: float32, shape (…, vocabulary), from states of shape (…, hidden)."""
        if not self.plain:
            whole: Tensor = self._module(vectors)
            return whole.float()
        states = vectors.float()
        return torch.cat([linear(states, *rows) for rows in self._chunks()], dim=-1)

    def _chunks(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        weight, bias = self._module.weight, self._module.bias
        for start in range(0, len(weight), _CHUNK):
            part = slice(start, start + _CHUNK)
            yield weight[part].float(), None if bias is None else bias[part].float()


def causal_parts(model: Any) -> tuple[Any, Any, torch.device]:
    """Take a causal language model apart.

    Args:
        model: A transformers model of the decoder-only kind, or a PEFT model around one.

    Returns:
        Its body, whose output has ``last_hidden_state``, its output matrix, and its device.

    Raises:
        ModelError: It has not the parts ``model`` and ``lm_head``, or changes the scores behind
            the matrix, so that they would not be the model's own.
    """
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    for part in ("model", "lm_head"):
        if not callable(getattr(causal, part, None)):
            raise ModelError(
                f"{type(causal).__name__} has no part {part!r}; choose a base model built as "
                "Llama, Qwen2 or Mistral are"
            )
    config = getattr(causal, "config", None)
    for name, harmless in _BEHIND.items():
        value = getattr(config, name, harmless)
        if value is not None and value != harmless:
            raise ModelError(
                f"{type(causal).__name__} changes its scores behind the output matrix "
                f"({name} is {value}), which is not supported; choose another base model"
            )
    return causal.model, causal.lm_head, causal.device


def with_exact_head(model: Any) -> Any:
    """The same model with scores in float32; it shares every weight, and the model stays as it is.

    Args:
        model: See :func:`causal_parts`.

    Returns:
        The model itself where its scores are float32 already, else a shallow copy.
    """
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    head = Head(getattr(causal, "lm_head", None))
    if head.exact:
        return model
    clone = copy.copy(causal)
    clone._modules = {**causal._modules, "lm_head": _ExactHead(head)}
    return clone


class _ExactHead(nn.Module):
    """A head as transformers calls it."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self._head = head

    def forward(self, hidden: Tensor) -> Tensor:
        """Scores of every token, float32, from hidden states in any precision."""
        return self._head.all_scores(hidden)
