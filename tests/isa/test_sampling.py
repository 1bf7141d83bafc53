"""Drawn operations and texts: members of every domain, whatever a set's ranges and labels are."""

from pathlib import Path
from random import Random

import pytest

from kvrm_grammar.agreement import compare
from kvrm_grammar.isa import Domain, InstructionSet, Integers, Operand, load_set
from kvrm_grammar.isa.sampling import boundary_values, draw_text, draw_value, usual_value
from kvrm_grammar.isa.scaffold import write_scaffold
from kvrm_grammar.oracle.reference import parse
from tests.sets import SCAFFOLD, every_set


@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
def test_drawn_texts_mean_what_they_were_drawn_for(isa: InstructionSet) -> None:
    """The parser reads each as its operation; every opcode and mnemonic is drawn."""
    rng = Random(1)
    drawn = [
        draw_text(rng, isa)
        for _ in range(max(600, 20 * sum(len(opcode.forms) for opcode in isa.opcodes)))
    ]
    assert all(parse(text, isa) == operation for text, operation in drawn)
    assert {operation.key for _, operation in drawn} == {*isa.by_key}
    assert {text.split()[0] for text, _ in drawn} == {*isa.by_mnemonic}


@pytest.mark.parametrize(
    "integers",
    [
        *(Integers(-1000, -500), Integers(-5, -5), Integers(700, 900), Integers(-1, 2**40)),
        *(Integers(-96, -32, 16), Integers(6, 4000, 3), Integers(0, 0)),
    ],
)
def test_integers_are_drawn_from_any_range(integers: Integers) -> None:
    """Below zero alone, above zero alone, in steps, of one value: always a member."""
    domain, rng = Domain(integers=integers), Random(2)
    operand = Operand("n", domain, SCAFFOLD.opcodes[1].operands[1].pattern)
    drawn = {draw_value(rng, operand, SCAFFOLD) for _ in range(200)}
    assert all(isinstance(n, int) and n in integers for n in drawn)
    assert len(drawn) > 1 or integers.low == integers.high
    assert usual_value(operand, SCAFFOLD) == integers.low
    assert {integers.low, integers.high} <= {*boundary_values(domain)}


def test_labels_are_drawn_where_none_of_the_usual_words_is_one(tmp_path: Path) -> None:
    """A set whose labels are capitals has labels all the same."""
    write_scaffold(tmp_path / "lamps")
    grammar = tmp_path / "lamps" / "grammar.lark"
    text = grammar.read_text("utf-8")
    capitals = text.replace("[a-z][a-z0-9_]{0,15}(?![a-z0-9_])", "[A-Z]{1,8}(?![A-Z])")
    assert capitals != text
    grammar.write_text(capitals, "utf-8")
    isa, rng = load_set(tmp_path / "lamps"), Random(3)
    drawn = [draw_text(rng, isa) for _ in range(200)]
    assert all(parse(text, isa) == operation for text, operation in drawn)
    assert any(text.startswith("AGAIN ") and text[6:].isalpha() for text, _ in drawn)
    assert compare(isa, samples=100).problems == ()
