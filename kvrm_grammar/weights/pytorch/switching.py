"""Several LoRA adapters on one base model, one of them active at a time.

In: a PEFT model that holds them. Out: for each a switch, which makes it the active one while a
run of the model lasts. A lock keeps two threads from running two adapters at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from peft import PeftModel

from kvrm_grammar.concurrency import ForkLock

__all__ = ["AdapterSwitch", "AdapterSwitches"]


class AdapterSwitches:
    """The adapters of one model. Mutable: which of them is active changes.

    Args:
        model: Holds the adapters, none of them merged into the base's weights.
    """

    def __init__(self, model: PeftModel) -> None:
        self._model = model
        self._lock = ForkLock()
        self._active: str | None = None

    def of(self, name: str) -> "AdapterSwitch":
        """The switch of one adapter."""
        return AdapterSwitch(self, name)

    @contextmanager
    def using(self, name: str) -> Iterator[None]:
        """Hold the model with an adapter active; nothing else runs it meanwhile."""
        with self._lock as lock:
            if lock.was_held:  # in a forked child: another thread may have been switching
                self._active, lock.was_held = None, False
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
