"""diagnosis.py: a reason speaks of the code, not of the comments around it."""

import pytest

from kvrm_grammar.oracle.reference import explain
from tests.sets import ZETA


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
