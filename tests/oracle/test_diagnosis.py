"""diagnosis.py: a reason speaks of the code, not of the comments around it."""

from pathlib import Path

import pytest

from kvrm_grammar.oracle.reference import explain
from tests.sets import ZETA
from tests.sets.small import small_set


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("PLUS /* two */ a0, a1", "PLUS takes 3 operands, got 2"),
        ("/* not */ PLAS a0, a1, a2", "PLAS is not a mnemonic"),
        ("BEEP /* a */ ra /* b */ # c", "BEEP takes no operands, got 1"),
        ("/* all */ # of it", "empty instruction"),
        ("BEEP /* open", "BEEP takes no operands, got 2"),
    ],
)
def test_block_comments_are_no_operands(text: str, reason: str) -> None:
    """Wherever they stand; one that has no end is none."""
    verdict = explain(text, ZETA)
    assert verdict.operation.key == "OP_INVALID"
    assert verdict.reason == reason


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("ab", "ab is reserved for registers and cannot be a label"),
        ("toolong", "label of 7 characters, at most 5 are allowed"),
        ("x$", "GO takes a label as operand 1, got x$"),
        ("X", "GO takes a label as operand 1, got X"),
    ],
)
def test_what_a_label_is_made_of_is_the_grammars_word(
    tmp_path: Path, word: str, reason: str
) -> None:
    """A sign that labels of other sets may have makes no reserved label here."""
    isa = small_set(tmp_path / "own", ("ab",), first="[a-z]", rest="[a-z0-9]")
    assert explain(f"go {word}", isa).reason == reason
