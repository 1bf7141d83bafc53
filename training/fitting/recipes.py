"""What decides the result of a training, besides data, base model and seed.

In: a preset's name. Out: its :class:`Recipe`.
"""

from dataclasses import dataclass, replace

__all__ = ["PRESETS", "TARGET_MODULES", "TWO_STAGES", "Recipe"]

TARGET_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, besides data, base model and seed. Immutable.

    Attributes:
        max_samples: How many examples to train on, each once an epoch; None for all.
        opcode_only: Share of examples whose answer is cut after its opcode.
        unconstrained: Share of examples, drawn at random, whose loss is over the whole vocabulary;
            of the others it is over what grounded decoding would allow. The log's losses and exact
            matches are of grounded decoding unless this is 1.
        stop_step: Where to stop, wherever the schedule is then; None for its end.
        minutes: How long to train: the rate falls as a cosine of the time that has passed, and
            training ends with it, or with the data; None for a schedule by steps.
        mined: How many of the examples behind ``max_samples`` to show to the adapter that
            training goes on from; what it is unsure of is trained on too.
        mined_below: The confidence under which it is unsure.
        mined_whole: Whether it is asked for whole answers, not only for opcodes.
        mined_repeats: How often each of those comes in an epoch.
        wrong_repeats: How many times as often those come that it answers wrongly.
        evaluation_samples: How many to hold out.
        evaluation_steps: Steps between two evaluations, each with a checkpoint.
    """

    epochs: float = 3.0
    batch_size: int = 16
    max_samples: int | None = None
    learning_rate: float = 3e-4
    schedule: str = "linear"
    warmup_ratio: float = 0.05
    weight_decay: float = 0.01
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    max_length: int = 128
    opcode_only: float = 0.0
    unconstrained: float = 1.0
    stop_step: int | None = None
    minutes: float | None = None
    mined: int = 0
    mined_below: float = 0.95
    mined_whole: bool = False
    mined_repeats: int = 2
    wrong_repeats: int = 3
    evaluation_samples: int = 320
    evaluation_steps: int = 200


_ON_TWO_CORES = Recipe(epochs=1.0, schedule="cosine", dropout=0.0)
_GOING_ON = replace(_ON_TWO_CORES, max_length=192, unconstrained=0.1)

# "report" is the recipe of the earlier training report, for a GPU. "gpu" is for one that is there
# for minutes: batches that fill it, and a schedule by the clock. The other two are the
# stages of "cpu", for two cores, without dropout, which costs a third of the speed.
# "cpu-start" learns to copy in a few hundred steps at a high rate, "cpu-refine" learns to
# refuse: a lower rate, and most answers cut after the opcode. "cpu-sharpen" goes on from an
# adapter that can do both, at a rate that forgets nothing, and dwells on what that is unsure of.
# "cpu-lenient" goes on from the strict adapter with the data of the lenient dialect, and
# "cpu-lenient-sharpen" from that; there the operands' roles are to be learned too.
PRESETS = {
    "report": Recipe(),
    "gpu": replace(
        _GOING_ON,
        batch_size=96,
        learning_rate=8e-4,
        opcode_only=0.35,
        minutes=8.0,
        evaluation_steps=250,
    ),
    "cpu-start": replace(
        _ON_TWO_CORES,
        max_samples=22_400,
        learning_rate=8e-4,
        opcode_only=0.3,
        stop_step=300,
    ),
    "cpu-refine": replace(
        _ON_TWO_CORES,
        max_samples=40_000,
        learning_rate=3e-4,
        opcode_only=0.85,
        evaluation_steps=450,
    ),
    "cpu-sharpen": replace(
        _GOING_ON,
        max_samples=7_000,
        learning_rate=2.5e-4,
        opcode_only=0.8,
        mined=24_000,
    ),
    "cpu-lenient": replace(
        _GOING_ON,
        max_samples=36_000,
        learning_rate=4e-4,
        opcode_only=0.35,
        evaluation_steps=450,
    ),
    "cpu-lenient-sharpen": replace(
        _GOING_ON,
        max_samples=6_000,
        learning_rate=3e-4,
        opcode_only=0.4,
        mined=20_000,
        mined_whole=True,
        mined_repeats=1,
    ),
}

TWO_STAGES = "cpu"
"""Preset that runs "cpu-start" and goes on from it with "cpu-refine"."""
