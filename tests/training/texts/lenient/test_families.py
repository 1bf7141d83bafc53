"""Families of unnamed notation: what they say can be read, what they refuse is wrong."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from random import Random

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import INVALID, load_set
from training.data.lenient import lenient_example
from training.texts.lenient.families import (
    FAMILIES,
    HELD_OUT_FAMILIES,
    TRAINING_FAMILIES,
    family_fault,
    family_variant,
)
from training.texts.lenient.families.family import FAULT, OPERANDS, OTHER, decided, slots_of
from training.texts.lenient.families.faults import MECHANISMS
from training.texts.lenient.families.making import draft
from training.texts.strict.valid import Variant
from training.texts.strict.words import HELD_OUT_WORDS, TRAINING_WORDS

ISA = load_set()
DIALECT = find_dialect("lenient")
KEYS = [o.key.removeprefix("OP_") for o in ISA.opcodes if o.key != INVALID.key]
EACH = pytest.mark.parametrize("family", FAMILIES)
SEEDS = pytest.mark.parametrize("seed", range(4))


def variants(family: str, seed: str, words: Sequence[str] = TRAINING_WORDS) -> Iterator[Variant]:
    rng = Random(f"{family} {seed}")
    while True:
        variant = family_variant(rng, ISA, family, words)
        if variant is not None:
            yield variant


@cache
def skeletons(family: str) -> frozenset[str]:
    """Texts with the operands' places left open: words and choices decided at random."""
    rng, one = Random(family), FAMILIES[family]
    return frozenset(
        re.sub(r"[ .]+", " ", decided(template, one, key, rng).lower()).strip()
        for key, templates in one.templates.items()
        for template in templates
        for _ in range(40)
    )


def letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def test_families_of_every_group_are_held_out() -> None:
    """At least seven whole families, and none is on both sides."""
    groups = {FAMILIES[name].group for name in HELD_OUT_FAMILIES}
    assert groups == {one.group for one in FAMILIES.values()}
    assert groups == {"markup", "code", "mathematics", "language", "speech"}
    assert len(HELD_OUT_FAMILIES) >= 7
    assert len(TRAINING_FAMILIES) >= 17
    assert not {*HELD_OUT_FAMILIES} & {*TRAINING_FAMILIES}
    assert {*HELD_OUT_FAMILIES, *TRAINING_FAMILIES} == {*FAMILIES}


@EACH
def test_every_operation_is_covered(family: str) -> None:
    """And no template is of an operation that the set lacks."""
    assert sorted(FAMILIES[family].templates) == sorted(KEYS)
    assert all(FAMILIES[family].templates.values())


@EACH
def test_the_places_of_a_template_are_those_of_its_operation(family: str) -> None:
    """A template without the first source writes over the destination."""
    one, rng = FAMILIES[family], Random(0)
    operands = {o.key.removeprefix("OP_"): {p.name for p in o.operands} for o in ISA.opcodes}
    for key, templates in one.templates.items():
        for template in templates:
            slots = {*slots_of(decided(template, one, key, rng))}
            assert slots <= OPERANDS
            missing = {"src1"} if "src2" in operands[key] and "dest" in operands[key] else set()
            assert operands[key] - missing <= slots <= operands[key], (key, template)


@EACH
def test_what_a_text_means_stands_in_it(family: str) -> None:
    """Every operand is among the mentions, and nothing of the text is cut off but its end."""
    rng, seen = Random(family), 0
    for _ in range(400):
        made = draft(rng, ISA, family, TRAINING_WORDS)
        variant = family_variant(rng, ISA, family, TRAINING_WORDS)
        assert made is not None
        if variant is None:
            continue
        seen += 1
        assert variant.kinds == ("family", family)
        assert "\n" not in variant.text and len(variant.text) <= 256
        reading = DIALECT.read(variant.text)
        opcode = next(o for o in ISA.opcodes if o.key == variant.operation.key)
        values = variant.operation.params.model_dump()
        for operand in opcode.operands:
            mentions = reading.mentions[operand.domain] or ()
            assert json.dumps(values[operand.name]) in mentions, variant.text
        shown = letters(reading.visible)
        # Rules take off a line number in front, and what is behind a semicolon.
        whole = letters(variant.text.split(";")[0].lstrip("0123456789 "))
        assert shown.lstrip("0123456789").startswith(whole.lstrip("0123456789")), variant.text
        assert reading.label is None
    assert seen > 300


@SEEDS
def test_no_text_is_an_instruction_of_the_strict_dialect_with_another_meaning(seed: int) -> None:
    """``lenient_example`` raises where one is."""
    made, words = 0, HELD_OUT_WORDS if seed % 2 else TRAINING_WORDS
    for family in FAMILIES:
        for variant in islice(variants(family, f"strict {seed}", words), 80):
            example = lenient_example(variant.text, variant.operation, variant.kinds, ISA)
            assert example is not None
            made += 1
    assert made == 80 * len(FAMILIES)


def test_no_text_has_two_meanings() -> None:
    """What one family says, no other family says of another operation."""
    found: dict[str, tuple[str, str]] = {}
    for family in FAMILIES:
        for variant in islice(variants(family, "meanings"), 400):
            answer = variant.operation.model_dump_json()
            text = variant.text.lower().rstrip(".!; ")
            other = found.setdefault(text, (answer, family))
            if "addr" not in answer:
                assert other[0] == answer, (variant.text, family, other)


def test_held_out_and_training_families_share_no_template() -> None:
    """With words and choices decided; ``{jump} {addr}`` alone says nothing."""
    for held_out in HELD_OUT_FAMILIES:
        assert len(skeletons(held_out)) > 80
        for training in TRAINING_FAMILIES:
            assert skeletons(held_out) & skeletons(training) == set(), (held_out, training)


@EACH
def test_every_family_has_faults(family: str) -> None:
    """Those of its own, by hand, and all that are made from templates."""
    one, rng = FAMILIES[family], Random(family)
    assert len(one.faults) >= 14
    for template in one.faults:
        assert {*slots_of(decided(template, one, OTHER, rng))} <= FAULT, template
    for mechanism in MECHANISMS:
        drawn = {
            fault.text
            for _ in range(20)
            if (fault := family_fault(rng, ISA, family, TRAINING_WORDS, mechanism=mechanism))
        }
        assert len(drawn) >= 5, mechanism


@EACH
def test_a_fault_is_no_valid_text(family: str) -> None:
    """Not of the strict dialect, not with its fault cut off, and not what a family says."""
    rng, seen = Random(family), 0
    said = {DIALECT.read(v.text).visible.lower() for v in islice(variants(family, "said"), 800)}
    for _ in range(400):
        fault = family_fault(rng, ISA, family, TRAINING_WORDS)
        if fault is None:
            continue
        seen += 1
        assert fault.kind == "family_fault"
        assert "\n" not in fault.text and len(fault.text) <= 256
        assert lenient_example(fault.text, INVALID, ("refusal", fault.kind), ISA) is not None
        reading = DIALECT.read(fault.text)
        assert reading.label is None, fault.text
        assert reading.visible.lower() not in said, fault.text
        whole = letters(re.sub(r";[ \w]*;?$", "", fault.text).lstrip("0123456789 "))
        shown = letters(reading.visible).lstrip("0123456789")
        assert shown.startswith(whole.lstrip("0123456789")), fault.text
    assert seen > 300


def test_a_word_in_a_numbers_place_is_no_number() -> None:
    """``r1 = twelve`` is 12, and ``r1 = null`` may be 0: neither is a word of a wrong kind."""
    rng, words = Random(5), ("twelve", "null", "kelp")
    drawn = [
        family_fault(rng, ISA, family, words, mechanism="wrong_kind")
        for family in FAMILIES
        for _ in range(40)
    ]
    texts = [fault.text.lower() for fault in drawn if fault is not None]
    assert sum("kelp" in text for text in texts) > 20
    assert not [text for text in texts if re.search(r"= ?(?:twelve|null)\b", text)]


@EACH
def test_a_seed_means_the_same_texts(family: str) -> None:
    """The same draws, the same texts."""
    first, second = (list(islice(variants(family, "seed"), 20)) for _ in range(2))
    assert first == second


def test_what_stands_behind_letters_has_no_blank() -> None:
    """``cpu.setr3(44)`` names a register, ``cpu.setregister 3(44)`` none."""
    glued = [
        made
        for made in (draft(Random(seed), ISA, "java", TRAINING_WORDS) for seed in range(4_000))
        if made is not None and re.search(r"[A-Za-z]\{", made.template)
    ]
    assert glued and not any(" " in text for made in glued for text in made.texts.values())
