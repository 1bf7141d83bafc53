"""What a mnemonic implies without its operand is as good as mentioned."""

import json
from collections import Counter

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.implied import implied_by_name, implied_values
from kvrm_grammar.isa import Domain, InstructionSet, load_set
from tests.sets import SCAFFOLD, ZETA, every_set


def by_text(found: object) -> list[tuple[str, ...]]:
    """The values alone, in a fixed order."""
    assert isinstance(found, dict)
    return sorted(found.values())


@pytest.mark.parametrize(
    ("text", "isa", "values"),
    [
        ("clr.z a0", ZETA, [('"zero"',), ("0",)]),
        ("CLR.Z a0", ZETA, [('"zero"',), ("0",)]),
        ("copy a0, a1", ZETA, [("0",)]),
        ("go loop", ZETA, [('"zero"',)]),
        ("call loop", ZETA, [('"ra"',)]),
        ("off hall", SCAFFOLD, [("0",)]),
        ("off\thall", SCAFFOLD, [("0",)]),
        # A text implies what a form that it has leaves out, and nothing that it writes.
        ("Clr.Z", ZETA, []),
        ("lw a0, (sp)", load_set("rv32im"), [("0",)]),
        ("lw a0, 8(sp)", load_set("rv32im"), []),
        ("lw a0, 9999(sp)", load_set("rv32im"), []),
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
def test_only_the_first_word_implies(
    text: str, isa: InstructionSet, values: list[tuple[str, ...]]
) -> None:
    """By its case-free spelling, and as a whole word of the set itself."""
    assert by_text(implied_values(text, isa)) == values


@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
def test_what_a_form_leaves_out_is_implied(isa: InstructionSet) -> None:
    """Each value stands under the domain of its operand, as JSON, as often as one form needs it."""
    for mnemonic, forms in isa.by_mnemonic.items():
        expected = {
            (operand.domain, json.dumps(dict(form.implied)[operand.name]))
            for opcode, form in forms
            for operand in opcode.operands
            if operand.name in dict(form.implied)
        }
        found = implied_by_name(mnemonic, isa)
        assert {(domain, value) for domain, own in found.items() for value in own} == expected
        needed: Counter[tuple[Domain, str]] = Counter()
        for opcode, form in forms:
            implied = dict(form.implied)
            own = [o for o in opcode.operands if o.name in implied]
            needed |= Counter((o.domain, json.dumps(implied[o.name])) for o in own)
        assert Counter((d, value) for d, own in found.items() for value in own) == needed


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


def test_readings_mention_what_is_implied() -> None:
    """Behind what the text writes itself."""
    read = find_dialect("strict", ZETA).read
    imm = next(o.domain for o in ZETA.by_key["OP_PLUSI"].operands if o.name == "imm")
    rd = ZETA.by_key["OP_PLUSI"].operands[0].domain
    assert read("copy a0, a1").mentions[imm] == ("0",)
    assert read("clr.z a0").mentions[rd] == ('"a0"', '"zero"')
    assert read("plus a0, a1, a2").mentions[imm] == ()
