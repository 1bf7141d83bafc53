"""words.py and numerals.py: all words of an expression, and exactly which integers one writes."""

import re
from itertools import product
from random import Random

import pytest

from kvrm_grammar.agreement.numerals import Numerals
from kvrm_grammar.agreement.words import finite_words
from kvrm_grammar.errors import TokenIndexError
from kvrm_grammar.isa.checking import check_agreement
from kvrm_grammar.language.automaton import compile_automaton
from kvrm_grammar.language.regex import integer_range_regex, multiples_regex
from tests.sets import every_set


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a|abc|abcde", {"a", "abc", "abcde"}),
        (r"(?:x10|x1|x)(?![A-Za-z0-9_.$])", {"x", "x1", "x10"}),
        (r"(?:[Rr][0-3])", {f"{r}{n}" for r in "Rr" for n in range(4)}),
        (r"(?:é|\u017f)", {"é", "\u017f"}),
        ("", {""}),
    ],
)
def test_all_words_of_an_expression(pattern: str, words: set[str]) -> None:
    """Words that begin others are among them, and what must not follow a word takes none away."""
    assert finite_words(pattern) == frozenset(words)


@pytest.mark.parametrize("pattern", ["a*", "[a-z]{5}", "(?=a)b", "(?<!a)b", "(", "a" * 70])
def test_what_cannot_be_listed_is_none(pattern: str) -> None:
    """Infinite, too many, lookaround elsewhere, no expression, too long: never half a list."""
    assert finite_words(pattern) is None


def test_words_are_those_that_pythons_engine_takes() -> None:
    """On every word of a small alphabet the list and Python's engine agree."""
    pattern = r"(?:ab?|b{1,2}a|(?:ba|c)(?![a-z]))(?![ac])"
    found = finite_words(pattern)
    words = {"".join(w) for n in range(5) for w in product("abc", repeat=n)}
    assert found == frozenset(word for word in words if re.fullmatch(pattern, word))
    assert found


def test_an_expression_beyond_the_automaton_is_told() -> None:
    """A typed error that shows the expression."""
    with pytest.raises(TokenIndexError, match="no automaton for"):
        compile_automaton(r"(?<=a)b")


def numerals(regex: str, step: int = 1) -> tuple[object, tuple[str, ...]]:
    automaton = compile_automaton(f"(?:{regex})[,}}]")
    return Numerals(automaton, step).integers(automaton.initial)


def test_ranges_are_read_off_as_they_were_written() -> None:
    """Random ranges of up to eight digits: one run, from the least to the greatest.

    (Outlines needs four times as long for every two digits more: minutes for nineteen.)
    """
    rng = Random(5)
    for _ in range(60):
        size = 10 ** rng.randint(0, 7)
        low, high = sorted(rng.randint(-size, size) for _ in range(2))
        assert numerals(integer_range_regex(low, high)) == (((low, high),), ())


def test_steps_are_read_off_as_they_were_written() -> None:
    """Random ranges in steps: one run of multiples."""
    rng = Random(6)
    for _ in range(40):
        step = rng.choice((2, 4, 5, 8, 10, 100))
        low, high = sorted(step * rng.randint(-(10**6), 10**6) for _ in range(2))
        assert numerals(multiples_regex(low, high, step), step) == (((low, high),), ())


@pytest.mark.parametrize(
    ("regex", "runs"),
    [
        ("[0-9]", ((0, 9),)),
        ("[1-9][0-9]", ((10, 99),)),
        ("[0-35-9]", ((0, 3), (5, 9))),
        ("1[0-9]{3}|2000", ((1000, 2000),)),
        ("-1|1", ((-1, -1), (1, 1))),
    ],
)
def test_holes_are_seen(regex: str, runs: tuple[tuple[int, int], ...]) -> None:
    """What is missing in the middle of a range splits it."""
    assert numerals(regex) == (runs, ())


@pytest.mark.parametrize(
    ("regex", "problem"),
    [
        ("0[0-9]|[1-9]", "a number of 2 digits may begin with 0"),
        ("-0|0", "a number of 1 digits may begin with 0"),
        ("1[.]?", "'.' may stand in a number"),
        ("[+]?1", "'+' may stand in a number"),
    ],
)
def test_what_is_no_json_number_is_told(regex: str, problem: str) -> None:
    """Leading zeros, a negative zero, and characters that are no digits."""
    assert problem in numerals(regex)[1]


def test_every_set_is_bound_after_a_look_at_its_ends() -> None:
    """The sets that the other laws look at are bound, and pass the check at loading again."""
    assert len(every_set()) >= 3
    for isa in every_set():
        check_agreement(isa)
