"""Labels of a schema are those of its grammar file."""

import re
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa import LabelOf
from kvrm_grammar.isa.labels import longest_label
from tests.sets import every_set

GRAMMAR = """
line: LABEL
source_line: LABEL
LABEL: /(?!sp(?![a-z0-9]))[a-z_][a-z0-9]{0,3}(?![a-z0-9])/
"""


def adapter(folder: Path, grammar: str = GRAMMAR) -> TypeAdapter[str]:
    path = folder / "grammar.lark"
    path.write_text(grammar)
    return TypeAdapter(Annotated[str, LabelOf(path)])


@pytest.mark.parametrize("name", ["a", "_", "sp1", "spa", "abcd", "_12a", "s"])
def test_labels_of_the_grammar_are_labels(name: str, tmp_path: Path) -> None:
    """Whatever the terminal takes, unchanged."""
    assert adapter(tmp_path).validate_python(name) == name


@pytest.mark.parametrize("name", ["", "sp", "A", "1a", "abcde", "a b", "a\n", "\u017f", None, 1])
def test_other_words_are_not(name: object, tmp_path: Path) -> None:
    """Reserved, too long, of other characters, or no text at all: the error says what it was."""
    with pytest.raises(ValidationError):
        adapter(tmp_path).validate_python(name, strict=True)


def test_the_schema_tells_the_longest(tmp_path: Path) -> None:
    """JSON Schema has the limit, which the operand's domain is read from."""
    assert adapter(tmp_path).json_schema() == {"maxLength": 4, "type": "string"}


@pytest.mark.parametrize(
    ("grammar", "message"),
    [
        ('line: A\nsource_line: A\nA: "a"\n', "has no terminal LABEL"),
        ("line A\n", "not a usable grammar"),
        (GRAMMAR.replace("{0,3}", "*"), "at most 1024 characters"),
        (GRAMMAR.replace("[a-z_][a-z0-9]{0,3}", "[a-z]{2000}"), "must allow labels"),
    ],
)
def test_a_grammar_without_usable_labels_is_an_error(
    grammar: str, message: str, tmp_path: Path
) -> None:
    """When the schema is built, with what is wrong."""
    with pytest.raises(IsaError, match=message):
        adapter(tmp_path, grammar)


def test_a_missing_grammar_is_an_error_when_it_is_needed(tmp_path: Path) -> None:
    """The annotation alone reads nothing; the schema names the file."""
    label = Annotated[str, LabelOf(tmp_path / "none.lark")]
    with pytest.raises(IsaError, match=r"cannot read the grammar .*none\.lark"):
        TypeAdapter(label)


@pytest.mark.parametrize(
    ("pattern", "longest"),
    [
        ("[a-z]", 1),
        ("[a-z]{1,7}", 7),
        ("[A-Z][a-z]{0,4}", 5),
        ("[.$][a-z]{0,3}(?![a-z])", 4),
        ("(?!r[0-9]+(?![a-z0-9]))[a-z][a-z0-9]{0,63}(?![a-z0-9])", 64),
        ("[a-z]{1,1024}", 1024),
    ],
)
def test_the_longest_label_is_found(pattern: str, longest: int) -> None:
    """Also where a label begins with what it does not go on with."""
    assert longest_label(re.compile(pattern)) == longest


@pytest.mark.parametrize("pattern", ["[a-z]{1,1025}", "[a-z]+", "(?!.*).", "[0-9]{0}"])
def test_no_labels_or_endless_ones_are_errors(pattern: str) -> None:
    """An automaton needs a limit, and a set with labels needs labels."""
    with pytest.raises(IsaError, match="at most 1024"):
        longest_label(re.compile(pattern))


def test_every_sets_labels_have_their_own_limit() -> None:
    """The limit of the domain is that of the terminal, which takes one and no more."""
    lengths = set()
    for isa in every_set():
        assert isa.label_pattern is not None
        longest = longest_label(isa.label_pattern)
        assert isa.is_label("q" * longest) and not isa.is_label("q" * (longest + 1))
        assert longest in {domain.label_max_length for domain in isa.domains}
        lengths.add(longest)
    assert lengths >= {16, 64}
