"""Lenient refusals near to right texts: one fault, and in all else written as those are."""

import json
import re
from random import Random

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import InstructionSet, load_set, packaged_sets
from kvrm_grammar.oracle.reference import parse
from training.data.any_set import any_set_kind
from training.texts.any_set.drawing import Drawing
from training.texts.any_set.faults import any_refusal
from training.texts.any_set.meaning import phrasebook, plain_names
from training.texts.near import names_near
from training.texts.strict.words import TRAINING_WORDS

SETS = [isa for isa in map(load_set, packaged_sets()) if isa.dialect_data is not None]
RV32IM = load_set("rv32im")


def name_of(value: object) -> str:
    return value.name if isinstance(value, InstructionSet) else str(value)


def refused(isa: InstructionSet, kind: str, count: int) -> list[str]:
    rng = Random(31)
    return [any_refusal(rng, isa, phrasebook(isa), kind=kind).text for _ in range(count)]


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_marks_in_front_of_a_name_change_nothing(isa: InstructionSet) -> None:
    """``.add`` and ``OP_ADD`` are instructions as well as ``.word`` and ``OP_PUSH`` are none."""
    seen = 0
    for example in any_set_kind("residue", 400, 5, isa=isa):
        bare = re.sub(r"\A(?:OP_|\.)", "", example.text)
        if bare != example.text and example.kinds == ("residue",):
            assert json.loads(example.answer) == json.loads(parse(bare, isa).model_dump_json())
            seen += 1
    assert seen > 3


def test_signs_that_c_has_are_refused_in_every_spelling() -> None:
    """``a0 = a1 >> 3`` is near ``a0 = a1 << 3``: only the sign may tell, not how it is written."""
    texts = refused(RV32IM, "unknown_operation", 2_000)
    shifts = [text for text in texts if re.search("[^>]>>=?[^>]", text)]
    assert len(shifts) > 20
    other = r"[%$][axst]|\b[AXST][0-9]"
    for wanted in (r"\bx[0-9]", r"\ba[0-9]", "0x", ":=|<-|←", r"\w>>=?\w", other):
        assert any(re.search(wanted, text) for text in shifts), wanted
    assert any(text[0].isupper() for text in texts if text.lower().startswith("multiply"))


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_names_of_other_phrases_mean_nothing_else(isa: InstructionSet) -> None:
    """``set a0 if a1 equals zero`` is an instruction, ``set a0 if a1 equals a2`` is none."""
    forms = [form for opcode in isa.opcodes for form in opcode.forms]
    implied = {value for form in forms for value in dict(form.implied).values()}
    assert plain_names(isa) and not implied & {*plain_names(isa)}
    drawing = Drawing(Random(3), isa, phrasebook(isa), TRAINING_WORDS)
    for _ in range(200):
        names = drawing.filled("{r} {s} {t}").split()
        assert len({*names}) == 3 and {*names} <= {*plain_names(isa)}


def test_numbers_between_two_steps_are_out_of_range() -> None:
    """A target is even: ``j 7`` is refused, and not only ``j 5000000000``."""
    texts = refused(RV32IM, "out_of_range", 4_000)
    numbers = [re.match(r"(?i)(?:j|jal)\s+([0-9]+)\Z", text) for text in texts]
    odd = [int(found[1]) for found in numbers if found and int(found[1]) < 2**32]
    assert odd and all(number % 2 for number in odd)


def test_a_comment_that_is_an_instruction_is_a_second_one() -> None:
    """Behind ``;``, which begins comments there, the model sees it, and refuses."""
    dialect, joints = find_dialect("lenient", RV32IM), 0
    assert ";" in lenient_data(RV32IM).comments
    for text in refused(RV32IM, "several", 600):
        if "; " in text:
            assert "; " in dialect.read(text).visible, text
            joints += 1
    assert joints > 20
    said = [e.text for e in any_set_kind("comment", 300, 5, isa=RV32IM)]
    assert not [text for text in said if re.search(r"(?i)[;/] (?:ret|nop|ecall)\Z", text)]


def test_a_missing_operand_leaves_the_rest_as_it_is() -> None:
    """Brackets stay, no blank and no comma does: ``lw 8(sp)``, and ``lw a0, 8(sp), a1``."""
    few = refused(RV32IM, "too_few", 3_000)
    assert not [text for text in few if "\0" in text]
    assert [text for text in few if re.fullmatch(r"(?i)l[bhw]u? -?[0-9]+\([a-z0-9]+\)", text)]
    assert not [text for text in few if re.match(r"(?i)[a-z.]+ *, ", text)]
    many = refused(RV32IM, "too_many", 2_000)
    behind = re.compile(r"(?i)l[bhw]u? .*\([a-z0-9]+\), [a-z0-9]+")
    assert [text for text in many if behind.fullmatch(text)]
    assert not [text for text in many if re.match(r"(?i)(?:ecall|nop|ret) *,", text)]


@pytest.mark.parametrize("isa", SETS, ids=name_of)
@pytest.mark.parametrize("kind", ["too_few", "bad_names"])
def test_an_answer_with_a_fault_is_refused(isa: InstructionSet, kind: str) -> None:
    """JSON as an answer is, but for one operand that is missing or is called otherwise."""
    seen = 0
    for text in refused(isa, kind, 1_200):
        if not re.fullmatch(r'\{"key": ?"OP_.*\}\}', text):
            continue
        told = json.loads(text)
        opcode = next(one for one in isa.opcodes if one.key == told["key"])
        right = {operand.name for operand in opcode.operands}
        assert told["params"].keys() != right
        assert len(told["params"]) < len(right) or kind == "bad_names"
        seen += 1
    assert seen > 5


def test_what_leaves_an_operand_to_be_understood_can_be_wrong_too() -> None:
    """``increment x99`` and ``do not clear a0``."""
    drawing = Drawing(Random(3), RV32IM, phrasebook(RV32IM), TRAINING_WORDS)
    drawn = [drawing.short_phrase("x99") for _ in range(60)]
    texts = [text for text in drawn if text is not None]
    assert len(texts) > 30 and all("x99" in text.lower() for text in texts)
    short = re.compile(r"(?i).*(?:increment|decrement|clear|\+\+|--)")
    assert [text for text in refused(RV32IM, "negated", 800) if short.match(text)]
    assert [text for text in refused(RV32IM, "bad_register", 800) if short.match(text)]


@pytest.mark.parametrize("isa", [isa for isa in SETS if lenient_data(isa).other_operations])
def test_other_operations_are_often_near_to_the_sets(isa: InstructionSet) -> None:
    """What would be a typing error, were it no name, and with operands that would fit."""
    near = {word for word in phrasebook(isa).operations if names_near(word, isa)}
    texts = refused(isa, "other_operation", 600)
    shown = [{*re.findall("[a-z][a-z0-9.]*", text.lower())} & near for text in texts]
    assert near and sum(map(bool, shown)) > 200
