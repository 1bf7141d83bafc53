"""The word lists of the lenient dialect: what they say has one meaning, or is none."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.words import one_edit_from
from kvrm_grammar.isa import load_set
from training.texts.lenient.lexicon import HELD_OUT_LEXICON, TRAINING_LEXICON, Lexicon, read_lexicon
from training.texts.operands import kind_of
from training.texts.strict.words import FOREIGN_MNEMONICS

SIDES = pytest.mark.parametrize(
    "lexicon", [TRAINING_LEXICON, HELD_OUT_LEXICON], ids=["training", "held_out"]
)
OPERANDS = (
    ("register", r"\{(?:dest|src[12]?|[rstu])\}"),
    ("immediate", r"[23]?\{(?:value|[nm])\}"),
    ("target", r"\{(?:addr|w)\}"),
)

ISA = load_set()
OTHER_OPERATIONS, SYNONYMS = lenient_data(ISA).other_operations, lenient_data(ISA).synonyms


def said(template: str) -> Iterator[str]:
    """Every text of a template: choices made, operands replaced by their kinds."""
    choice = re.search(r"\[([^\[\]]*\|[^\[\]]*)\]", template)
    if choice:
        for option in choice[1].split("|"):
            yield from said(template[: choice.start()] + option + template[choice.end() :])
        return
    for kind, pattern in OPERANDS:
        template = re.sub(pattern, kind, template)
    yield re.sub(r" +(?=,)", "", re.sub(r" +", " ", template)).strip().lower()


def meanings(lexicon: Lexicon) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key, templates in lexicon.phrases.items():
        for text in (text for template in templates for text in said(template)):
            found.setdefault(text, set()).add(key)
    return found


@SIDES
def test_a_phrase_means_one_operation(lexicon: Lexicon) -> None:
    """With its operands' kinds known, nothing is left to guess."""
    assert [text for text, keys in meanings(lexicon).items() if len(keys) > 1] == []


@SIDES
def test_a_condition_is_of_one_jump(lexicon: Lexicon) -> None:
    """And none that the machine lacks, by either side, is among them."""
    every = [
        text
        for templates in lexicon.conditions.values()
        for text in {text for template in templates for text in said(template)}
    ]
    assert [text for text, count in Counter(every).items() if count > 1] == []
    for side in (TRAINING_LEXICON, HELD_OUT_LEXICON):
        lacked = {text for template in side.faults["conditions"] for text in said(template)}
        assert set(every) & lacked == set()


@SIDES
def test_no_condition_is_the_order_of_two_operands(lexicon: Lexicon) -> None:
    """None of the flags is that: like ``jg``, it is refused."""
    every = [text for templates in lexicon.conditions.values() for text in templates]
    assert [text for text in every if re.search(r"\b(first|second)\b", text)] == []


@SIDES
def test_both_sides_agree_on_conditions(lexicon: Lexicon) -> None:
    """What one side calls zero, the other does not call negative."""
    other = HELD_OUT_LEXICON if lexicon is TRAINING_LEXICON else TRAINING_LEXICON
    for mnemonic, templates in lexicon.conditions.items():
        own = {text for template in templates for text in said(template)}
        for name, others in other.conditions.items():
            if name != mnemonic:
                assert own.isdisjoint(text for template in others for text in said(template))


@SIDES
def test_what_is_refused_is_no_phrase(lexicon: Lexicon) -> None:
    """No template of a fault says what a phrase of either side says."""
    known = meanings(TRAINING_LEXICON).keys() | meanings(HELD_OUT_LEXICON).keys()
    for kind in lexicon.faults.keys() - {"conditions"}:
        refused = {text for template in lexicon.faults[kind] for text in said(template)}
        assert refused & known == set(), kind


@SIDES
def test_what_is_refused_is_no_instruction_by_another_name(lexicon: Lexicon) -> None:
    """A synonym with its operands, such as ``beq again``, is read, so no fault may be one."""
    names = {name: own for own, others in SYNONYMS.items() for name in (own, *others)}
    instructions = {
        (opcode.mnemonic, *(kind_of(operand) for operand in opcode.operands))
        for opcode in load_set().opcodes
    }
    for templates in lexicon.faults.values():
        for text in (text for template in templates for text in said(template)):
            first, *operands = re.split(r"[ ,]+", text)
            assert (names.get(first.upper()), *operands) not in instructions, text


@SIDES
def test_what_is_refused_is_no_instruction_with_a_typing_error(lexicon: Lexicon) -> None:
    """``no`` alone is NOP with a letter left out: the dialect reads it, so no fault may say it."""
    wanted = {
        (opcode.mnemonic, *(kind_of(operand) for operand in opcode.operands))
        for opcode in load_set().opcodes
    }
    mnemonics = tuple(name for name, *_ in wanted)
    others = {name.upper() for name in (*OTHER_OPERATIONS, *FOREIGN_MNEMONICS)}
    known = others.union(SYNONYMS, *SYNONYMS.values())
    for templates in lexicon.faults.values():
        for text in (text for template in templates for text in said(template)):
            first, *operands = re.split(r"[ ,]+", text)
            near = one_edit_from(first.upper(), mnemonics)
            if len(near) == 1 and first.upper() not in known:
                assert (*near, *operands) not in wanted, text


@SIDES
def test_phrases_are_english(lexicon: Lexicon) -> None:
    """Assignments and arrows are kinds of their own: a training without them shows none."""
    phrases = [text for texts in lexicon.phrases.values() for text in texts]
    assert [text for text in phrases if re.search("=|<-|->|:", text)] == []


def test_operations_of_other_machines_are_named_by_one_side() -> None:
    """Evaluation meets some that training never draws; none is a word of this machine."""
    known, held = (set(side.operations) for side in (TRAINING_LEXICON, HELD_OUT_LEXICON))
    assert not known & held
    assert known | held == set(OTHER_OPERATIONS)
    assert len(held) * 9 > len(known)
    own = {name.lower() for name in (*SYNONYMS, *(n for ns in SYNONYMS.values() for n in ns))}
    assert not own & set(OTHER_OPERATIONS)
    named = "and or xor not jsr call ret addi subs cmpi lw sw jg jc brp brnzp loadnil sum return"
    assert known >= set(named.split())


def test_every_synonym_means_one_operation() -> None:
    """The list is closed."""
    names = [name for own in SYNONYMS.values() for name in own]
    assert len(names) == len(set(names))
    assert not set(names) & set(SYNONYMS)


def test_remarks_are_held_out_too() -> None:
    """And none is an operand alone: in brackets behind two registers it could be the third."""
    assert not {*TRAINING_LEXICON.remarks} & {*HELD_OUT_LEXICON.remarks}
    for side in (TRAINING_LEXICON, HELD_OUT_LEXICON):
        assert not [text for text in side.remarks if re.fullmatch(r"\{\w+\}", text)]
        assert any("{r}" in text for text in side.remarks)


def test_there_is_no_other_lexicon() -> None:
    """The name is a file's."""
    with pytest.raises(FileNotFoundError):
        read_lexicon("medieval")
