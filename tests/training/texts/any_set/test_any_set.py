"""Lenient texts that a set's data give: what they mean can be answered, what is wrong is not."""

import json
import re
from collections import Counter
from random import Random

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS
from kvrm_grammar.isa import (
    INVALID,
    Form,
    InstructionSet,
    Opcode,
    load_set,
    packaged_sets,
)
from kvrm_grammar.language.candidates import Candidates
from kvrm_grammar.oracle.reference import parse
from training.data.any_set import any_kinds, any_set_examples, any_set_kind
from training.texts.any_set.faults import any_refusal
from training.texts.any_set.forms import FORMS
from training.texts.any_set.meaning import (
    draw_meaning,
    phrasebook,
    takes,
)
from training.texts.any_set.spelling import is_taken, misspelt
from training.texts.any_set.variants import any_variant
from training.texts.lenient.refused_notations import FAULTY_NAMES
from training.texts.near import names_near
from training.texts.strict.words import TRAINING_WORDS

SETS = [isa for isa in map(load_set, packaged_sets()) if isa.dialect_data is not None]
SAID = [isa for isa in SETS if lenient_data(isa).phrases]
BY_KIND = [(isa, kind) for isa in SETS for kind in any_kinds(isa)]
NEGATION = re.compile("(?i)do not|don't|never|no need|avoid|without|unless")
SLOT = re.compile(r"\{(\w+)\}")


def name_of(value: object) -> str:
    return value.name if isinstance(value, InstructionSet) else str(value)


def test_there_is_something_to_test() -> None:
    """Two sets at least have a lenient dialect, and one of them says what English means in it."""
    assert len(SETS) >= 2 and SAID
    assert len(BY_KIND) > 50
    assert {kind for kind in FORMS if kind != "plain"} <= {kind for _, kind in BY_KIND}


@pytest.mark.parametrize(("isa", "kind"), BY_KIND, ids=name_of)
def test_every_kind(isa: InstructionSet, kind: str) -> None:
    """Texts of a kind show it; the right answer is in the language of each, the refusal always."""
    examples = any_set_kind(kind, 12, 5, isa=isa)
    assert len(examples) >= 3
    dialect = find_dialect("lenient", isa)
    candidates = Candidates(isa, dialect.shorthand)
    for example in examples:
        assert kind in example.kinds
        refused = json.loads(example.answer)["key"] == INVALID.key
        assert refused == (any_kinds(isa)[kind] == "R")
        assert example.answer in candidates.of(dialect.read(example.text).mentions), example.text
        if refused:
            assert parse(example.text, isa) == INVALID


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_examples_are_reproducible_and_mixed(isa: InstructionSet) -> None:
    """A seed gives the same texts; some are refused, some strict, most lenient."""
    drawn = list(any_set_examples(300, 9, isa=isa))
    assert drawn == list(any_set_examples(300, 9, isa=isa))
    refused = sum("refusal" in example.kinds for example in drawn)
    strict = sum("strict" in example.kinds for example in drawn)
    assert 80 < refused < 160 and 15 < strict < 70
    assert len({example.text for example in drawn}) > 270


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_words_mean_one_thing(isa: InstructionSet) -> None:
    """No synonym is a mnemonic or another's; no other machine's operation is either."""
    data = lenient_data(isa)
    words = [word for names in data.synonyms.values() for word in names]
    assert words and len(words) == len({word.upper() for word in words})
    assert not {word.upper() for word in words} & {name.upper() for name in isa.by_mnemonic}
    taken = {word.lower() for word in (*words, *isa.by_mnemonic)}
    assert not taken & data.all_other_operations
    assert {*data.held_out_operations} <= data.all_other_operations


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_misspelt_names(isa: InstructionSet) -> None:
    """One edit from one mnemonic, or from several; never a name that is taken."""
    rng, found = Random(3), {1: 0, 2: 0}
    for mnemonic in isa.by_mnemonic:
        for candidates in found:
            word = misspelt(rng, isa, mnemonic, candidates)
            if word is None:
                continue
            found[candidates] += 1
            assert not is_taken(word, isa)
            near = names_near(word, isa)
            assert near == [mnemonic] if candidates == 1 else len(near) > 1
    assert found[1] > 8 and found[2] > 3


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_several_instructions_are_all_seen(isa: InstructionSet) -> None:
    """None of them is a comment of the set: the model sees the last one too."""
    rng, dialect = Random(8), find_dialect("lenient", isa)
    for _ in range(200):
        text = any_refusal(rng, isa, phrasebook(isa), kind="several").text
        seen = dialect.read(text).visible
        assert seen.lower().endswith(text.split()[-1].lower()), text


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_a_name_that_is_there_twice_is_written_twice(isa: InstructionSet) -> None:
    """Also in a record of JSON, where a dictionary would keep one and heal the fault."""
    named = re.compile(r"""([A-Za-z][A-Za-z0-9]*)["']? ?[:=]""")
    rng, twice = Random(8), 0
    for _ in range(200):
        text = any_refusal(rng, isa, phrasebook(isa), kind="bad_names").text
        names = named.findall(text)
        is_twice = len(set(names)) < len(names)
        assert is_twice or {*FAULTY_NAMES} & {*names}, text
        twice += is_twice and '"' in text
    assert twice > 5


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_no_refusal_is_cut_to_an_instruction(isa: InstructionSet) -> None:
    """What a rule takes off a refused text is not its fault: ``avoid: nop`` had a label."""
    rng, dialect = Random(12), find_dialect("lenient", isa)
    for _ in range(200):
        text = any_refusal(rng, isa, phrasebook(isa), kind="negated").text
        assert NEGATION.search(dialect.read(text).visible), text


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_a_wrong_kind_makes_no_other_instruction(isa: InstructionSet) -> None:
    """A number stands for a register behind a name only: ``a0 = 5`` is right."""
    rng, names = Random(4), [re.escape(name) for name in isa.names]
    target = re.compile(rf"(?i)\W*[jb](?:mp|n?[sz]|eq|ne|lt)?\b.*\b(?:{'|'.join(names)})\W*")
    texts = [any_refusal(rng, isa, phrasebook(isa), kind="wrong_kind").text for _ in range(1_500)]
    assert any(target.fullmatch(text) for text in texts)
    for text in texts:
        assert not re.fullmatch(rf"({'|'.join(names)}) = -?[0-9]+", text), text
        assert not re.fullmatch(r"(jump|go) to [a-z]+", text), text


@pytest.mark.parametrize("isa", SETS, ids=name_of)
def test_every_mnemonic_is_drawn(isa: InstructionSet) -> None:
    """None is rare: not ``ret``, one form of many, nor ``li``, which implies ``zero``."""
    rng = Random(22)
    drawn = [draw_meaning(rng, isa, TRAINING_WORDS) for _ in range(40 * len(isa.by_mnemonic))]
    names = Counter(meaning.form.mnemonic for meaning in drawn)
    assert names.keys() == isa.by_mnemonic.keys() and min(names.values()) >= 6
    values = {str(value) for meaning in drawn for value in meaning.values.values()}
    assert {name for name in isa.names if name.lower() in NUMBER_WORDS} <= values


def test_no_register_is_a_number_where_a_number_must_be() -> None:
    """``lw a0, zero(a1)`` is read as 0; so no refusal of RV32IM has it."""
    isa, rng = load_set("rv32im"), Random(23)
    texts = [any_refusal(rng, isa, phrasebook(isa), kind="wrong_kind").text for _ in range(1500)]
    assert not [text for text in texts if re.search(r"(?i)\bzero\(|[xao]r?i\b.*, zero$", text)]


def test_a_register_stands_where_a_number_must() -> None:
    """Behind a name that takes no register there: ``xori a0, a1, a2``, and never ``xor``."""
    isa, rng = load_set("rv32im"), Random(21)
    texts = [any_refusal(rng, isa, phrasebook(isa), kind="wrong_kind").text for _ in range(1500)]
    words = [re.findall(r"[a-z0-9]+", text.lower()) for text in texts]
    registers = {word.lower() for word in isa.spellings}
    three = [own[0] for own in words if len(own) == 4 and {*own[1:]} <= registers]
    assert len([name for name in three if name in ("addi", "xori", "andi", "ori", "slli")]) > 5
    assert not {"add", "xor", "and", "or", "sll", "slt"} & {*three}


def test_what_forms_take() -> None:
    """Operands by kind, the shorthand too; what is one too few or too many is none."""
    isa = load_set("rv32im")
    assert takes(isa, "ADD", ["register", "register", "immediate"])
    assert takes(isa, "ADD", ["register", "immediate"])
    assert takes(isa, "BEQZ", ["register", "target"])
    assert not takes(isa, "BEQ", ["register", "target"])
    assert not takes(isa, "ADD", ["register"])
    assert not takes(isa, "MV", ["register", "register", "register"])


def test_a_replaced_operand_is_seen() -> None:
    """A fault in an operand stands in the text: no form leaves it out."""
    isa, rng = load_set("rv32im"), Random(4)
    book = phrasebook(isa)
    strange = re.compile(
        r"\b(?:r\d+|x3[2-9]|x99|eax|pc|acc|b3|q1|xl|v0|rx|f1|ft0|a[89]|s12|t7|d4|cc|ax)\b",
        re.IGNORECASE,
    )
    for _ in range(200):
        text = any_refusal(rng, isa, book, kind="bad_register").text
        assert strange.search(text), text


def _in_order(opcode: Opcode, form: Form) -> bool:
    return [*form.operands] == [o.name for o in opcode.operands if o.name in form.operands]


def test_operands_by_name_are_those_of_the_schema() -> None:
    """Where a form turns its operands round, names would say two things: it has no such text."""
    isa, rng = load_set("rv32im"), Random(6)
    turned = {
        name
        for name, forms in isa.by_mnemonic.items()
        if not any(_in_order(opcode, form) for opcode, form in forms)
    }
    assert turned
    for _ in range(200):
        text = any_variant(rng, isa, phrasebook(isa), kind="named").text
        assert not any(re.search(rf"\b{name}\b", text, re.IGNORECASE) for name in turned), text
