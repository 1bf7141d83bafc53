"""The lenient dialect's examples, their evaluation, and the card that it makes."""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import INVALID, load_set, operation_from_json, operation_to_json
from kvrm_grammar.oracle.reference import parse
from training.cards.lenient import lenient_limits, lenient_results
from training.data.examples import Example
from training.data.lenient import family_examples, generate_lenient, lenient_kind
from training.data.mixed import general_kinds
from training.evaluation import lenient
from training.evaluation.lenient import CLASSES, by_kind, is_swap, risk_and_coverage
from training.evaluation.outcomes import Outcome
from training.texts.lenient.families import FAMILIES, HELD_OUT_FAMILIES
from training.texts.lenient.forms import FORMS
from training.texts.lenient.lexicon import HELD_OUT_LEXICON
from training.texts.lenient.refused import LENIENT_REFUSAL_KINDS
from training.texts.lenient.valid import MANNERS
from training.texts.strict.words import HELD_OUT_WORDS

SUB = operation_to_json(load_set().operation("OP_SUB", {"dest": "R5", "src1": "R3", "src2": "R1"}))
SWAPPED = operation_to_json(
    load_set().operation("OP_SUB", {"dest": "R5", "src1": "R1", "src2": "R3"})
)
REFUSAL = operation_to_json(INVALID)


def test_examples_are_reproducible_and_agree_with_the_parser() -> None:
    """The same seed gives the same; what strict accepts has its strict meaning."""
    examples = list(generate_lenient(400, 3))
    assert list(generate_lenient(400, 3)) == examples
    for example in examples:
        assert operation_to_json(parse(example.text)) in (example.answer, REFUSAL)
    refused = sum(example.answer == REFUSAL for example in examples)
    assert 0.25 < refused / len(examples) < 0.47
    assert sum("strict" in example.kinds for example in examples) > 20


def test_a_kind_can_be_left_out() -> None:
    """Leave-one-kind-out: no text shows it."""
    examples = generate_lenient(300, 4, without=("infix", "english"))
    assert not {"infix", "english"} & {kind for e in examples for kind in e.kinds}


@pytest.mark.parametrize("kind", ["infix", "fullwidth", "too_many"])
def test_texts_of_a_kind_are_different(kind: str) -> None:
    """As many as asked for, each showing the kind."""
    examples = lenient_kind(kind, 40, 1, HELD_OUT_WORDS, HELD_OUT_LEXICON)
    assert len({example.text for example in examples}) == 40
    assert all(kind in example.kinds for example in examples)


def test_every_kind_has_a_class() -> None:
    """N, M or R, as the dialect's table says."""
    general = {"unnamed", "wrapped", "negated", *general_kinds()}
    assert set(CLASSES) == {*FORMS, *MANNERS, *LENIENT_REFUSAL_KINDS, "fullwidth_mixed", *general}
    assert (CLASSES["unnamed"], CLASSES["negated"]) == ("M", "R")
    assert (CLASSES["fullwidth"], CLASSES["fullwidth_mixed"]) == ("N", "M")
    assert CLASSES["english"] == "M"
    assert CLASSES["memory"] == "R"


def test_what_a_rule_normalises_is_evaluated_alone() -> None:
    """Full-width forms of strict instructions are class N; around lenient writing they are M."""
    drawn = lenient.held_out_examples(40, 3)
    for example in drawn["fullwidth"]:
        shown = find_dialect("lenient").read(example.text).visible
        assert shown != example.text
        assert operation_to_json(parse(shown)) == example.answer
    assert len(drawn["fullwidth"]) == len(drawn["fullwidth_mixed"]) == 40
    assert all({"fullwidth"} < set(example.kinds) for example in drawn["fullwidth_mixed"])


def outcome(kind: str, expected: str, answer: str | None, confidence: float = 1.0) -> Outcome:
    return Outcome(Example("text", expected, (kind,)), answer, kind, confidence)


def test_swaps_are_right_operands_in_wrong_places() -> None:
    """Not another operation, not a refusal, not the right answer."""
    assert is_swap(outcome("infix", SUB, SWAPPED))
    other = SUB.replace("OP_SUB", "OP_ADD")
    assert not any(is_swap(outcome("infix", SUB, one)) for one in (SUB, other, REFUSAL, None))


def test_counts_and_thresholds() -> None:
    """Coverage counts what has a meaning, risk counts every answer that is given."""
    outcomes = [
        outcome("infix", SUB, SUB, 0.99),
        outcome("infix", SUB, SWAPPED, 0.6),
        outcome("memory", REFUSAL, SUB, 0.55),
        outcome("memory", REFUSAL, REFUSAL),
    ]
    table = by_kind(outcomes)
    assert table["kinds"]["infix"]["exact"] == 1
    assert table["classes"]["R"]["rate"] == 0.5
    assert table["swaps"] == {"count": 1, "of": 3, "rate": 1 / 3}
    rows = {row["threshold"]: row for row in risk_and_coverage(outcomes)}
    assert (rows[0.0]["coverage"], rows[0.0]["wrong"]) == (1.0, 2)
    assert (rows[0.9]["coverage"], rows[0.9]["right"]) == (0.5, 1.0)


def test_sure_and_wrong() -> None:
    """Instructions that are wrong and sure: not refusals, not what is right or doubtful."""
    outcomes = [
        outcome("infix", SUB, SWAPPED, 0.99),
        outcome("infix", SUB, SWAPPED, 0.97),
        outcome("infix", SUB, REFUSAL, 0.99),
        outcome("memory", REFUSAL, SUB, 0.98),
        outcome("infix", SUB, SUB, 0.99),
    ]
    assert lenient.sure_and_wrong(outcomes) == {"threshold": 0.98, "count": 2, "of": 5}


def test_families_are_counted_apart_from_their_faults() -> None:
    """By name, and of all."""
    outcomes = [
        outcome("dutch", SUB, SUB),
        outcome("dutch", SUB, REFUSAL),
        outcome("dutch, faults", REFUSAL, REFUSAL),
    ]
    table = lenient.by_family(outcomes)
    assert (table["meant"]["exact"], table["meant"]["examples"]) == (1, 2)
    assert table["faults"]["rate"] == 1.0
    assert table["kinds"]["dutch"]["rate"] == 0.5


def test_families_of_each_side() -> None:
    """Training never draws what is held out; a family can be left out."""
    drawn = list(generate_lenient(300, 4, families=1.0, without=("german", "c")))
    names = {kind for e in drawn for kind in e.kinds} & set(FAMILIES)
    assert len(names) > 30
    assert not names & {*HELD_OUT_FAMILIES, "german", "c"}
    held = generate_lenient(100, 4, families=1.0, words=HELD_OUT_WORDS, lexicon=HELD_OUT_LEXICON)
    assert {k for e in held for k in e.kinds} & set(FAMILIES) == set(HELD_OUT_FAMILIES)
    refused = sum("family_fault" in e.kinds for e in drawn)
    assert 90 < refused < 210


def test_an_evaluation_and_its_card(tiny_decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that knows every label is right everywhere, and the card says so."""
    drawn = lenient.held_out_examples(3, 9)
    labels = {example.text: example.answer for own in drawn.values() for example in own}
    labels |= {e.text: e.answer for e in lenient.strict_examples(15, 9)}
    families = family_examples(1, 9, HELD_OUT_FAMILIES, HELD_OUT_WORDS, isa=load_set())
    labels |= {e.text: e.answer for own in families.values() for e in own}

    asked: list[str] = []

    def decode_many(self: Any, texts: Iterable[str], **_: Any) -> Iterator[Decoded]:
        for text in texts:
            asked.append(text)
            yield Decoded(text, operation_from_json(labels[text]), confidence=0.9, passes=1)

    monkeypatch.setattr(Decoder, "from_pretrained", lambda *_, **__: tiny_decoder)
    monkeypatch.setattr(Decoder, "decode_many", decode_many)
    arguments = Namespace(
        adapter=None,
        base=None,
        backend=None,
        precision=None,
        count=3,
        seed=9,
        batch_size=4,
        free=1,
    )
    report = lenient.evaluate_lenient(arguments)
    assert {row["rate"] for row in report["arms"]["grounded"]["classes"].values()} == {1.0}
    assert report["strict"]["examples"] == 15
    texts = sum(map(len, drawn.values()))
    assert (report["mean_passes"], report["mean_passes_of"]) == (1.0, texts)
    several = sum(map(len, families.values()))
    assert several == 2 * len(HELD_OUT_FAMILIES) >= 14
    # Grounded, schema; no text is decoded again for its passes.
    assert len(asked) == 2 * texts + 15 + several
    assert report["families"]["grounded"]["meant"]["rate"] == 1.0
    assert report["families"]["grounded"]["faults"]["examples"] == len(HELD_OUT_FAMILIES)
    assert 0 < report["arms"]["draft"]["classes"]["M"]["rate"] < 1.0
    assert report["arms"]["base"]["kinds"]["infix"]["examples"] == 1
    assert report["sure_and_wrong"] == {"threshold": 0.98, "count": 0, "of": texts + 15 + several}
    assert report["failures"] == []
    assert report["arms"]["parser"]["classes"]["R"]["rate"] == 1.0
    assert report["arms"]["free"]["kinds"]["infix"]["examples"] == 1
    lenient.print_lenient(report)
    card = lenient_results(report) + lenient_limits()
    assert "| infix | M | 3 | 100.0% |" in card
    assert "Silent operand swaps: 0 of" in card
    assert f"- Mean passes: 1.00, over all {texts} texts" in card
