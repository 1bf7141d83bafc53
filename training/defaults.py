"""Where the commands find data, and the seeds behind them, by dialect.

In: nothing. Out: constants that more than one command needs: what evaluates refuses the seeds that
made what was trained on.
"""

from collections.abc import Mapping
from pathlib import Path

__all__ = ["EVALUATION_SEED", "TRAINING_COUNT", "TRAINING_DATA", "TRAINING_SEEDS"]

TRAINING_DATA: Mapping[str, Path] = {
    "strict": Path("data/cpu_decode_train.jsonl"),
    "lenient": Path("data/cpu_decode_lenient_train.jsonl"),
}
TRAINING_SEEDS: Mapping[str, int] = {"strict": 20261202, "lenient": 20261205}
TRAINING_COUNT = 50_000
EVALUATION_SEED = 777_008
