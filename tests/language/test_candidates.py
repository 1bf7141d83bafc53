"""Answers that mentions allow, in sets that order their operands differently."""

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import InstructionSet, load_set
from kvrm_grammar.language.candidates import Candidates
from tests.sets import ZETA


def answers(text: str, isa: InstructionSet) -> tuple[list[str], list[str]]:
    return Candidates(isa).of(find_dialect("strict", isa).read(text).mentions)


@pytest.mark.parametrize(
    ("text", "key", "whole", "beginnings"),
    [
        # The offset stands between two registers: without one there is nothing to go on with.
        ("plus s0, a3, a0", "OP_FETCH", 0, 0),
        ("fetch s0, 8(a0)", "OP_FETCH", 2, 0),
        # A number that comes last, of which the text has none, is left to the schema.
        ("plus s0, a3, a0", "OP_SHIFT", 0, 6),
        ("beep", "OP_FETCH", 0, 1),
    ],
)
def test_nothing_mentioned_is_left_to_the_schema(
    text: str, key: str, whole: int, beginnings: int
) -> None:
    """Behind an operand that the schema continues, no operand follows that the text mentions."""
    found = answers(text, ZETA)
    assert [sum(key in one for one in texts) for texts in found] == [whole, beginnings]


JUMPS = ("OP_JMP", "OP_JZ", "OP_JNZ", "OP_JS", "OP_JNS")
SEVERAL = ("OP_MOV_REG_REG", "OP_ADD", "OP_SUB", "OP_MUL", "OP_CMP")


@pytest.mark.parametrize(
    ("text", "lost"),
    [("halt", ()), ("sub r5 r3 r1", JUMPS), ("mov r1", (*SEVERAL, *JUMPS)), ("inc 5", ())],
)
def test_the_order_of_kvrm_loses_nothing(text: str, lost: tuple[str, ...]) -> None:
    """Its numbers come last: only what lacks a mention, and has wrong ones, is impossible."""
    texts = [one for part in answers(text, load_set()) for one in part]
    assert {key for key in load_set().by_key if not any(key in one for one in texts)} == {*lost}
