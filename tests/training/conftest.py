"""Fixtures of the tests of training: short examples, and an adapter that was trained on them."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.short_training import train
from training.data.examples import read_examples, write_examples
from training.data.strict import generate_examples
from training.fitting.batches import Feature, encode_examples


@pytest.fixture(scope="session")
def features(tiny_tokenizer: Any) -> list[Feature]:
    kept, _ = encode_examples(tiny_tokenizer, list(generate_examples(12, 3)), 300)
    return kept


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty-four short examples: six for evaluation, the rest for training."""
    short = [e for e in generate_examples(200, seed=7) if len(e.text) < 20 and len(e.answer) < 60]
    file = tmp_path_factory.mktemp("data") / "train.jsonl"
    write_examples(file, short[:64])
    assert len(read_examples(file)) == 64
    return file


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, data: Path) -> Path:
    """An adapter from one uninterrupted run."""
    output = tmp_path_factory.mktemp("run") / "adapter"
    threads = torch.get_num_threads()
    try:
        assert train(output, base=tiny_base, data=data) == 0
    finally:
        torch.set_num_threads(threads)
    return output
