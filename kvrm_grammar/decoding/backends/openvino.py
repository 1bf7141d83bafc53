"""A compiled graph as a backend: the default on a CPU, without torch.

In: an exported model. Out: hidden states and scores, float32. One run at a time: a run uses every
core, and a second beside it would only make both slower.
"""

import os
from functools import lru_cache
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from kvrm_grammar.concurrency import ForkLock, native_run
from kvrm_grammar.decoding.masks import additive
from kvrm_grammar.weights.export.forking import kept_in_forks
from kvrm_grammar.weights.export.loading import ExportedModel

__all__ = ["OpenVinoBackend", "causal_mask"]

_CHUNK = 8192  # rows that are widened at a time: of 49,152 by 576, this keeps 19 MB and not 113


class OpenVinoBackend:
    """Runs one exported model. Immutable but for its lock; threads may share it.

    Args:
        model: As loaded.
    """

    shares_rows = True

    def __init__(self, model: ExportedModel) -> None:
        self._model = model
        self._lock = ForkLock()
        self._request: Any = None
        _BACKENDS.add(self)

    def hidden(
        self,
        ids: npt.NDArray[np.int64],
        positions: npt.NDArray[np.int64],
        mask: npt.NDArray[np.float32] | None,
        places: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float32]:
        """See :meth:`~kvrm_grammar.decoding.protocol.Backend.hidden`."""
        inputs = {
            "embedded": self._model.embedding.rows(ids),
            "positions": positions.astype(np.int32),
            "mask": causal_mask(ids.shape[1]) if mask is None else mask,
        }
        with native_run(), self._lock:  # whoever waits at the end of Python holds no lock
            if self._request is None:
                self._request = kept_in_forks(self._model.graph.create_infer_request())
            self._request.infer(inputs, share_inputs=True)
            if self._model.file is not None:
                self._model.file.drop_pages()
            states: npt.NDArray[np.float32] = self._request.get_output_tensor(0).data
            return states[places[:, 0], places[:, 1]]  # a copy: the next run writes over it

    def scores(
        self, vectors: npt.NDArray[np.float32], columns: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """See :meth:`~kvrm_grammar.decoding.protocol.Backend.scores`."""
        head = self._model.head
        parts = [
            vectors @ head.rows(columns[start : start + _CHUNK]).T
            for start in range(0, len(columns), _CHUNK)
        ]
        scores: npt.NDArray[np.float32] = np.concatenate(parts, axis=1)
        return scores if head.bias is None else scores + head.bias[columns]

    def renew(self) -> None:
        """In a forked child: take a new request, as another thread may have been running this."""
        self._request = None


_BACKENDS: WeakSet[OpenVinoBackend] = WeakSet()


def _renew_all() -> None:
    for backend in _BACKENDS:
        backend.renew()


if hasattr(os, "register_at_fork"):  # Windows has none; behind the hook that keeps requests
    os.register_at_fork(after_in_child=_renew_all)


@lru_cache(maxsize=64)
def causal_mask(length: int) -> npt.NDArray[np.float32]:
    """Who sees whom in a plain sequence: float32, shape (1, 1, length, length)."""
    seen = np.tril(np.ones((length, length), dtype=bool))
    mask = additive(seen[None])
    mask.flags.writeable = False
    return mask
