"""Whatever the scores, the answer is valid or a typed error: through the real engine."""

import json
from pathlib import Path

import pytest

from benchmarks import attack as attack_module
from benchmarks.attack import STRATEGIES, attack, byte_vocabulary


@pytest.mark.parametrize("seed", [1, 2])
def test_no_scores_make_an_invalid_answer(seed: int) -> None:
    """Random, adversarial, infinite scores and NaN: valid operations, or errors where due."""
    counts = attack(1_000, seed, batch_size=40)
    assert set(counts) == set(STRATEGIES)
    for strategy, own in counts.items():
        assert own["sequences"] == 200
        assert own.get("invalid", 0) == 0
        assert own.get("unexpected_errors", 0) == 0
        assert own.get("answers", 0) + own.get("typed_errors", 0) == own["sequences"]
        assert (own.get("typed_errors", 0) > 0) == (strategy in ("infinite", "not numbers"))
    assert counts["not numbers"]["answers"] > 0
    assert counts["infinite"]["answers"] > 0


def test_the_vocabulary_of_the_attack_can_write_everything() -> None:
    """Every byte is an entry, some entries are longer, and some IDs write nothing."""
    vocabulary = byte_vocabulary()
    assert {bytes([b]) for b in range(256)} <= set(vocabulary.tokens.values())
    assert max(map(len, vocabulary.tokens.values())) >= 10
    assert vocabulary.size > max(vocabulary.tokens) + 1


def test_the_campaign_adds_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks in two processes are counted once each, and the report says how many."""
    monkeypatch.setattr(attack_module, "_CHUNK", 40)
    output = tmp_path / "attack.json"
    options = ["--sequences", "100", "--processes", "2", "--output", str(output)]
    assert attack_module.main(options) == 0
    report = json.loads(output.read_text("utf-8"))
    assert sum(own.get("sequences", 0) for own in report["strategies"].values()) == 100
    assert report["invalid"] == 0
