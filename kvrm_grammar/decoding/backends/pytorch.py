"""A torch model as a backend: the reference, the default on a GPU, and what training has.

In: a transformers causal language model, or a PEFT model around one. Out: hidden states and scores,
float32. Needs the extra ``torch``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from kvrm_grammar.concurrency import native_run
from kvrm_grammar.decoding.backends.head import Head, causal_parts

__all__ = ["TorchBackend"]

_ATTENDING = ("llama", "qwen2")


class TorchBackend:
    """Runs one torch model. Immutable; threads may share it.

    Args:
        model: A decoder-only model with parts ``model`` and ``lm_head``, or a PEFT model around
            one, in evaluation mode.

    Raises:
        ModelError: The model has other parts, or its scores are not those of its ``lm_head``.
    """

    def __init__(self, model: Any) -> None:
        self._body, head, self._device = causal_parts(model)
        self._head = Head(head)
        # A mask of its own hides a text from another in attention over everything, and not where
        # a layer keeps a state or a window. On a GPU it would cost more than the padding.
        config = getattr(self._body, "config", None)
        self.shares_rows = (
            self._device.type == "cpu"
            and getattr(config, "model_type", None) in _ATTENDING
            and set(getattr(config, "layer_types", None) or ()) <= {"full_attention"}
        )

    def hidden(
        self,
        ids: npt.NDArray[np.int64],
        positions: npt.NDArray[np.int64],
        mask: npt.NDArray[np.float32] | None,
        places: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float32]:
        """See :meth:`~kvrm_grammar.decoding.protocol.Backend.hidden`."""
        with native_run(), torch.inference_mode():
            output = self._body(
                input_ids=torch.from_numpy(ids).to(self._device),
                position_ids=torch.from_numpy(positions).to(self._device),
                attention_mask=None if mask is None else self._wide(mask, len(ids)),
                use_cache=False,
            )
            at = torch.from_numpy(places).to(self._device)
            picked = output.last_hidden_state[at[:, 0], at[:, 1]]
            found: npt.NDArray[np.float32] = picked.float().cpu().numpy()
            return found

    def scores(
        self, vectors: npt.NDArray[np.float32], columns: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """See :meth:`~kvrm_grammar.decoding.protocol.Backend.scores`."""
        with native_run(), torch.inference_mode():
            states = torch.from_numpy(vectors).to(self._device)
            found: npt.NDArray[np.float32] = self._head.scores(states, columns).cpu().numpy()
            return found

    def _wide(self, mask: npt.NDArray[np.float32], rows: int) -> Any:
        dtype = next(self._body.parameters()).dtype
        lowest = torch.finfo(dtype).min  # of float16 it is above what masks have
        wide = torch.from_numpy(mask).clamp(min=lowest).to(self._device, dtype)
        return wide.expand(rows, -1, -1, -1)
