"""A training of four steps, for tests.

In: a tiny base and a few examples. Out: an adapter folder.
"""

from pathlib import Path

from training import train_decode

__all__ = ["train"]


def train(output: Path, *options: str, base: Path, data: Path) -> int:
    """Four steps, evaluation and a checkpoint at every second."""
    fixed = {
        "--output": output,
        "--checkpoints": output.parent / f"{output.name}-checkpoints",
        "--base": base,
        "--data": data,
        "--preset": "report",
        "--epochs": 1,
        "--batch-size": 16,
        "--evaluation-steps": 2,
        "--threads": 1,
    }
    return train_decode.main([*(str(x) for pair in fixed.items() for x in pair), *options])
