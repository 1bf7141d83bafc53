"""scoring.py: the best of each place is that of a plain loop, and a bad place spoils no other."""

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from kvrm_grammar.decoding.acceptance import Choice
from kvrm_grammar.decoding.scoring import best_choices, log_softmax
from kvrm_grammar.errors import DecodeError

WIDTH, TOKENS = 6, 3000


class Matrix:
    """A backend that is a matrix; it tells what it was asked."""

    shares_rows = False

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix.astype(np.float32)
        self.asked: list[tuple[int, int]] = []

    def hidden(self, *_: Any) -> Any:
        """Not needed here."""
        raise NotImplementedError

    def scores(self, vectors: Any, columns: Any) -> Any:
        """Each score by itself, so that it does not depend on what else is asked."""
        self.asked.append((len(vectors), len(columns)))
        with np.errstate(invalid="ignore"):
            return (vectors[:, None, :] * self.matrix[columns][None]).sum(axis=2, dtype=np.float32)


def by_loop(backend: Matrix, vectors: Any, allowed: list[Any]) -> list[Choice]:
    """One place after another, by torch in float64."""
    found = []
    for vector, ids in zip(vectors, allowed, strict=True):
        scores = torch.from_numpy(backend.scores(vector[None], ids)[0]).double()
        best = int(scores.argmax())
        rest = torch.cat([scores[:best], scores[best + 1 :]])
        found.append(
            Choice(
                int(ids[best]),
                float(torch.log_softmax(scores, -1)[best]),
                float(scores[best] - rest.max()),
            )
        )
    return found


def drawn(random: np.random.Generator, sizes: list[int]) -> list[Any]:
    """Ascending sets of token IDs of given sizes."""
    return [np.sort(random.choice(TOKENS, size, replace=False)) for size in sizes]


def check(found: list[Any], expected: list[Choice]) -> None:
    """The same tokens, and the same numbers but for rounding."""
    assert [one.token_id for one in found] == [one.token_id for one in expected]
    for own, other in zip(found, expected, strict=True):
        assert own.log_probability == pytest.approx(other.log_probability, abs=1e-9)
        assert own.margin == pytest.approx(other.margin, abs=1e-9)


SIZES = {
    "two": [2],
    "few": [2, 3, 17, 2],
    "at the limit": [512, 2, 512],
    "above": [513, 3000],
    "both": [2, 600, 511, 512, 513, 30, 3000, 2],
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_as_a_plain_loop(seed: int, sizes: list[int]) -> None:
    """Token, certainty and margin of every place, in order, whatever the sizes."""
    random = np.random.default_rng(seed)
    backend = Matrix(random.normal(size=(TOKENS, WIDTH)) * 3)
    vectors = random.normal(size=(len(sizes), WIDTH)).astype(np.float32)
    allowed = drawn(random, sizes)
    before = vectors.copy()
    found = best_choices(backend, vectors, allowed, [None] * len(allowed))
    assert len(backend.asked) <= 2
    assert np.array_equal(vectors, before)
    check(found, by_loop(backend, vectors, allowed))


@pytest.mark.parametrize("seed", range(8))
def test_names_are_weighed_among_more_than_is_allowed(seed: int) -> None:
    """The best of what is allowed, with its share of all; and what each of the others has."""
    random = np.random.default_rng(seed)
    backend = Matrix(random.normal(size=(TOKENS, WIDTH)) * 3)
    among: list[Any] = drawn(random, [5, 7, 600, 3, 2])
    allowed = [
        np.sort(random.choice(ids, size, replace=False))
        for ids, size in zip(among, (2, 7, 40, 1, 2), strict=True)
    ]
    among[4] = None
    vectors = random.normal(size=(len(among), WIDTH)).astype(np.float32)
    found: Any = best_choices(backend, vectors, allowed, among)
    assert [one.siblings is None for one in found] == [False] * 4 + [True]
    for one, vector, own, every in zip(found, vectors, allowed, among, strict=True):
        ids = own if every is None else every
        scores = torch.from_numpy(backend.scores(vector[None], ids)[0]).double()
        logs = dict(zip(ids.tolist(), torch.log_softmax(scores, -1).tolist(), strict=True))
        inside = sorted((logs[token_id] for token_id in own.tolist()), reverse=True)
        assert one.log_probability == pytest.approx(logs[one.token_id]) == pytest.approx(inside[0])
        assert one.margin == pytest.approx((inside[0] - inside[1]) if inside[1:] else math.inf)
        if one.siblings is None:
            continue
        assert one.siblings.token_ids is own
        assert one.siblings.log_probabilities.tolist() == pytest.approx([logs[i] for i in own])
        rest = sum(map(math.exp, inside[1:]))
        assert math.exp(one.siblings.log_others) == pytest.approx(rest)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_score_that_is_no_number_among_other_names(place: int) -> None:
    """Spoils its place, allowed or not."""
    scores = [1.0, 2.0, 3.0]
    scores[place] = math.nan
    backend = Matrix(np.array(scores)[:, None])
    ids = np.arange(3)
    (found,) = best_choices(backend, np.ones((1, 1), np.float32), [ids[1:]], [ids])
    assert isinstance(found, DecodeError)


def test_types_are_those_of_python() -> None:
    """A choice holds plain numbers."""
    backend = Matrix(np.arange(6.0)[:, None])
    (found,) = best_choices(backend, np.ones((1, 1), np.float32), [np.array([1, 4])], [None])
    assert isinstance(found, Choice)
    assert [type(v) for v in (found.token_id, found.log_probability, found.margin)] == [
        int,
        float,
        float,
    ]
    assert found.token_id == 4
    assert found.margin == 3.0
    assert found.log_probability == pytest.approx(-math.log1p(math.exp(-3)))


def test_no_places() -> None:
    """Nothing asked is nothing answered."""
    assert best_choices(Matrix(np.ones((3, 1))), np.ones((0, 1), np.float32), [], []) == []


@pytest.mark.parametrize("size", [2, 40, 512, 513, 2000])
def test_ties_take_the_lowest_id(size: int) -> None:
    """Of equal scores the first token's is taken, with a margin of 0."""
    backend = Matrix(np.ones((TOKENS, WIDTH)))
    random = np.random.default_rng(size)
    allowed = drawn(random, [size, 2, size])
    found: Any = best_choices(backend, np.ones((3, WIDTH), np.float32), allowed, [None] * 3)
    assert [one.token_id for one in found] == [int(ids[0]) for ids in allowed]
    assert {one.margin for one in found} == {0.0}
    assert found[0].log_probability == pytest.approx(-math.log(size))


def test_a_tie_behind_the_first() -> None:
    """The lowest of the best, not the lowest of all."""
    backend = Matrix(np.array([[0.0], [5.0], [1.0], [5.0], [5.0]]))
    ones = np.ones((2, 1), np.float32)
    allowed = [np.array([0, 2, 3, 4]), np.array([0, 1, 2])]
    found: Any = best_choices(backend, ones, allowed, [None, None])
    assert [(one.token_id, one.margin) for one in found] == [(3, 0.0), (1, 4.0)]


INF, NAN = math.inf, math.nan


def placed(rows: list[list[float]], repeat: int) -> list[Any]:
    """The choices where the scores are these rows, each set as long as asked for."""
    wide = [row + [-50.0] * (repeat - len(row)) for row in rows]
    backend = Matrix(np.zeros((repeat, 1)))
    backend.scores = lambda vectors, columns: np.array(  # type: ignore[method-assign]
        [wide[int(vector[0])] for vector in vectors], dtype=np.float32
    )[:, columns]
    vectors = np.arange(len(rows), dtype=np.float32)[:, None]
    return best_choices(backend, vectors, [np.arange(repeat)] * len(rows), [None] * len(rows))


@pytest.mark.parametrize("repeat", [3, 700])
@pytest.mark.parametrize(
    "bad",
    [[NAN, 1, 2], [1, NAN, 2], [1, 2, NAN], [INF, 1, 2], [1, 2, INF], [NAN, INF, 1], [NAN] * 3],
    ids=str,
)
def test_scores_that_are_not_numbers(bad: list[float], repeat: int) -> None:
    """NaN or infinity is an error at its own place, and nowhere else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = placed([[1, 2, 0], bad, [3, 1, 1]], repeat)
    assert isinstance(found[1], DecodeError)
    assert "not numbers" in str(found[1])
    assert [found[0].token_id, found[2].token_id] == [1, 0]
    assert found[0].margin == 1.0
    assert math.isfinite(found[2].log_probability)


@pytest.mark.parametrize("bad", [[INF, INF, 1], [-INF] * 3, [INF, -INF, INF]], ids=str)
def test_infinities_of_one_sign(bad: list[float]) -> None:
    """Infinite scores are an error without any warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = placed([[1, 2, 0], bad, [3, 1, 1]], 3)
    assert isinstance(found[1], DecodeError)
    assert [found[0].token_id, found[2].token_id] == [1, 0]


def test_a_token_that_cannot_be() -> None:
    """One score of -inf is a probability of 0, no error."""
    found = placed([[-INF, 1, 0], [-INF, -INF, 2]], 3)
    assert [one.token_id for one in found] == [1, 2]
    assert found[0].log_probability == pytest.approx(-math.log1p(math.exp(-1)))
    assert (found[1].log_probability, found[1].margin) == (0.0, INF)


def test_large_scores() -> None:
    """Neither overflow nor a loss of what is small."""
    found = placed([[3e38, -3e38, 0], [1e4, 1e4 - 1, 0]], 3)
    assert (found[0].token_id, found[0].log_probability) == (0, 0.0)
    assert found[1].log_probability == pytest.approx(-math.log1p(math.exp(-1)))


def test_log_softmax_is_that_of_torch() -> None:
    """Of any shape, in float64; NaN stays NaN in its own row."""
    scores = np.random.default_rng(0).normal(size=(4, 5, 30)).astype(np.float32) * 20
    scores[0, 0, 3] = -INF
    expected = torch.log_softmax(torch.from_numpy(scores).double(), -1).numpy()
    assert log_softmax(scores).dtype == np.float64
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(log_softmax(scores), expected, atol=1e-12)
    scores[1, 1, 1] = NAN
    bad: Any = np.isnan(log_softmax(scores)).all(axis=-1)
    assert bad.sum() == 1
    assert bad[1, 1]
