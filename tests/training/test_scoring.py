"""Scores: validity, rates, and the intervals around them."""

from dataclasses import dataclass

import pytest

from training.scoring import is_valid, rate, wilson


def test_intervals_hold_their_rate() -> None:
    """At every rate, the ends too: 0 <= low <= rate <= high <= 1; none seen is no knowledge."""
    for total in (1, 2, 7, 450, 1171):
        for hits in (0, 1, total // 2, total):
            low, high = wilson(hits, total)
            assert 0 <= low <= hits / total <= high <= 1
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_intervals_are_wilsons(hits: int, total: int, low: float, high: float) -> None:
    """Without continuity correction; the last row is Newcombe's (1998, table I)."""
    assert wilson(hits, total) == pytest.approx((low, high), abs=5e-5)


@dataclass(frozen=True)
class _Answer:
    exact: bool


def test_a_rate_counts() -> None:
    """Hits, examples, share and interval; no share where there is nothing."""
    row = rate([_Answer(True), _Answer(False), _Answer(True), _Answer(True)])
    assert (row["examples"], row["exact"], row["rate"]) == (4, 3, 0.75)
    assert row["interval_95"] == list(wilson(3, 4))
    assert rate([])["rate"] is None


@pytest.mark.parametrize(
    ("answer", "valid"),
    [
        ('{"key":"OP_HALT","params":{}}', True),
        ('{"key": "OP_HALT", "params": {}}', False),
        ('{"key":"OP_INC","params":{"dest":"R9"}}', False),
        ("halt", False),
        ("", False),
    ],
)
def test_validity_is_of_canonical_operations(answer: str, valid: bool) -> None:
    """An operation that is spelled otherwise, or is none, is not valid."""
    assert is_valid(answer) is valid
