"""spelling.py: names and numbers, each read back as what it spells."""

import string
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.isa import InstructionSet, load_set
from kvrm_grammar.oracle.reference import parse
from tests.kvrm import LABEL_MAX_LENGTH
from training.texts.operands import immediates, targets
from training.texts.strict.spelling import (
    BASES,
    NOTATIONS,
    digits_of,
    integer_text,
    label_name,
    mixed_case,
    near,
    notation_value,
    random_integer,
)
from training.texts.strict.words import HELD_OUT_WORDS, TRAINING_WORDS

ISA = load_set()
IMMEDIATE, ADDRESS = immediates(ISA), targets(ISA)
RANDOMS = st.randoms(use_true_random=False)
WORDS = st.sampled_from([TRAINING_WORDS, HELD_OUT_WORDS])


def is_label(name: str, isa: InstructionSet = ISA) -> bool:
    return name[0] not in string.digits and isa.is_label(name)


def test_held_out_words_are_held_out() -> None:
    """No word of evaluation is a word of training, in whatever case; each is a label."""
    assert not {w.lower() for w in HELD_OUT_WORDS} & {w.lower() for w in TRAINING_WORDS}
    for words in (TRAINING_WORDS, HELD_OUT_WORDS):
        assert len(set(words)) == len(words)
        assert all(is_label(word) for word in words)


@given(RANDOMS, WORDS)
def test_label_names_are_labels(rng: Random, words: tuple[str, ...]) -> None:
    """Every invented name is one that the dialect takes as a label."""
    name = label_name(rng, ISA, words)
    assert 1 <= len(name) <= LABEL_MAX_LENGTH
    assert is_label(name)


@given(RANDOMS, st.sampled_from([IMMEDIATE, ADDRESS, (0, 9), (-5, 5), (0, 0)]))
def test_random_integers_stay_in_range(rng: Random, bounds: tuple[int, int]) -> None:
    """Both bounds included, nothing beyond."""
    low, high = bounds
    assert low <= random_integer(rng, low, high) <= high


@pytest.mark.parametrize("bounds", [IMMEDIATE, ADDRESS], ids=["immediate", "address"])
def test_random_integers_reach_their_bounds(bounds: tuple[int, int]) -> None:
    """The bounds themselves, zero, and every number of digits occur."""
    rng, (low, high) = Random(1), bounds
    drawn = {random_integer(rng, low, high) for _ in range(30_000)}
    assert {low, high, 0} <= drawn
    assert {len(str(abs(value))) for value in drawn} == set(range(1, 11))


@given(RANDOMS, st.integers(0, 2**33), st.booleans())
def test_near_numbers_are_on_their_side(rng: Random, bound: int, above: bool) -> None:
    """Beyond the bound or not, as asked for, never negative, and of its length."""
    number = near(rng, bound, above=above)
    assert number > bound if above else 0 <= number <= bound
    assert len(str(number)) <= len(str(bound)) + (number <= bound + 9)


def test_near_numbers_share_any_number_of_digits() -> None:
    """Every first place of difference occurs, so that every digit must be compared."""
    rng, bound = Random(3), 2147483648
    for above in (False, True):
        shared: Counter[int] = Counter()
        for _ in range(4000):
            pairs = zip(str(near(rng, bound, above=above)), str(bound), strict=False)
            shared[next((i for i, (one, other) in enumerate(pairs) if one != other), 10)] += 1
        assert {place for place, count in shared.items() if count >= 40} >= set(range(10))


@given(RANDOMS, st.integers(*ADDRESS), st.sampled_from(NOTATIONS[:4]))
def test_addresses_read_back(rng: Random, value: int, notation: str) -> None:
    """An address has no sign and no prefix in any notation."""
    text = integer_text(value, notation, rng, sign=False)
    assert text[0] in string.digits
    assert parse(f"JMP {text}").params.model_dump() == {"addr": value}


@pytest.mark.parametrize("code", [*range(32, 127), 0, 9, 10, 13])
def test_characters_read_back(code: int) -> None:
    """Every character literal stands for its code."""
    text = integer_text(code, "character", Random(0))
    assert parse(f"MOV R0, {text}").params.model_dump() == {"dest": "R0", "value": code}


@given(RANDOMS, st.text(string.ascii_letters + string.digits, min_size=1, max_size=8))
def test_case_is_all_that_mixed_case_changes(rng: Random, name: str) -> None:
    """The letters stay; only their case may change."""
    assert mixed_case(name, rng).lower() == name.lower()


@given(RANDOMS, st.sampled_from(NOTATIONS), st.sampled_from([IMMEDIATE, ADDRESS]))
def test_values_fit_their_notation(rng: Random, notation: str, bounds: tuple[int, int]) -> None:
    """In range, and characters are those that a literal can hold."""
    value = notation_value(rng, notation, *bounds)
    assert bounds[0] <= value <= bounds[1]
    if notation == "character":
        assert value in (*range(32, 127), 0, 9, 10, 13)


@pytest.mark.parametrize(("notation", "most"), [("hexadecimal", 8), ("binary", 31), ("octal", 11)])
def test_every_number_of_digits_occurs(notation: str, most: int) -> None:
    """Long ones too, up to the bound: a length that training never shows is refused later."""
    rng = Random(4)
    drawn = [notation_value(rng, notation, *IMMEDIATE) for _ in range(6_000)]
    lengths = {len(digits_of(abs(value), BASES[notation])) for value in drawn}
    assert lengths == {*range(1, most + 1)}


def test_hard_spellings_occur() -> None:
    """Runs of zeros, and labels that are one character many times: both are hard to count."""
    rng = Random(12)
    texts = [integer_text(5, "hexadecimal", rng) for _ in range(600)]
    assert any(text.count("0") > 30 for text in texts)
    labels = [label_name(rng, ISA) for _ in range(1500)]
    assert any(len(label) > 20 and len(set(label[1:])) == 1 for label in labels)
