"""What a set's data say of its operations: every phrase can be said, and one side alone says it."""

import re
from itertools import product
from random import Random

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import (
    InstructionSet,
    Operand,
    load_set,
    operation_to_json,
    packaged_sets,
)
from kvrm_grammar.language.candidates import Candidates
from training.texts.any_set.meaning import Meaning, phrasebook, short_meaning
from training.texts.any_set.spelling import Words
from training.texts.any_set.writing import Writing, fitting_phrases
from training.texts.lenient.spelling import ways_of
from training.texts.operands import kind_of
from training.texts.strict.words import TRAINING_WORDS

SETS = [isa for isa in map(load_set, packaged_sets()) if isa.dialect_data is not None]
SAID = [isa for isa in SETS if lenient_data(isa).phrases]
SLOT = re.compile(r"\{(\w+)\}")


def name_of(value: object) -> str:
    return value.name if isinstance(value, InstructionSet) else str(value)


def test_there_is_something_to_test() -> None:
    """One set at least says what English means in it, and what it leaves to be understood."""
    assert any(lenient_data(isa).short_phrases for isa in SAID)


@pytest.mark.parametrize("isa", SAID, ids=name_of)
def test_phrases_write_what_their_form_writes(isa: InstructionSet) -> None:
    """Of three operands the first source may be missing, where it is the destination."""
    data = lenient_data(isa)
    assert data.phrases.keys() == data.held_out_phrases.keys()
    for table in (data.phrases, data.held_out_phrases):
        for mnemonic, phrases in table.items():
            opcode, form = isa.by_mnemonic[mnemonic][0]
            for text in phrases:
                slots = {*SLOT.findall(text)}
                assert slots <= {*form.operands}, (mnemonic, text)
                missing = {*form.operands} - slots
                assert missing <= {opcode.operands[1].name} if missing else True, (mnemonic, text)
    for mnemonic, texts in data.notations.items():
        for text in texts:
            written = {*SLOT.findall(text)}
            forms = [{*form.operands} for _, form in isa.by_mnemonic[mnemonic]]
            assert any(written <= form and len(form - written) < 2 for form in forms), text


@pytest.mark.parametrize("isa", SAID, ids=name_of)
def test_every_phrase_is_said(isa: InstructionSet) -> None:
    """Of an operation that changes a register in place: nothing is written down in vain."""
    for book in (phrasebook(isa), phrasebook(isa, held_out=True)):
        for mnemonic, phrases in book.phrases.items():
            opcode, form = isa.by_mnemonic[mnemonic][0]
            values = {operand.name: some_value(operand) for operand in opcode.operands}
            operation = isa.operation(opcode.key, values | dict(form.implied))
            meaning = Meaning(operation, opcode, form, {})
            assert fitting_phrases(meaning, phrases) == [*phrases]


@pytest.mark.parametrize("isa", SAID, ids=name_of)
@pytest.mark.parametrize("held_out", [False, True])
def test_what_is_understood_can_be_answered(isa: InstructionSet, held_out: bool) -> None:
    """A short phrase leaves out what is given, and its words imply just that."""
    book, rng = phrasebook(isa, held_out=held_out), Random(4)
    assert bool(book.short) == bool(lenient_data(isa).short_phrases)
    dialect = find_dialect("lenient", isa)
    candidates = Candidates(isa, dialect.shorthand)
    for short, template in book.short:
        assert not {*SLOT.findall(template)} & short.given.keys()
        for _ in range(3):
            meaning = short_meaning(rng, isa, TRAINING_WORDS, short, template)
            assert meaning.values.items() >= short.given.items()
            words = Words(rng, isa, meaning, words=True)
            text = Writing(rng, isa, meaning, words, book).said(template)
            answer = operation_to_json(meaning.operation)
            assert answer in candidates.of(dialect.read(text).mentions), text
    own, other = phrasebook(isa).short, phrasebook(isa, held_out=True).short
    assert not {text for _, text in own} & {text for _, text in other}


@pytest.mark.parametrize("isa", SAID, ids=name_of)
def test_other_notations_are_no_notations(isa: InstructionSet) -> None:
    """What is refused as another machine's is nothing that this set's own notations write."""
    data = lenient_data(isa)
    drawn = dict.fromkeys("rstu", "register") | dict.fromkeys(("n", "m", "big"), "immediate")
    kinds = {o.name: kind_of(o) for opcode in isa.opcodes for o in opcode.operands}

    def shape(text: str) -> str:
        """A notation without its blanks, a kind where an operand stands."""
        filled = SLOT.sub(lambda slot: (kinds | drawn | {"w": "target"})[slot[1]], text)
        return re.sub(r"\s", "", filled)

    own = {shape(text) for texts in data.notations.values() for text in texts}
    others = (*data.other_notations, *data.held_out_other_notations)
    assert not own & {shape(text) for text in others}
    assert own or not data.notations


def some_value(operand: Operand) -> object:
    """The first register, the lowest number, or a label: the same wherever the domain is."""
    domain = operand.domain
    if domain.names:
        return domain.names[0]
    return "label" if domain.integers is None else domain.integers.low


@pytest.mark.parametrize("isa", SAID, ids=name_of)
def test_evaluation_says_what_training_does_not(isa: InstructionSet) -> None:
    """No phrase and no other machine's operation is on both sides."""
    own, other = phrasebook(isa), phrasebook(isa, held_out=True)
    assert other.operations and not {*own.operations} & {*other.operations}
    assert other.others and not {*own.others} & {*other.others}
    assert other.notations and not {*own.notations} & {*other.notations}
    for mnemonic, texts in other.phrases.items():
        said = {one for text in own.phrases[mnemonic] for one in ways_of(text)}
        assert texts and not said & {one for text in texts for one in ways_of(text)}, mnemonic


@pytest.mark.parametrize("isa", SAID, ids=name_of)
def test_what_is_put_together_is_whole_and_new(isa: InstructionSet) -> None:
    """Frame and expression write all operands, none twice, and nothing that evaluation says."""
    data, seen = lenient_data(isa), 0
    for composition in data.compositions:
        assert all(frame.count("{x}") == 1 for frame in composition.frames)
        for mnemonic, expressions in composition.expressions.items():
            _, form = isa.by_mnemonic[mnemonic][0]
            held_out = {way for text in data.held_out_phrases[mnemonic] for way in ways_of(text)}
            for frame, expression in product(composition.frames, expressions):
                text = frame.replace("{x}", expression)
                assert sorted(SLOT.findall(text)) == sorted(form.operands), (mnemonic, text)
                assert not held_out & {*ways_of(text)}, text
                seen += 1
    assert seen > 10_000 or not data.compositions
    assert any(lenient_data(isa).compositions for isa in SAID)
    assert not phrasebook(isa, held_out=True).compositions
