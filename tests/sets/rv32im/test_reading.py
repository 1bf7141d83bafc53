"""Names of this set that look like bytes: what the lenient dialect leaves alone."""

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import load_set


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # a0 to a7 are bytes by their letters, and registers by their names.
        ("a0 plus a1 into a2", "a0 plus a1 into a2"),
        ("a0 a1 add a2", "a0 a1 add a2"),
        ("a7 add a7, a0", "a7 add a7, a0"),
        # A listing is one where anything in front is no name.
        ("1a6: 8082 ret", "ret"),
        ("1a6: a0 05 ret", "ret"),
        ("80000004:\t00c58533\tadd a0, a1, a2", "add a0, a1, a2"),
    ],
)
def test_names_that_look_like_bytes(text: str, shown: str) -> None:
    """A name in front of an operation is an operand."""
    lenient = find_dialect("lenient", load_set("rv32im"))
    assert lenient.read(text).visible == shown
