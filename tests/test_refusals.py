"""refusals.py: texts that look like instructions, of every kind, and mostly are none."""

from collections import Counter
from difflib import SequenceMatcher
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.errors import LineTooLongError
from kvrm_grammar.isa import load_isa
from kvrm_grammar.operations import INVALID
from kvrm_grammar.reference import explain, parse
from kvrm_grammar.refusals import (
    REFUSAL_KINDS,
    Candidate,
    minimal_pair,
    refusal_candidate,
)
from kvrm_grammar.words import HELD_OUT_WORDS, TRAINING_WORDS

ISA = load_isa()


def draw(seed: int, count: int, words: tuple[str, ...] = TRAINING_WORDS) -> list[Candidate]:
    rng = Random(seed)
    return [refusal_candidate(rng, ISA, words) for _ in range(count)]


@cache
def shares() -> dict[str, tuple[int, float]]:
    """For each kind how many candidates there were, and what share of them is refused."""
    total: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for candidate in draw(11, 4000):
        try:
            verdict = parse(candidate.text)
        except LineTooLongError:
            continue
        total[candidate.kind] += 1
        refused[candidate.kind] += verdict == INVALID
    return {kind: (count, refused[kind] / count) for kind, count in total.items()}


@pytest.mark.parametrize("kind", REFUSAL_KINDS)
def test_every_kind_occurs_and_is_mostly_refused(kind: str) -> None:
    """No kind is rare, and the oracle refuses at least two of three of each."""
    count, share = shares()[kind]
    assert count >= 40
    assert share >= 2 / 3


def test_most_candidates_are_refused_and_some_are_not() -> None:
    """Nine of ten are refused; the rest are near misses that a model must not refuse."""
    counts = shares().values()
    refused = sum(count * share for count, share in counts) / sum(count for count, _ in counts)
    assert 0.9 < refused < 0.995


def test_kinds_are_distinct_names() -> None:
    """A kind is one name, and candidates carry no other."""
    assert len(set(REFUSAL_KINDS)) == len(REFUSAL_KINDS) >= 15
    assert set(shares()) == set(REFUSAL_KINDS)


@pytest.mark.parametrize("words", [TRAINING_WORDS, HELD_OUT_WORDS], ids=["training", "held out"])
def test_the_same_seed_gives_the_same_candidates(words: tuple[str, ...]) -> None:
    """Nothing but the generator and the words decide."""
    assert draw(5, 200, words) == draw(5, 200, words)
    assert draw(5, 200, words) != draw(6, 200, words)


def test_minimal_pairs_are_one_of_each_and_near() -> None:
    """The first is valid, the second mostly refused, and the two have much in common.

    But for pairs of numbers in range, which are both valid.
    """
    rng = Random(7)
    refused, close, kinds = 0, 0, Counter[str]()
    for _ in range(600):
        valid, broken = minimal_pair(rng, ISA)
        assert valid.kind == broken.kind
        kinds[valid.kind] += 1
        assert parse(valid.text) != INVALID
        if valid.kind == "in_range":
            assert parse(broken.text) != INVALID
            continue
        refused += parse(broken.text[:256]) == INVALID
        close += SequenceMatcher(None, valid.text.lower(), broken.text.lower()).ratio() > 0.5
    others = 600 - kinds["in_range"]
    assert refused > 0.83 * others
    assert close > 0.5 * others
    assert set(kinds) <= {*REFUSAL_KINDS, "in_range"}
    assert 60 < kinds["in_range"] < 200
    assert kinds["mnemonic"] > kinds["wrong_kind"] > 0


def test_out_of_range_pairs_differ_by_the_bound() -> None:
    """One number just inside the bounds, one beyond them: nothing else decides."""
    rng, seen = Random(8), 0
    while seen < 60:
        valid, broken = minimal_pair(rng, ISA)
        if valid.kind == "out_of_range":
            seen += 1
            assert parse(valid.text) != INVALID
            assert "outside" in (explain(broken.text).reason or "") or "-" in broken.text


@given(st.randoms(use_true_random=False))
def test_any_candidate_can_be_judged(rng: Random) -> None:
    """Whatever is drawn, the oracle has a verdict, and a reason where it refuses."""
    candidate = refusal_candidate(rng, ISA)
    assert candidate.kind in REFUSAL_KINDS
    try:
        verdict = explain(candidate.text)
    except LineTooLongError:
        return
    assert (verdict.reason is not None) == (verdict.operation == INVALID)


def test_faults_of_all_sorts_are_among_them() -> None:
    """The reasons name registers, counts, ranges, zeros, labels, commas, characters, lines."""
    reasons = []
    for candidate in draw(2, 2500):
        try:
            reasons.append(explain(candidate.text).reason or "")
        except LineTooLongError:
            continue
    for part in (
        "is not a register",
        "is outside",
        "has leading zeros",
        "is not an integer",
        "is not a character literal",
        "is reserved for registers",
        "is not a mnemonic",
        "double comma",
        "comma before the first operand",
        "comma after the last operand",
        "is not allowed",
        "more than one line",
        "a label definition alone",
        "empty instruction",
        "takes 3 operands, got 2",
        "takes no operands, got 1",
        "takes a register as operand",
    ):
        assert any(part in reason for reason in reasons), part
    assert len(set(reasons)) > 500
