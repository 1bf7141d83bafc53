"""lenient_draft.py: guesses at free text; most are right, and none need be."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import load_set, operation_from_json, operation_to_json
from training.texts.lenient.forms import FORMS
from training.texts.lenient.lexicon import TRAINING_LEXICON
from training.texts.lenient.valid import MANNERS, lenient_variant
from training.texts.strict.words import TRAINING_WORDS

LENIENT = find_dialect("lenient")
ISA = load_set()


@pytest.mark.parametrize(
    ("text", "key", "params"),
    [
        ("subtract r1 from r3, store in r5", "OP_SUB", {"dest": "R5", "src1": "R3", "src2": "R1"}),
        ("r5 = r3 - r1", "OP_SUB", {"dest": "R5", "src1": "R3", "src2": "R1"}),
        ("sub r3, r1 -> r5", "OP_SUB", {"dest": "R5", "src1": "R3", "src2": "R1"}),
        ("r1 += r2", "OP_ADD", {"dest": "R1", "src1": "R1", "src2": "R2"}),
        ("sub r5 r3", "OP_SUB", {"dest": "R5", "src1": "R5", "src2": "R3"}),
        ("put 42 in r3", "OP_MOV_REG_IMM", {"dest": "R3", "value": 42}),
        ("clear r2", "OP_MOV_REG_IMM", {"dest": "R2", "value": 0}),
        ("sbu r5 r3 r1", "OP_SUB", {"dest": "R5", "src1": "R3", "src2": "R1"}),
        ("jump to loop if not zero", "OP_JNZ", {"addr": "loop"}),
        ("sub src2=r1 dest=r5 src1=r3", "OP_SUB", {"dest": "R5", "src1": "R3", "src2": "R1"}),
        ("subr5,r3,r1", "OP_SUB", {"dest": "R5", "src1": "R3", "src2": "R1"}),
        ("12 | inc r4", "OP_INC", {"dest": "R4"}),
        ("stop the program", "OP_HALT", {}),
        ("", "OP_INVALID", {}),
        ("???", "OP_INVALID", {}),
    ],
)
def test_guesses(text: str, key: str, params: dict[str, object]) -> None:
    """The dialect's own examples."""
    assert LENIENT.read(text).guess == load_set().operation(key, params)


@pytest.mark.parametrize("kind", [*FORMS, *MANNERS])
def test_most_guesses_are_right(kind: str) -> None:
    """Of each kind more than half: so one pass is nearly always enough."""
    rng = Random(f"draft {kind}")
    variants = [
        lenient_variant(rng, ISA, TRAINING_WORDS, TRAINING_LEXICON, kind=kind) for _ in range(150)
    ]
    right = sum(LENIENT.read(v.text[:256]).guess == v.operation for v in variants)
    assert right > 75


@given(st.text(max_size=120))
def test_any_text_has_a_guess(text: str) -> None:
    """Always a whole operation, whatever the text."""
    operation = LENIENT.read(text).guess
    assert operation_from_json(operation_to_json(operation)) == operation
