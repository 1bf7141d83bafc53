"""What the model once got wrong: replayed on the shipped adapter, line by line.

The corpus holds the disagreements of fuzz campaigns (``--fuzz-save``). A line marked
``open`` is not learned yet: its answer need only be valid, and its mark goes when it is.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.facade import default_decoder
from tests.fuzz.campaign import expected_of
from training.scoring import is_valid

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(CORPUS.glob("*.jsonl"))


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_there_is_a_corpus() -> None:
    """Every line has a text of its own, and where it came from."""
    assert FILES
    for path in FILES:
        texts = [row["text"] for row in rows(path)]
        assert texts
        assert len(set(texts)) == len(texts)
        assert all(row["strategy"] and isinstance(row["seed"], int) for row in rows(path))


@pytest.mark.model
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_was_learned_stays_learned(path: Path) -> None:
    """Every answer is valid; of what is not open, every answer is the parser's."""
    entries = rows(path)
    answers = default_decoder().decode_many(row["text"] for row in entries)
    wrong = []
    for row, decoded in zip(entries, answers, strict=True):
        expected, _ = expected_of(row["text"])
        assert is_valid(decoded.json or "") or type(decoded.error).__name__ == expected
        if decoded.json != expected and decoded.error is None and not row.get("open"):
            wrong.append((row["text"], expected, decoded.json))
    assert wrong == []
