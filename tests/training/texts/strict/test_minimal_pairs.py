"""pairs.py: an instruction and its neighbour one step away, where a character decides."""

from collections import Counter
from difflib import SequenceMatcher
from functools import cache
from random import Random

from kvrm_grammar.isa import INVALID, load_set
from kvrm_grammar.oracle.reference import explain, parse
from training.texts.strict.minimal_pairs import BOTH_VALID, minimal_pair
from training.texts.strict.refused import REFUSAL_KINDS, Candidate
from training.texts.strict.spelling import NOTATIONS

ISA = load_set()


@cache
def pairs() -> tuple[tuple[Candidate, Candidate], ...]:
    rng = Random(7)
    return tuple(minimal_pair(rng, ISA) for _ in range(3000))


def test_the_first_is_valid_and_the_second_mostly_refused() -> None:
    """But for the kinds of which both are instructions."""
    refused = 0
    for valid, neighbour in pairs():
        assert valid.kind == neighbour.kind
        assert parse(valid.text[:256]) != INVALID
        if valid.kind in BOTH_VALID:
            assert parse(neighbour.text[:256]) != INVALID
        else:
            refused += parse(neighbour.text[:256]) == INVALID
    others = sum(valid.kind not in BOTH_VALID for valid, _ in pairs())
    assert refused > 0.83 * others


def test_the_two_are_near() -> None:
    """They have most of their characters in common."""
    ratios = [
        SequenceMatcher(None, valid.text.lower(), neighbour.text.lower()).ratio()
        for valid, neighbour in pairs()
        if valid.kind not in BOTH_VALID
    ]
    assert sum(ratio > 0.5 for ratio in ratios) > 0.6 * len(ratios)


def test_kinds_are_those_of_the_refusals_and_the_valid_ones() -> None:
    """The name of the operation comes most, for grounding cannot know it."""
    kinds = Counter(valid.kind for valid, _ in pairs())
    assert set(kinds) <= {*REFUSAL_KINDS, *BOTH_VALID, "bare"}
    assert set(kinds) >= BOTH_VALID
    assert kinds.most_common(1)[0][0] == "mnemonic"
    valid_pairs = sum(kinds[kind] for kind in BOTH_VALID)
    assert 0.1 < valid_pairs / len(pairs()) < 0.4


def test_out_of_range_pairs_differ_by_the_bound() -> None:
    """One number just inside the bounds, one beyond them: nothing else decides."""
    found = [pair for pair in pairs() if pair[0].kind == "out_of_range"]
    assert len(found) > 20
    for valid, neighbour in found:
        assert parse(valid.text) != INVALID
        assert "outside" in (explain(neighbour.text).reason or "") or "-" in neighbour.text


def test_pairs_of_literals_have_all_notations() -> None:
    """Short numbers in every notation stand beside each other."""
    texts = [c.text for pair in pairs() if pair[0].kind == "literals" for c in pair]
    for mark in ("0x", "0b", "0o", "'"):
        assert sum(mark in text.lower() for text in texts) > len(texts) / (3 * len(NOTATIONS))
