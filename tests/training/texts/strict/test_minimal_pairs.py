"""Minimal pairs: an instruction and its neighbour one step away, where a character decides."""

import re
from collections import Counter
from difflib import SequenceMatcher
from functools import cache
from random import Random

import pytest

from kvrm_grammar.dialects.lenient.words import one_edit_from
from kvrm_grammar.isa import INVALID, InstructionSet, load_set
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, explain, parse
from tests.sets import every_set
from training.texts.strict import minimal_pairs
from training.texts.strict.minimal_pairs import BOTH_VALID, minimal_pair
from training.texts.strict.refused import REFUSAL_KINDS, Candidate
from training.texts.strict.spelling import NOTATIONS

ISA = load_set()


@cache
def pairs() -> tuple[tuple[Candidate, Candidate], ...]:
    rng = Random(7)
    return tuple(minimal_pair(rng, ISA) for _ in range(3000))


def test_the_first_is_valid_and_the_second_mostly_refused() -> None:
    """But for the kinds of which both are instructions."""
    refused = 0
    for valid, neighbour in pairs():
        assert valid.kind == neighbour.kind
        assert parse(valid.text[:256]) != INVALID
        if valid.kind in BOTH_VALID:
            assert parse(neighbour.text[:256]) != INVALID
        else:
            refused += parse(neighbour.text[:256]) == INVALID
    others = sum(valid.kind not in BOTH_VALID for valid, _ in pairs())
    assert refused > 0.83 * others


def test_the_two_are_near() -> None:
    """They have most of their characters in common."""
    ratios = [
        SequenceMatcher(None, valid.text.lower(), neighbour.text.lower()).ratio()
        for valid, neighbour in pairs()
        if valid.kind not in BOTH_VALID
    ]
    assert sum(ratio > 0.5 for ratio in ratios) > 0.6 * len(ratios)


def test_kinds_are_those_of_the_refusals_and_the_valid_ones() -> None:
    """The name of the operation comes most, for grounding cannot know it."""
    kinds = Counter(valid.kind for valid, _ in pairs())
    assert set(kinds) <= {*REFUSAL_KINDS, *BOTH_VALID, "bare", "neighbour"}
    assert set(kinds) >= {*BOTH_VALID, "bare", "stray"}
    assert kinds.most_common(1)[0][0] == "mnemonic"
    valid_pairs = sum(kinds[kind] for kind in BOTH_VALID)
    assert 0.1 < valid_pairs / len(pairs()) < 0.4


def test_out_of_range_pairs_differ_by_the_bound() -> None:
    """One number just inside the bounds, one beyond them: nothing else decides."""
    found = [pair for pair in pairs() if pair[0].kind == "out_of_range"]
    assert len(found) > 20
    for valid, neighbour in found:
        assert parse(valid.text) != INVALID
        assert "outside" in (explain(neighbour.text).reason or "") or "-" in neighbour.text


@pytest.mark.parametrize("kind", ["literals", "in_range", "out_of_range", "bad_literal", "plain"])
@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
def test_the_first_of_a_pair_is_an_instruction_of_every_set(
    isa: InstructionSet, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With numbers in its range, in its steps and in its notations."""
    monkeypatch.setattr(minimal_pairs, "_WEIGHTS", {kind: 1})
    rng = Random(14)
    for _ in range(150):
        valid, other = minimal_pair(rng, isa)
        assert len(valid.text) > MAX_LINE_LENGTH or parse(valid.text, isa) != INVALID, valid
        if kind in BOTH_VALID:
            assert len(other.text) > MAX_LINE_LENGTH or parse(other.text, isa) != INVALID, other


def test_pairs_of_literals_have_all_notations() -> None:
    """Short numbers in every notation stand beside each other."""
    texts = [c.text for pair in pairs() if pair[0].kind == "literals" for c in pair]
    for mark in ("0x", "0b", "0o", "'"):
        assert sum(mark in text.lower() for text in texts) > len(texts) / (3 * len(NOTATIONS))


@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
def test_names_alone_and_stray_words_in_every_set(isa: InstructionSet) -> None:
    """The first is an instruction; the second has a word more, or is another word alone."""
    rng, seen = Random(3), Counter[tuple[str, bool]]()
    for _ in range(800):
        valid, neighbour = minimal_pair(rng, isa)
        if valid.kind not in ("bare", "stray") or len(neighbour.text) > MAX_LINE_LENGTH:
            continue
        assert parse(valid.text, isa) != INVALID, valid
        assert valid.text.lower() != neighbour.text.lower()
        seen[valid.kind, parse(neighbour.text, isa) == INVALID] += 1
    alone = any(not form.operands for opcode in isa.opcodes for form in opcode.forms)
    assert (seen["bare", True] > 20) == alone
    assert seen["stray", True] > 4 * seen["stray", False]


def test_a_register_stands_where_a_number_must(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a number or a label where a register must."""
    monkeypatch.setattr(minimal_pairs, "_WEIGHTS", {"wrong_kind": 1})
    rv32im, rng, swapped = load_set("rv32im"), Random(9), Counter[tuple[bool, bool]]()
    registers = {word.lower() for word in rv32im.spellings}
    for _ in range(1500):
        valid, neighbour = minimal_pair(rng, rv32im)
        assert parse(valid.text, rv32im) != INVALID, valid
        reason = explain(neighbour.text, rv32im).reason or ""
        if found := re.search(r"takes (.+) as operand \d, got (.+)", reason):
            swapped[found[1] == "a register", found[2].lower() in registers] += 1
    assert swapped[False, True] > 50 and swapped[True, False] > 50


def test_a_number_below_zero_stands_beside_a_zero_with_a_minus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where nothing below zero is in range: ``srli a0, a1, -0``, and ``-1`` is refused."""
    monkeypatch.setattr(minimal_pairs, "_WEIGHTS", {"out_of_range": 1})
    monkeypatch.setattr(minimal_pairs, "_SIGNED_ZERO", 1)
    rv32im, rng, refused = load_set("rv32im"), Random(11), Counter[bool]()
    for _ in range(300):
        first, second = minimal_pair(rng, rv32im)
        if re.search(r"-(0[xXbB])?0+$", first.text) is None:
            continue
        assert parse(first.text, rv32im) != INVALID, first
        refused[parse(second.text, rv32im) == INVALID] += 1
    assert refused[True] > 50 and not refused[False]


def test_a_neighbour_takes_other_operands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name one edit away, with what the first one takes: ``slli a0, a1, a2``."""
    monkeypatch.setattr(minimal_pairs, "_WEIGHTS", {"neighbour": 1})
    rv32im, rng, seen = load_set("rv32im"), Random(12), Counter[tuple[str, str]]()
    refused = 0
    for _ in range(2000):
        valid, other = minimal_pair(rng, rv32im)
        if valid.kind != "neighbour":
            continue
        assert parse(valid.text, rv32im) != INVALID, valid
        first, second = (re.split(r"[ \t(]", c.text)[0].upper() for c in (valid, other))
        assert one_edit_from(first, [second]) == [second]
        seen[first, second] += 1
        refused += parse(other.text, rv32im) == INVALID
    assert {("SLL", "SLLI"), ("BLE", "BLEZ"), ("BEQZ", "BEQ"), ("SLT", "SLTI")} <= {*seen}
    assert refused > 0.8 * seen.total() > 400


def test_of_few_neighbours_few_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """KVRM has ``cmp`` and ``jmp``; a set without any has other pairs in their place."""
    monkeypatch.setattr(minimal_pairs, "_WEIGHTS", {"neighbour": 1, "plain": 1})
    rng = Random(13)
    kinds = Counter(minimal_pair(rng, ISA)[0].kind for _ in range(300))
    assert 5 < kinds["neighbour"] < 100 < kinds["plain"]
    without = [isa for isa in every_set() if not minimal_pairs._with_neighbours(isa)]
    for isa in without:
        assert {minimal_pair(rng, isa)[0].kind for _ in range(20)} == {"plain"}
    assert without


def test_a_zero_at_the_edge_may_have_a_minus(monkeypatch: pytest.MonkeyPatch) -> None:
    """``srli a0, a1, -0`` is an instruction; where a minus makes none, there is none."""
    monkeypatch.setattr(minimal_pairs, "_WEIGHTS", {"edges": 1})
    rv32im, rng = load_set("rv32im"), Random(10)
    texts = [c.text for _ in range(1500) for c in minimal_pair(rng, rv32im)]
    minus = [text for text in texts if re.search(r"-0(?![0-9xXbBoO])", text)]
    assert len(minus) > 20
    assert all(parse(text, rv32im) != INVALID for text in minus)


@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
def test_edges_are_of_every_form_of_every_set(
    isa: InstructionSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are instructions, and forms come alike."""
    monkeypatch.setattr(minimal_pairs, "_WEIGHTS", {"edges": 1})
    rng, seen = Random(5), Counter[str]()
    forms = [form for opcode in isa.opcodes for form in opcode.forms if form.operands]
    while seen.total() < 60 * len(forms):
        for candidate in minimal_pair(rng, isa):
            assert parse(candidate.text, isa) != INVALID, candidate
            seen[re.split(r"[ \t(]", candidate.text)[0].upper()] += 1
    names = Counter(form.mnemonic.upper() for form in forms)
    assert {*seen} == {*names}
    for name, count in names.items():
        assert seen[name] > 10 * count
