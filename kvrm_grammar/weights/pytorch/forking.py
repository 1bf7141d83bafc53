"""A model in a process that was forked after it was loaded.

In: the process that loaded a model, and its device. Out: the process of now, able to run it, or
a :class:`~kvrm_grammar.errors.ModelError`. A fork copies the caller's thread alone: torch's
pool of threads is gone in the child, and the first operation that hands it work would wait for
ever. With one thread torch asks no pool. Used by :mod:`~kvrm_grammar.weights.pytorch.loading`.
"""

import logging
import os

import torch

from kvrm_grammar.errors import ModelError

__all__ = ["prepare_process"]

_LOGGER = logging.getLogger(__name__)


def prepare_process(loaded_by: int, device: torch.device) -> None:
    """Make sure that this process can run a model; costs nothing where it loaded it.

    Args:
        loaded_by: ID of the process that loaded the model.
        device: Where the model's weights are.

    Raises:
        ModelError: The weights are on a GPU, which a forked process cannot reach.
    """
    if os.getpid() == loaded_by:
        return
    if device.type != "cpu":
        raise ModelError(
            f"this process was forked from {loaded_by}, which holds the model on {device}; a "
            "fork cannot use it: load the model in this process, or start it by 'spawn'"
        )
    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)
        _LOGGER.warning(
            "process %s was forked from %s after the model was loaded, so it computes with one "
            "thread; load the model in this process, or start it by 'spawn', to use all",
            os.getpid(),
            loaded_by,
        )
