"""transformers' Trainer with loss and logits on the completion alone.

In: a LoRA model and batches of :class:`training.fitting.batches.Collator`. Out: loss, and per
example whether every answer position's argmax was right (teacher-forced exact match).
"""

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    EvalPrediction,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from training.fitting.batches import IGNORED

__all__ = [
    "Clock",
    "CompletionTrainer",
    "LogTable",
    "StopAt",
    "completion_logits",
    "completion_losses",
    "exact_match",
]

_WARM_STEPS = 20


def completion_logits(model: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Run the model and compute logits only where there is loss.

    Args:
        model: A PeftModel around a causal language model.
        inputs: A batch of :class:`training.fitting.batches.Collator`; every tensor (rows, seq).

    Returns:
        Logits (n, vocab), their targets (n,), and the example that each belongs to (n,).
    """
    states, targets, owners = _completion_states(model, inputs)
    return _causal(model).lm_head(states), targets, owners


def completion_losses(model: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Run the model; where the batch says what is allowed, it chooses among that alone.

    Args:
        model: A PeftModel around a causal language model.
        inputs: A batch of :class:`training.fitting.batches.Collator`.

    Returns:
        For each token ID of an answer its cross-entropy in nats (n,), whether another has a higher
        score (n,), float32, and the example that it belongs to (n,).
    """
    states, targets, owners = _completion_states(model, inputs)
    head = _causal(model).lm_head
    counts = inputs.get("allowed_counts", torch.zeros_like(targets))
    losses = torch.zeros(len(targets), dtype=torch.float32, device=states.device)
    wrong = torch.zeros_like(losses)
    for own, ids in ((counts == 0, None), (counts > 0, inputs.get("allowed"))):
        if not own.any():
            continue
        if ids is None:
            logits, wanted = head(states[own]).float(), targets[own]
        else:
            logits, wanted = _among(head, states[own], targets[own], ids, counts[own])
        places = own.nonzero()[:, 0]
        losses = losses.index_copy(
            0, places, functional.cross_entropy(logits, wanted, reduction="none")
        )
        wrong = wrong.index_copy(0, places, (logits.argmax(-1) != wanted).float())
    return losses, wrong, owners


def _completion_states(model: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states that predict an answer's token IDs (n, hidden), those, and their examples."""
    hidden = (
        _causal(model)
        .model(input_ids=inputs["input_ids"], position_ids=inputs["position_ids"], use_cache=False)
        .last_hidden_state
    )  # (rows, seq, hidden)
    targets = inputs["labels"][:, 1:]
    rows, columns = (targets != IGNORED).nonzero(as_tuple=True)
    return hidden[rows, columns], targets[rows, columns], inputs["examples"][:, 1:][rows, columns]


def _causal(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _among(
    head: nn.Linear, states: Tensor, targets: Tensor, ids: Tensor, counts: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits over what any of the states may take (n, ids), minus infinity at what is not its own.

    And where among those the targets are (n,).
    """
    columns, places = torch.unique(ids, return_inverse=True)
    bias = None if head.bias is None else head.bias[columns]
    logits = functional.linear(states, head.weight[columns], bias).float()
    rows = torch.arange(len(counts), device=ids.device).repeat_interleave(counts)
    forbidden = torch.ones_like(logits, dtype=torch.bool)
    forbidden[rows, places] = False
    return logits.masked_fill(forbidden, -math.inf), torch.searchsorted(columns, targets)


def exact_match(prediction: EvalPrediction) -> dict[str, float]:
    """Mean of the per-example flags that :class:`CompletionTrainer` hands over."""
    return {"exact_match": float(np.asarray(prediction.predictions).mean())}


class CompletionTrainer(Trainer):
    """Trainer whose evaluation also counts answers that are right in every position.

    Attributes:
        minutes: How long training may take; the rate then follows the clock, from the moment its
            schedule is made, also where an interrupted training goes on. None: by steps.
    """

    minutes: float | None = None

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The schedule of the arguments, or a cosine of the time that has passed."""
        if self.minutes is None:
            return super().create_scheduler(num_training_steps, optimizer)
        clock = Clock(self.minutes)
        chosen: Any = optimizer or self.optimizer
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(chosen, clock.rate)
        return self.lr_scheduler

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Mean cross-entropy over the answer's positions (nats per token ID)."""
        losses, wrong, owners = completion_losses(model, inputs)
        loss = losses.mean()
        return (loss, (wrong, owners)) if return_outputs else loss

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """One evaluation batch: loss, and a flag per example (batch,), float32."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad():
            loss, (wrong, owners) = self.compute_loss(model, inputs, return_outputs=True)
        count = int(inputs["examples"].max()) + 1
        misses = torch.zeros(count, device=wrong.device).index_add_(0, owners, wrong)
        return loss.detach(), (misses == 0).float(), torch.ones_like(misses)


class Clock:
    """How much of the time for a training is left. Immutable.

    Args:
        minutes: The time, from now on.
    """

    def __init__(self, minutes: float) -> None:
        self._started, self._seconds = time.monotonic(), 60 * minutes

    @property
    def passed(self) -> float:
        """Share of the time that has passed, 0 to 1."""
        return min(1.0, (time.monotonic() - self._started) / self._seconds)

    def rate(self, step: int) -> float:
        """What the learning rate is multiplied by: twenty steps up, then a cosine down."""
        return min(1.0, (step + 1) / _WARM_STEPS) * (1 + math.cos(math.pi * self.passed)) / 2


class StopAt(TrainerCallback):
    """Ends training at a step or after a time, wherever the schedule is then.

    Args:
        step: The last step; None for no such limit.
        minutes: The time, from the first step on; None for no such limit.
    """

    def __init__(self, step: int | None, minutes: float | None = None) -> None:
        self.step, self.minutes = step, minutes
        self._clock: Clock | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock."""
        self._clock = None if self.minutes is None else Clock(self.minutes)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Ask the trainer to stop; after a time, once more evaluated."""
        if self.step is not None and state.global_step >= self.step:
            control.should_training_stop = True
        if self._clock is not None and self._clock.passed >= 1:
            control.should_training_stop = control.should_evaluate = control.should_save = True


class LogTable(TrainerCallback):
    """Prints the table step, epoch, training loss, evaluation loss, exact match, and keeps it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.console = Console(stderr=True)
        self.rows: list[dict[str, float]] = []

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Append one row; all rows are written at once, so a resumed run keeps them."""
        self.rows = list(_rows(state.log_history))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.rows, indent=1) + "\n", "utf-8")
        if len(self.rows) == 1:
            self.console.print("  step  epoch  training loss  evaluation loss  exact match")
        row = self.rows[-1]
        self.console.print(
            f"{row['step']:6d}  {row['epoch']:5.2f}  {row['training_loss']:13.4f}"
            f"  {row['evaluation_loss']:15.4f}  {row['exact_match']:11.4f}"
        )


def _rows(history: list[dict[str, float]]) -> Any:
    training_loss = float("nan")
    for entry in history:
        training_loss = entry.get("loss", training_loss)
        if "eval_loss" in entry:
            yield {
                "step": int(entry["step"]),
                "epoch": round(entry["epoch"], 3),
                "training_loss": round(training_loss, 5),
                "evaluation_loss": round(entry["eval_loss"], 5),
                "exact_match": round(entry["eval_exact_match"], 5),
            }
