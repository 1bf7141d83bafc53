"""refusals.py: texts that look like instructions, of every kind, and mostly are none."""

from collections import Counter
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.errors import LineTooLongError
from kvrm_grammar.isa import INVALID, load_set
from kvrm_grammar.oracle.reference import explain, parse
from training.texts.strict.faults import draw as taken_apart
from training.texts.strict.refused import (
    REFUSAL_KINDS,
    Candidate,
    broken,
    misspelt,
    refusal_candidate,
)
from training.texts.strict.words import HELD_OUT_WORDS, TRAINING_WORDS

ISA = load_set()


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


def test_misspelt_mnemonics_are_one_edit_away() -> None:
    """In front, inside or behind, in either case; a letter of the other case among them."""
    rng = Random(4)
    names = {misspelt("jmp", rng) for _ in range(3000)}
    for name in ("ajmp", "JMPx", "jJMP", "jm", "mjp", "Kjmp", "jmpP"):
        assert name in names, name
    assert all(2 <= len(name) <= 4 for name in names)


@pytest.mark.parametrize("kind", REFUSAL_KINDS)
def test_a_fault_of_a_kind_can_be_asked_for(kind: str) -> None:
    """Most of what comes is refused."""
    rng = Random(6)
    texts = [broken(kind, taken_apart(rng, ISA, TRAINING_WORDS)) for _ in range(60)]
    assert sum(parse(text[:256]) == INVALID for text in texts) > 30
