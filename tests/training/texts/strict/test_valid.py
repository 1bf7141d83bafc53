"""variants.py: every rendering means exactly the operation that it was rendered from."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.isa import INVALID, load_set
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, parse
from tests.kvrm import REGISTERS
from training.texts.operands import immediates, targets
from training.texts.strict.spelling import NOTATIONS
from training.texts.strict.valid import (
    decorate,
    operand_text,
    random_operation,
    render_operands,
    render_operation,
    separator,
    valid_variant,
)
from training.texts.strict.words import HELD_OUT_WORDS, TRAINING_WORDS

ISA = load_set()
IMMEDIATE, ADDRESS = immediates(ISA), targets(ISA)
RANDOMS = st.randoms(use_true_random=False)
WORDS = st.sampled_from([TRAINING_WORDS, HELD_OUT_WORDS])


@given(RANDOMS, WORDS)
def test_a_variant_means_its_operation(rng: Random, words: tuple[str, ...]) -> None:
    """Whatever the generator draws, the reference parser reads back exactly that."""
    variant = valid_variant(rng, ISA, words)
    if len(variant.text.rstrip("\r\n")) <= MAX_LINE_LENGTH:
        assert parse(variant.text) == variant.operation
        assert variant.operation != INVALID


@pytest.mark.parametrize("words", [TRAINING_WORDS, HELD_OUT_WORDS], ids=["training", "held out"])
@pytest.mark.parametrize("seed", [0, 1, 20261124])
def test_variants_of_a_seed_mean_their_operations(seed: int, words: tuple[str, ...]) -> None:
    """So they do for the generator that training really uses, and every line is short enough."""
    rng = Random(seed)
    for _ in range(250):
        variant = valid_variant(rng, ISA, words)
        assert parse(variant.text) == variant.operation, variant.text
        assert set(variant.kinds) <= {*NOTATIONS, "register", "label", "no_operand"}
        assert list(variant.kinds) == sorted(set(variant.kinds))


def test_the_same_seed_gives_the_same_variants() -> None:
    """Nothing but the generator decides; another seed gives other texts."""
    runs = []
    for seed in (5, 5, 6):
        rng = Random(seed)
        runs.append([valid_variant(rng, ISA) for _ in range(50)])
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_everything_occurs() -> None:
    """All opcodes, all notations, labels, prefixes, comments and line ends are drawn."""
    rng = Random(3)
    variants = [valid_variant(rng, ISA) for _ in range(4000)]
    keys = Counter(variant.operation.key for variant in variants)
    assert set(keys) == {opcode.key for opcode in ISA.opcodes}
    assert min(keys.values()) > 50
    kinds = Counter(kind for variant in variants for kind in variant.kinds)
    assert set(kinds) == {*NOTATIONS, "register", "label", "no_operand"}
    texts = "\n\n".join(variant.text for variant in variants)
    for mark in (
        "#",
        "#'",
        "#-",
        "\t",
        ", ",
        " ,",
        ";",
        "//",
        " # ",
        ": ",
        "\r\n",
        "0X",
        "+",
        "\\n",
    ):
        assert mark in texts, mark


def test_labels_and_registers_cover_their_range() -> None:
    """Every register is drawn; labels are many, long ones and mnemonics among them."""
    rng = Random(4)
    drawn = [random_operation(rng, ISA)[0].params.model_dump() for _ in range(3000)]
    values = [value for params in drawn for value in params.values()]
    labels = {v for v in values if isinstance(v, str)} - set(REGISTERS)
    assert set(REGISTERS) <= set(values)
    assert len(labels) > 500
    assert max(map(len, labels)) > 40
    assert {label.upper() for label in labels} & {opcode.mnemonic for opcode in ISA.opcodes}


@given(RANDOMS, st.integers(*IMMEDIATE), st.sampled_from(NOTATIONS[:4]), st.booleans())
def test_integers_read_back(rng: Random, value: int, notation: str, prefixed: bool) -> None:
    """An integer in any notation, with or without prefix, is that integer again."""
    text = operand_text(value, notation, rng, immediate=prefixed)
    assert parse(f"MOV R0, {text}").params.model_dump() == {"dest": "R0", "value": value}


@given(RANDOMS)
def test_separators_separate(rng: Random) -> None:
    """A separator is blanks with one comma at most."""
    text = separator(rng)
    assert text and not text.strip(" \t,")
    assert text.count(",") <= 1
    assert parse(f"CMP R1{text}R2") == parse("CMP R1, R2")
    assert parse(render_operands("CMP", ["R1", "R2"], rng)) == parse("CMP R1, R2")


@given(RANDOMS, st.sampled_from(["HALT", "SUB R1, R2, R3", "MOV R1, ';'", "JMP a", "FOO", ""]))
def test_decoration_changes_no_meaning(rng: Random, text: str) -> None:
    """A label definition, blanks, a comment or a line end leave the verdict as it is."""
    assert parse(decorate(text, rng, ISA)) == parse(text)


@pytest.mark.parametrize("opcode", ISA.opcodes, ids=lambda opcode: opcode.mnemonic)
def test_every_opcode_renders(opcode: object) -> None:
    """Each opcode has a text that reads back; the number of kinds must fit."""
    rng = Random(0)
    while True:
        operation, drawn, kinds = random_operation(rng, ISA)
        if drawn == opcode:
            break
    assert parse(render_operation(operation, drawn, kinds, rng)) == operation
    with pytest.raises(ValueError, match="zip"):
        render_operation(operation, drawn, (*kinds, "register"), rng)
