"""The label expression is the grammar's own terminal, for every kind of reserved name."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.errors import ConstraintError
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.language.labels import label_regex
from tests.sets import every_set
from tests.sets.small import small_set

KINDS: dict[str, dict[str, Any]] = {
    "plain names": {"names": ("sp", "zero", "ra")},
    "one begins another": {"names": ("a", "ab", "a1b", "a12", "a1")},
    "a numbered family": {"names": ("R0", "R1"), "taken": "[Rr][01]", "reserved": "[Rr][0-9]+"},
    "a family with a long stem": {"names": ("reg0", "reg1"), "reserved": "reg[0-9]+"},
    "two families": {"names": ("x0", "s0", "sp"), "reserved": "x[0-9]+|s[0-9]+|sp"},
    "a family and names beside it": {
        "names": ("R0", "sp", "ra", "a0"),
        "taken": "[Rr]0|sp|ra|a0",
        "reserved": "[Rr][0-9]+|sp|ra|a0",
    },
    "a family and names within it": {
        "names": ("r0", "ra", "rab", "r"),
        "reserved": "r[0-9]+|rab|ra|r",
    },
    "any case": {"names": ("sp", "ra0"), "taken": "[Ss][Pp]|[Rr][Aa]0"},
    "more than names": {"names": ("sp",), "reserved": "sp|[Uu][Ss][Ee]|go|end"},
    "signs": {"names": ("_a", ".b"), "first": "[a-z_.]", "rest": "[a-z0-9_.$]"},
    "small letters": {"names": ("hall",), "first": "[a-z]", "rest": "[a-z_]"},
}
EXTRA = ("use", "go", "end")


def words(isa: InstructionSet, longest: int) -> set[str]:
    """All of up to three characters of each kind, those near reserved names, and the longest."""
    # Characters that no name has behave like one another, so some of them stand for all.
    own = sorted({character for word in (*isa.spellings, *EXTRA) for character in word})
    alphabet = [*own[:10], *"qZ09_.$-"]
    found = {"".join(word) for n in range(4) for word in product(alphabet, repeat=n)}
    for word in (*isa.spellings, *EXTRA):
        for case in {word, word.upper(), word.lower(), word.capitalize(), word.swapcase()}:
            ends = ("", "0", "12", "007", "_", "q", "0q", "q0", "$", case)
            found |= {start + end for start in (case, case[:-1], "q" + case) for end in ends}
    for first in (*sorted({w[0] for w in isa.spellings}), "q", "0", "_"):
        lengths = range(longest - 2, longest + 3)
        found |= {first * n for n in lengths} | {first + "0" * n for n in lengths}
        found |= {word + "q" * (n - len(word)) for n in lengths for word in isa.spellings}
        found |= {word + "0" * (n - len(word)) for n in lengths for word in isa.spellings}
    return found


def check(isa: InstructionSet, longest: int) -> set[str]:
    """Compare the two over many words; returns the labels among them."""
    pattern, probes = re.compile(label_regex(isa, longest)), words(isa, longest)
    taken = {word for word in probes if isa.is_label(word)}
    assert {word for word in probes if pattern.fullmatch(word)} ^ taken == set()
    assert len(probes) >= 1000
    assert any(len(word) == longest for word in taken)
    return taken


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("longest", [1, 2, 5, 9])
def test_the_expression_is_the_terminal(kind: str, longest: int, tmp_path: Path) -> None:
    """Over short words, near reserved names and at the limit, the two take the same."""
    # Reserved names that are longer than any label need no exception.
    isa = small_set(tmp_path / "small", longest=longest, **KINDS[kind])
    taken = check(isa, longest)
    assert {len(word) for word in taken} >= {*range(1, min(longest, 3) + 1)}


@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
def test_the_expression_is_every_sets_terminal(isa: InstructionSet) -> None:
    """Also for the sets that there are, at their own limits."""
    (longest,) = {d.label_max_length for d in isa.domains if d.label_max_length is not None}
    assert len(check(isa, longest)) >= 100


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"names": ("r0", "r5x"), "reserved": "r[0-9]+|r5x"}, "r is reserved with any number"),
        ({"names": ("r0x", "r1"), "reserved": "r[0-9]+|r0x"}, "r is reserved with any number"),
        ({"names": ("ab", "ba"), "first": "[ab]", "rest": "[ab]"}, "every letter begins"),
        ({"names": ("sp",), "rest": "(?:_?[a-z])"}, "LABEL takes 'a_"),
        ({"names": ("sp",), "reserved": "sp|.*[.]", "rest": "[a-z.]"}, "LABEL takes 'a.a'"),
        ({"names": ("sp",), "reserved": "sp|[a-z]zz"}, "LABEL refuses 'azz'"),
    ],
)
def test_what_the_expression_cannot_say_is_refused(
    chosen: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """A terminal of another shape is an error, not a language that is slightly another."""
    with pytest.raises(ConstraintError, match=message):
        label_regex(small_set(tmp_path / "small", **chosen), 5)
