"""Phrases in other words: they write what they wrote, and evaluation's are not among them."""

import re
from random import Random

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import InstructionSet, load_set, operation_to_json, packaged_sets
from kvrm_grammar.language.candidates import Candidates
from training.texts.any_set.meaning import phrasebook
from training.texts.any_set.variants import any_variant
from training.texts.lenient.lexicon import HELD_OUT_LEXICON, TRAINING_LEXICON
from training.texts.lenient.spelling import any_of, ways_of
from training.texts.lenient.valid import lenient_variant
from training.texts.wordings import NO_OTHER_WORDS, Wordings, read_rules

SAID = [
    isa
    for isa in map(load_set, packaged_sets())
    if isa.dialect_data is not None and lenient_data(isa).phrases
]
SLOT = re.compile(r"\{(\w+)\}")


def drawn(isa: InstructionSet, rng: Random) -> str:
    """A template of what training says: a phrase, one put together, or another machine's."""
    book = phrasebook(isa)
    kind = rng.randrange(3)
    if kind == 0 and book.compositions:
        composition = rng.choice(book.compositions)
        expressions = rng.choice([*composition.expressions.values()])
        return any_of([rng.choice(composition.frames).replace("{x}", rng.choice(expressions))], rng)
    if kind == 1:
        return any_of([rng.choice(book.others)], rng)
    return any_of([rng.choice(rng.choice([*book.phrases.values()]))], rng)


def by_name(isa: InstructionSet) -> str:
    return isa.name


def test_there_is_a_set_to_test() -> None:
    """One set at least says something in English from its data."""
    assert SAID


@pytest.mark.parametrize("isa", SAID, ids=by_name)
def test_other_words_write_the_same_operands(isa: InstructionSet) -> None:
    """Each operand once more, none twice; most phrases can be said otherwise."""
    rng, wordings, told = Random(71), phrasebook(isa).wordings, 0
    for _ in range(6_000):
        template = drawn(isa, rng)
        other = wordings.said(template, rng)
        assert sorted(SLOT.findall(other)) == sorted(SLOT.findall(template)), (template, other)
        assert "  " not in other and ",," not in other, (template, other)
        told += other != template
    assert told > 1_500


@pytest.mark.parametrize("isa", SAID, ids=by_name)
def test_every_rule_is_of_use(isa: InstructionSet) -> None:
    """A rule that fits nothing is a mistake in its pattern."""
    rng, rules = Random(72), {*phrasebook(isa).wordings.rules}
    assert len(rules) == len(read_rules(lenient_data(isa).destination)) > 40
    for _ in range(60_000):
        template = drawn(isa, rng)
        rules -= {rule for rule in rules if rule.fits(template)}
        if not rules:
            break
    assert not rules


@pytest.mark.parametrize("isa", SAID, ids=by_name)
def test_evaluation_is_said_by_evaluation_alone(isa: InstructionSet) -> None:
    """It says everything as it is written, and no rule makes what it says."""
    assert phrasebook(isa, held_out=True).wordings is NO_OTHER_WORDS
    data, rng = lenient_data(isa), Random(73)
    held_out = {
        way for texts in data.held_out_phrases.values() for t in texts for way in ways_of(t)
    }
    assert held_out and held_out <= phrasebook(isa).wordings.kept
    made = {phrasebook(isa).wordings.said(drawn(isa, rng), rng) for _ in range(20_000)}
    assert not made & held_out


def test_what_is_kept_is_not_made() -> None:
    """A rule that would make it leaves the phrase as it was."""
    rules = read_rules("d")
    template, rng = "put {a} in {d}", Random(74)
    free = {Wordings(rules, frozenset()).said(template, rng) for _ in range(400)}
    assert len(free) > 10 and template in free
    kept = frozenset(free - {template})
    assert {Wordings(rules, kept).said(template, rng) for _ in range(400)} & kept == set()


@pytest.mark.parametrize("isa", SAID, ids=by_name)
def test_the_right_answer_stays_in_the_language(isa: InstructionSet) -> None:
    """Other words imply what the set's own did: a return address, a zero, an offset of none."""
    book, rng, dialect = phrasebook(isa), Random(75), find_dialect("lenient", isa)
    candidates, seen = Candidates(isa, dialect.shorthand), 0
    while seen < 1_200:
        variant = any_variant(rng, isa, book, kind="english")
        if {*variant.kinds} - {"english", "plain"}:
            continue
        answer = operation_to_json(variant.operation)
        assert answer in candidates.of(dialect.read(variant.text).mentions), variant.text
        seen += 1


def test_the_first_set_says_its_own_in_other_words() -> None:
    """Whose phrases stand in lexicons: the same operands, nothing held out, the answer there."""
    rng, isa = Random(76), load_set()
    lexicon, other = TRAINING_LEXICON, HELD_OUT_LEXICON
    assert other.wordings is NO_OTHER_WORDS
    templates = [t for texts in lexicon.phrases.values() for t in texts]
    held_out = {way for texts in other.phrases.values() for t in texts for way in ways_of(t)}
    told = 0
    for _ in range(8_000):
        template = any_of([rng.choice(templates)], rng)
        said = lexicon.wordings.said(template, rng)
        assert sorted(SLOT.findall(said)) == sorted(SLOT.findall(template)), (template, said)
        assert said == template or said not in held_out
        told += said != template
    assert told > 500
    dialect = find_dialect("lenient", isa)
    candidates, seen = Candidates(isa, dialect.shorthand), 0
    while seen < 1_500:
        variant = lenient_variant(rng, isa, kind="english")
        if variant.kinds == ("english",):
            answer = operation_to_json(variant.operation)
            assert answer in candidates.of(dialect.read(variant.text).mentions), variant.text
            seen += 1
