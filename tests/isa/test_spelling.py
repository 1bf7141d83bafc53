"""Names in mixed case: what the grammar takes, every later stage knows."""

import re
from pathlib import Path

import pytest

from kvrm_grammar.dialects.strict import strict_mentions
from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa.spelling import every_case, mixed_case
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.oracle.reference import parse
from tests.sets.small import small_set

LONG = "entrancehall"


@pytest.mark.parametrize(
    ("word", "count"),
    [("", 1), ("10", 1), ("r1", 2), ("sp", 4), ("a.b", 4), ("\u00e9a", 2), (LONG, 2)],
)
def test_cases_are_counted(word: str, count: int) -> None:
    """Each once, the given word first; ASCII letters alone have a case; of long words not all."""
    cases = every_case(word)
    assert cases[0] == word
    assert len(cases) == len({*cases}) == count
    assert {case.lower() for case in cases} == {word.lower()}


@pytest.mark.parametrize("word", ["sp", "zero", "x10y", LONG])
def test_mixed_case_is_neither(word: str) -> None:
    """It is what a list of upper and lower case would miss."""
    assert mixed_case(word).lower() == word
    assert mixed_case(word) not in (word, word.upper())


@pytest.mark.parametrize("word", ["sp", "SP", "Sp", "sP"])
def test_a_name_in_any_case_is_that_name(word: str, tmp_path: Path) -> None:
    """Read by the oracle, mentioned by the dialect, and no label of the language."""
    isa = small_set(tmp_path / "small", ("sp", "ra"), taken="[Ss][Pp]|ra")
    assert parse(f"use {word}", isa) == isa.operation("OP_USE", {"who": "sp"})
    assert ('"sp"',) in strict_mentions(f"use {word}", isa).values()
    pattern = re.compile(build_constraint(isa).regex)
    answer = '{"key":"OP_GO","params":{"where":"%s"}}'
    assert not pattern.fullmatch(answer % word)
    assert pattern.fullmatch(answer % "Ra") and pattern.fullmatch(answer % "s")


def test_a_long_name_has_one_case(tmp_path: Path) -> None:
    """In any case it would have thousands of spellings: the grammar must say which one."""
    free = "".join(f"[{letter.upper()}{letter}]" for letter in LONG)
    with pytest.raises(IsaError, match=f"register {mixed_case(LONG)} is in the grammar only"):
        small_set(tmp_path / "free", (LONG,), taken=free, longest=16)
    assert small_set(tmp_path / "one", (LONG,), longest=16).names == (LONG,)
