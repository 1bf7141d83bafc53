"""variants.py: every rendering means exactly the operation that it was rendered from."""

import string
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.isa import Isa, accepts, compile_grammar, load_isa
from kvrm_grammar.operations import INVALID
from kvrm_grammar.reference import MAX_LINE_LENGTH, parse
from kvrm_grammar.variants import (
    NOTATIONS,
    decorate,
    integer_text,
    label_name,
    mixed_case,
    near,
    operand_text,
    random_integer,
    random_operation,
    render_operands,
    render_operation,
    separator,
    valid_variant,
)
from kvrm_grammar.words import HELD_OUT_WORDS, TRAINING_WORDS

ISA = load_isa()
RANDOMS = st.randoms(use_true_random=False)
WORDS = st.sampled_from([TRAINING_WORDS, HELD_OUT_WORDS])


def is_label(name: str, isa: Isa = ISA) -> bool:
    return name[0] not in string.digits and accepts(compile_grammar(isa.grammar), "target", name)


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
    labels = {v for v in values if isinstance(v, str)} - set(ISA.registers)
    assert set(ISA.registers) <= set(values)
    assert len(labels) > 500
    assert max(map(len, labels)) > 40
    assert {label.upper() for label in labels} & {opcode.mnemonic for opcode in ISA.opcodes}


def test_held_out_words_are_held_out() -> None:
    """No word of evaluation is a word of training, in whatever case; each is a label."""
    assert not {w.lower() for w in HELD_OUT_WORDS} & {w.lower() for w in TRAINING_WORDS}
    for words in (TRAINING_WORDS, HELD_OUT_WORDS):
        assert len(set(words)) == len(words)
        assert all(is_label(word) for word in words)


@given(RANDOMS, WORDS)
def test_label_names_are_labels(rng: Random, words: tuple[str, ...]) -> None:
    """Every invented name is one that the dialect takes as a label."""
    name = label_name(rng, ISA, words)
    assert 1 <= len(name) <= ISA.label_max_length
    assert is_label(name)


@given(RANDOMS, st.sampled_from([ISA.immediate, ISA.address, (0, 9), (-5, 5), (0, 0)]))
def test_random_integers_stay_in_range(rng: Random, bounds: tuple[int, int]) -> None:
    """Both bounds included, nothing beyond."""
    low, high = bounds
    assert low <= random_integer(rng, low, high) <= high


@pytest.mark.parametrize("bounds", [ISA.immediate, ISA.address], ids=["immediate", "address"])
def test_random_integers_reach_their_bounds(bounds: tuple[int, int]) -> None:
    """The bounds themselves, zero, and every number of digits occur."""
    rng, (low, high) = Random(1), bounds
    drawn = {random_integer(rng, low, high) for _ in range(30_000)}
    assert {low, high, 0} <= drawn
    assert {len(str(abs(value))) for value in drawn} == set(range(1, 11))


@given(RANDOMS, st.integers(0, 2**33), st.booleans())
def test_near_numbers_are_on_their_side(rng: Random, bound: int, above: bool) -> None:
    """Beyond the bound or not, as asked for, never negative, and of its length."""
    number = near(rng, bound, above=above)
    assert number > bound if above else 0 <= number <= bound
    assert len(str(number)) <= len(str(bound)) + (number <= bound + 9)


def test_near_numbers_share_any_number_of_digits() -> None:
    """Every first place of difference occurs, so that every digit must be compared."""
    rng, bound = Random(3), 2147483648
    for above in (False, True):
        shared: Counter[int] = Counter()
        for _ in range(4000):
            pairs = zip(str(near(rng, bound, above=above)), str(bound), strict=False)
            shared[next((i for i, (one, other) in enumerate(pairs) if one != other), 10)] += 1
        assert {place for place, count in shared.items() if count >= 40} >= set(range(10))


@given(RANDOMS, st.integers(*ISA.immediate), st.sampled_from(NOTATIONS[:4]), st.booleans())
def test_integers_read_back(rng: Random, value: int, notation: str, prefixed: bool) -> None:
    """An integer in any notation, with or without prefix, is that integer again."""
    text = operand_text(value, notation, rng, immediate=prefixed)
    assert parse(f"MOV R0, {text}").params.model_dump() == {"dest": "R0", "value": value}


@given(RANDOMS, st.integers(*ISA.address), st.sampled_from(NOTATIONS[:4]))
def test_addresses_read_back(rng: Random, value: int, notation: str) -> None:
    """An address has no sign and no prefix in any notation."""
    text = integer_text(value, notation, rng, sign=False)
    assert text[0] in string.digits
    assert parse(f"JMP {text}").params.model_dump() == {"addr": value}


@pytest.mark.parametrize("code", [*range(32, 127), 0, 9, 10, 13])
def test_characters_read_back(code: int) -> None:
    """Every character literal stands for its code."""
    text = integer_text(code, "character", Random(0))
    assert parse(f"MOV R0, {text}").params.model_dump() == {"dest": "R0", "value": code}


@given(RANDOMS)
def test_separators_separate(rng: Random) -> None:
    """A separator is blanks with one comma at most."""
    text = separator(rng)
    assert text and not text.strip(" \t,")
    assert text.count(",") <= 1
    assert parse(f"CMP R1{text}R2") == parse("CMP R1, R2")
    assert parse(render_operands("CMP", ["R1", "R2"], rng)) == parse("CMP R1, R2")


@given(RANDOMS, st.text(string.ascii_letters + string.digits, min_size=1, max_size=8))
def test_case_is_all_that_mixed_case_changes(rng: Random, name: str) -> None:
    """The letters stay; only their case may change."""
    assert mixed_case(name, rng).lower() == name.lower()


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
