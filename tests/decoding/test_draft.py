"""Drafts are guesses: the reference's answer first, then what fits the model's own beginning."""

import pytest

from kvrm_grammar.decoding.draft import Drafter
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import operation_to_json
from kvrm_grammar.oracle.reference import parse

DRAFTER = Drafter(lambda text: [ord(c) for c in text], lambda ids: "".join(map(chr, ids)))


def continued(text: str, written: str) -> str:
    """The draft behind a beginning, as text."""
    return "".join(
        map(chr, DRAFTER.draft(find_dialect("strict").read(text))([ord(c) for c in written]))
    )


@pytest.mark.parametrize("text", ["sub r5 r3 r1", "jmp loop", "FOO", "", "mov r1 0x10", "\ud800"])
def test_the_first_draft_is_the_reference_answer(text: str) -> None:
    """Before anything is accepted, the reference parser speaks."""
    assert continued(text, "") == operation_to_json(parse(text))


@pytest.mark.parametrize(
    ("text", "written", "rest"),
    [
        ("sub r5 r3 r1", '{"key":"OP_SUB","params":{"dest":"R5', '","src1":"R3","src2":"R1"}}'),
        ("sub r5 r3 r1", '{"key":"OP_IN', 'VALID","params":{}}'),
        ("add r5 r3", '{"key":"OP_ADD"', ',"params":{"dest":"R5","src1":"R3","src2":"R0"}}'),
        ("sub r5 r3 r1", '{"key":"OP_SUB","params":{"dest":"R4', '","src1":"R3","src2":"R1"}}'),
        ("sub r5 r3 r1", '{"key":"OP_SUB","params":{"dest":"R4"', ',"src1":"R3","src2":"R1"}}'),
        ("jmp loop", '{"key":"OP_JMP","params":{"addr":"loo', 'p"}}'),
        ("mov r1 12", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R2', '","value":12}}'),
    ],
)
def test_later_drafts_fit_what_was_accepted(text: str, written: str, rest: str) -> None:
    """A draft goes on behind the accepted text, with the model's own choices kept."""
    assert continued(text, written) == rest


def test_no_guess_is_no_draft() -> None:
    """Where nothing fits, nothing is drafted."""
    assert continued("sub r5 r3 r1", "nonsense") == ""
