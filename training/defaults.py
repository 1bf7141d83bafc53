"""Where the commands find data, and the seeds behind them, by dialect.

In: a dialect's name. Out: constants that more than one command needs:
what evaluates refuses the seeds that made what was trained on.
"""

from collections.abc import Mapping
from pathlib import Path

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import DataError
from kvrm_grammar.isa import InstructionSet, load_set

__all__ = [
    "EVALUATION_SEED",
    "TRAINING_COUNT",
    "TRAINING_DATA",
    "TRAINING_SEEDS",
    "packaged_adapter",
    "training_data",
]

TRAINING_DATA: Mapping[str, Path] = {
    "strict": Path("data/cpu_decode_train.jsonl"),
    "lenient": Path("data/cpu_decode_lenient_train.jsonl"),
}
TRAINING_SEEDS: Mapping[str, int] = {"strict": 20261202, "lenient": 20261205}
TRAINING_COUNT = 50_000
EVALUATION_SEED = 777_008


def packaged_adapter(dialect: str, isa: InstructionSet | None = None) -> Path:
    """Where the adapter of a dialect lies that comes with the package, below the repository.

    Raises:
        DataError: The set comes without one.
    """
    found = find_dialect(dialect, isa)
    if found.adapter is None:
        raise DataError(f"no adapter comes with {found.isa.name}: name one with --adapter")
    return Path(found.adapter)


def training_data(dialect: str, isa: InstructionSet | None = None) -> Path:
    """Where the training data of a dialect lies by default; other sets have files of their own."""
    loaded = load_set(isa)
    if loaded is load_set():
        return TRAINING_DATA[dialect]
    return Path(f"data/{loaded.name}_{dialect}_train.jsonl")
