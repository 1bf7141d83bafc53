"""The interpreter of GBNF, on grammars small enough to say by hand what they take."""

import pytest

from tests.language.formats.interpreter import Grammar


@pytest.mark.parametrize(
    ("source", "taken", "refused"),
    [
        ('root ::= "a" | "b"', ["a", "b"], ["", "ab", "c"]),
        ('root ::= ("a" | "b") "c"?', ["a", "bc"], ["ab", "c", "acc"]),
        ('# one\nroot ::= a b |\n  b # two\na ::= "x"\nb ::= (a)?', ["x", "xx", ""], ["xxx", "y"]),
        (r'root ::= [a-c\x2D\]] "\"\\"', ['a"\\', '-"\\', ']"\\'], ['d"\\', '"\\', 'a"']),
    ],
)
def test_a_grammar_takes_what_it_says(source: str, taken: list[str], refused: list[str]) -> None:
    """Alternatives, options, classes, escapes, comments, and rules over several lines."""
    grammar = Grammar(source)
    assert all(map(grammar.accepts, taken))
    assert not any(map(grammar.accepts, refused))


@pytest.mark.parametrize("source", ["root ::= a", 'root ::= "a"*', "root ::= [^a]", "root = a"])
def test_what_it_does_not_read_is_an_error(source: str) -> None:
    """A rule that is not there, and notation that the package never writes."""
    with pytest.raises(AssertionError):
        Grammar(source).accepts("a")
