"""Loss and exact match: of the answer alone, example by example."""

import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional
from transformers import EvalPrediction, TrainerControl, TrainerState

from kvrm_grammar.weights.pytorch.loading import load_model
from training.fitting import training as fitting
from training.fitting.batches import IGNORED, Collator, Feature
from training.fitting.recipes import Recipe
from training.fitting.trainer import (
    Clock,
    CompletionTrainer,
    StopAt,
    completion_logits,
    exact_match,
)


def test_examples_in_a_row_do_not_see_each_other(tiny_base: Path, features: list[Feature]) -> None:
    """Packed or alone, an example gets the same logits and the same loss."""
    model = load_model(None, base=tiny_base, dtype=torch.float32).model
    with torch.no_grad():
        logits, targets, owners = completion_logits(
            model,
            Collator(2, per_row=5)(features),
        )
        for number, feature in enumerate(features):
            ids = torch.tensor([feature["input_ids"]])
            answer = [label for label in feature["labels"] if label != IGNORED]
            alone = model(input_ids=ids).logits[0, -len(answer) - 1 : -1]
            mine = owners == number
            assert targets[mine].tolist() == answer
            torch.testing.assert_close(logits[mine], alone, rtol=1e-4, atol=1e-5)


def test_exact_match_is_per_example(
    tiny_base: Path, features: list[Feature], tmp_path: Path
) -> None:
    """The loss is the mean over answer tokens; an example counts if all of its tokens are right."""
    loaded = load_model(None, base=tiny_base, dtype=torch.float32)
    trainer = CompletionTrainer(
        model=loaded.model,
        args=fitting._training_arguments(Recipe(), tmp_path, 1),
        train_dataset=features,
        eval_dataset=features,
        data_collator=Collator(2),
        compute_metrics=exact_match,
    )
    batch = Collator(2)(features)
    with torch.no_grad():
        logits, _, owners = completion_logits(loaded.model, batch)
    # The model's own choices as labels for the even examples: those are then right throughout.
    choices = logits.argmax(-1)
    rows, columns = (batch["labels"] != IGNORED).nonzero(as_tuple=True)
    even = owners % 2 == 0
    batch["labels"][rows[even], columns[even]] = choices[even]
    batch["labels"][rows[~even], columns[~even]] = (choices[~even] + 1) % logits.shape[1]
    loss, flags, _ = trainer.prediction_step(loaded.model, batch, prediction_loss_only=False)
    assert flags is not None
    assert flags.tolist() == [float(i % 2 == 0) for i in range(len(features))]
    labels = torch.where(even, choices, (choices + 1) % logits.shape[1])
    torch.testing.assert_close(loss, functional.cross_entropy(logits, labels))
    half = exact_match(EvalPrediction(flags.numpy(), flags.numpy()))
    assert half == {"exact_match": pytest.approx(math.ceil(len(features) / 2) / len(features))}


def test_the_rate_follows_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up within twenty steps, half of it when half of the time has passed, nothing at its end."""
    now = [100.0]
    monkeypatch.setattr("training.fitting.trainer.time.monotonic", lambda: now[0])
    clock = Clock(2.0)
    assert (clock.passed, clock.rate(0), clock.rate(9), clock.rate(500)) == (0.0, 0.05, 0.5, 1.0)
    now[0] = 160.0
    assert [clock.passed, clock.rate(500)] == pytest.approx([0.5, 0.5])
    now[0] = 1000.0
    assert [clock.passed, clock.rate(500)] == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(("step", "minutes", "seconds", "stops"), [
    (None, None, 1e9, False), (5, None, 0.0, True), (6, None, 0.0, False),
    (None, 1.0, 59.0, False), (None, 1.0, 60.0, True),
])  # fmt: skip
def test_training_ends_at_a_step_or_after_a_time(
    step: int | None,
    minutes: float | None,
    seconds: float,
    stops: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """After a time it is evaluated and saved once more, so that nothing of it is lost."""
    now = [7.0]
    monkeypatch.setattr("training.fitting.trainer.time.monotonic", lambda: now[0])
    callback, control = StopAt(step, minutes), TrainerControl()
    arguments = fitting._training_arguments(Recipe(), tmp_path, 1)
    callback.on_train_begin(arguments, TrainerState(), control)
    now[0] += seconds
    callback.on_step_end(arguments, TrainerState(global_step=5), control)
    assert control.should_training_stop is stops
    assert control.should_save is control.should_evaluate is (stops and minutes is not None)
