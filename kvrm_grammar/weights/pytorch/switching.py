"""Several LoRA adapters on one base model, one of them active at a time.

In: a PEFT model that holds them. Out: for each a switch, which makes it the active one while a
run of the model lasts. A lock keeps two threads from running two adapters at once.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock

from peft import PeftModel

__all__ = ["AdapterSwitch", "AdapterSwitches"]


class AdapterSwitches:
    """The adapters of one model. Mutable: which of them is active changes.

    Args:
        model: Holds the adapters, none of them merged into the base's weights.
    """

    def __init__(self, model: PeftModel) -> None:
        self._model = model
        self._process_id = os.getpid()
        self._lock = RLock()
        self._active: str | None = None

    def of(self, name: str) -> "AdapterSwitch":
        """The switch of one adapter."""
        return AdapterSwitch(self, name)

    @contextmanager
    def using(self, name: str) -> Iterator[None]:
        """Hold the model with an adapter active; nothing else runs it meanwhile."""
        if self._process_id != os.getpid():
            # A fork copies a lock that another thread holds, and not the thread that would free it.
            self._process_id, self._lock, self._active = os.getpid(), RLock(), None
        with self._lock:
            if self._active != name:
                self._model.set_adapter(name, inference_mode=True)
                self._active = name
            yield


@dataclass(frozen=True, slots=True)
class AdapterSwitch:
    """Makes one adapter of a shared model the active one. Immutable; threads may share it."""

    switches: AdapterSwitches
    name: str

    @contextmanager
    def using(self) -> Iterator[None]:
        """Hold the model with this adapter active."""
        with self.switches.using(self.name):
            yield
