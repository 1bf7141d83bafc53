"""What a mnemonic implies without its operand is as good as mentioned."""

import json

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.implied import implied_by_name, implied_values
from kvrm_grammar.isa import Implied, InstructionSet, load_set
from tests.sets import SCAFFOLD, ZETA, every_set


@pytest.mark.parametrize(
    ("text", "isa", "values"),
    [
        ("clr.z a0", ZETA, [("OP_PLUSI", "rs1", '"zero"'), ("OP_PLUSI", "imm", "0")]),
        ("CLR.Z a0", ZETA, [("OP_PLUSI", "rs1", '"zero"'), ("OP_PLUSI", "imm", "0")]),
        ("copy a0, a1", ZETA, [("OP_PLUSI", "imm", "0")]),
        ("go loop", ZETA, [("OP_LINK", "rd", '"zero"')]),
        ("call loop", ZETA, [("OP_LINK", "rd", '"ra"')]),
        ("off hall", SCAFFOLD, [("OP_DIM", "level", "0")]),
        ("off\thall", SCAFFOLD, [("OP_DIM", "level", "0")]),
        # A text implies what a form that it has leaves out, and nothing that it writes.
        ("Clr.Z", ZETA, []),
        ("lw a0, (sp)", load_set("rv32im"), [("OP_LW", "offset", "0")]),
        ("lw a0, 8(sp)", load_set("rv32im"), []),
        ("lw a0, 9999(sp)", load_set("rv32im"), []),
        ("jalr a1", load_set("rv32im"), [("OP_JALR", "rd", '"ra"'), ("OP_JALR", "offset", "0")]),
        ("jalr a0, 9999(a1)", load_set("rv32im"), []),
        ("jalr a0, a1, 4", load_set("rv32im"), []),
        ("jr %lo(x)(a0)", load_set("rv32im"), []),
        ("mv a0, a1, a2", load_set("rv32im"), []),
        ("li a0, ','", load_set("rv32im"), [("OP_ADDI", "rs1", '"zero"')]),
        # Nor does a letter that only its capital makes one of ASCII.
        ("l\u0131 a0, 5", load_set("rv32im"), []),
        # No other word implies anything, nor does a mnemonic that stands elsewhere.
        ("plus a0, a1, a2", ZETA, []),
        ("link copy", ZETA, []),
        ("copy, a0", ZETA, []),
        ("copy(a0)", ZETA, []),
        ("copyx a0", ZETA, []),
        (" copy a0", ZETA, []),
        ("", ZETA, []),
        ("halt", load_set(), []),
        ("off hall", ZETA, []),
    ],
)
def test_only_the_first_word_implies(text: str, isa: InstructionSet, values: list[Implied]) -> None:
    """By its case-free spelling, and as a whole word of the set itself."""
    assert sorted(implied_values(text, isa)) == sorted(values)


@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
def test_what_a_form_leaves_out_is_implied(isa: InstructionSet) -> None:
    """Each value is of its operation and operand, as JSON, once."""
    for mnemonic, forms in isa.by_mnemonic.items():
        expected = {
            (opcode.key, name, json.dumps(value))
            for opcode, form in forms
            for name, value in form.implied
        }
        found = implied_by_name(mnemonic, isa)
        assert set(found) == expected
        assert len(found) == len(expected)


def test_there_are_implied_values_to_look_at() -> None:
    """Names and numbers, in two sets."""
    implied = [
        (isa.name, value)
        for isa in every_set()
        for opcode in isa.opcodes
        for form in opcode.forms
        for _, value in form.implied
    ]
    assert {name for name, _ in implied} >= {"zeta", "scaffold"}
    assert {type(value) for _, value in implied} == {str, int}


def test_readings_tell_what_is_implied() -> None:
    """Beside what the text writes itself, which it leaves as it is."""
    read = find_dialect("strict", ZETA).read
    rd = ZETA.by_key["OP_PLUSI"].operands[0].domain
    assert read("copy a0, a1").mentions.implied == (("OP_PLUSI", "imm", "0"),)
    assert read("clr.z a0").mentions[rd] == ('"a0"',)
    assert read("plus a0, a1, a2").mentions.implied == ()
