"""Notations that no table names: no rule takes the operation's name off, evaluation has its own."""

from random import Random

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import INVALID, InstructionSet, load_set, packaged_sets
from kvrm_grammar.oracle.reference import parse
from training.data.any_set import any_kinds
from training.texts.any_set.drawing import Drawing
from training.texts.any_set.faults import FAULTS, any_refusal
from training.texts.any_set.meaning import phrasebook
from training.texts.any_set.unnamed import (
    Listed,
    address_of_a_tool,
    listing_of_a_tool,
    read_unnamed,
)
from training.texts.strict.words import TRAINING_WORDS

SETS = [isa for isa in map(load_set, packaged_sets()) if isa.dialect_data is not None]
FAULTY = [
    (isa, kind)
    for isa in SETS
    for kind in ("broken_notation", "too_few", "too_many", "other_operation")
    if kind in any_kinds(isa)
]
SIDES = [read_unnamed(held_out=held_out) for held_out in (False, True)]
LISTS = [row for side in SIDES for row in side.lists]
WRAPPINGS = [text for side in SIDES for text in side.wrappings]


def name_of(value: object) -> str:
    return value.name if isinstance(value, InstructionSet) else str(value)


def first_name(isa: InstructionSet) -> str:
    """A mnemonic that is written with operands."""
    return next(form.mnemonic for o in isa.opcodes for form in o.forms if len(form.operands) > 1)


def test_evaluation_has_its_own() -> None:
    """No wrapping, list or holder is of both sides; both have enough to draw from."""
    training, held_out = SIDES
    for one, other in (
        (training.wrappings, held_out.wrappings),
        (training.lists, held_out.lists),
    ):
        assert len(one) > 30 and len(other) > 8
        assert len(set(one)) == len(one) and not {*one} & {*other}
    assert len(held_out.holders) > 4 and not {*held_out.holders} & {*training.holders}


@pytest.mark.parametrize("isa", SETS, ids=name_of)
@pytest.mark.parametrize("row", LISTS, ids=lambda row: row.text)
def test_a_list_keeps_its_name_and_operands(isa: InstructionSet, row: Listed) -> None:
    """What a rule takes off, a comment's or a label's, is never what says the operation."""
    name, dialect = first_name(isa), find_dialect("lenient", isa)
    registers = [*isa.names[:2]]
    operands = [("dest", registers[0]), ("src", registers[1])]
    visible = dialect.read(row.of(name, operands, Random(1))).visible.lower()
    assert name.lower() in visible
    assert all(register.lower() in visible for register in registers)


@pytest.mark.parametrize("isa", SETS, ids=name_of)
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_what_is_around_a_line_leaves_it_whole(isa: InstructionSet, wrapping: str) -> None:
    """The line is still there, whatever a rule takes off."""
    line = f"{first_name(isa)} {isa.names[0]}, {isa.names[1]}".lower()
    text = wrapping.format(line=line, n=12)
    assert line in find_dialect("lenient", isa).read(text).visible.lower()


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_listings_of_tools(isa: InstructionSet) -> None:
    """Addresses are where programs are, and the instruction stays what is read."""
    rng, line = Random(5), f"{first_name(isa)} {isa.names[0]}, {isa.names[1]}".lower()
    dialect, shapes = find_dialect("lenient", isa), set()
    for _ in range(300):
        text = listing_of_a_tool(line, rng, TRAINING_WORDS)
        assert line in dialect.read(text).visible.lower(), text
        shapes.add(text.partition(line)[0].strip()[:1])
    assert len(shapes) > 4
    places = [address_of_a_tool(rng, 2) for _ in range(100)]
    assert all(place % 2 == 0 for place in places) and max(places) >= 2**31 > min(places)


@pytest.mark.parametrize(("isa", "kind"), FAULTY, ids=name_of)
def test_no_rule_takes_a_fault_off(isa: InstructionSet, kind: str) -> None:
    """What the model sees of a refused text is no right instruction of the strict dialect."""
    rng, dialect = Random(17), find_dialect("lenient", isa)
    for _ in range(300):
        text = any_refusal(rng, isa, phrasebook(isa), kind=kind).text
        if parse(text, isa) != INVALID:
            continue  # which no example is made of
        assert parse(dialect.read(text).visible, isa) == INVALID, text


def test_a_computation_that_is_broken_stays_so() -> None:
    """No statement around it ends in a comment, or has an end of its own to lose."""
    isa = load_set("rv32im")
    drawing = Drawing(Random(18), isa, phrasebook(isa), TRAINING_WORDS)
    _, draw = FAULTS["broken_notation"]
    texts = [text for text in (draw(drawing) for _ in range(3_000)) if text is not None]
    assert len(texts) > 300
    assert not [text for text in texts if ";" in text or text.startswith("$ ")]
