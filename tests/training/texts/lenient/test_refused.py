"""lenient_refusals.py: near misses of every kind, none of them an instruction."""

import re
from collections import Counter
from functools import cache
from random import Random

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import INVALID, load_set
from kvrm_grammar.oracle.reference import parse
from training.texts.lenient.lexicon import HELD_OUT_LEXICON, TRAINING_LEXICON
from training.texts.lenient.listed import says_an_instruction
from training.texts.lenient.refused import LENIENT_REFUSAL_KINDS, lenient_refusal
from training.texts.lenient.spelling import operations_near
from training.texts.strict.words import HELD_OUT_WORDS, TRAINING_WORDS

ISA = load_set()
SIDES = ((TRAINING_WORDS, TRAINING_LEXICON), (HELD_OUT_WORDS, HELD_OUT_LEXICON))


@cache
def drawn(kind: str) -> tuple[str, ...]:
    rng = Random(kind)
    return tuple(
        lenient_refusal(rng, ISA, *SIDES[number % 2], kind=kind).text for number in range(150)
    )


@pytest.mark.parametrize("kind", LENIENT_REFUSAL_KINDS)
def test_the_strict_dialect_refuses_them_too(kind: str) -> None:
    """Everything strict accepts means the same here, so nothing that is refused is strict."""
    accepted = [text for text in drawn(kind) if parse(text[:256]) != INVALID]
    assert accepted == []


@pytest.mark.parametrize("kind", LENIENT_REFUSAL_KINDS)
def test_kinds_are_manifold(kind: str) -> None:
    """Apart from empty lines, hardly a text comes twice."""
    assert len(set(drawn(kind))) > (8 if kind == "empty" else 100)


def test_all_kinds_are_drawn() -> None:
    """Each with its weight, none rare."""
    rng = Random(3)
    kinds = Counter(lenient_refusal(rng, ISA).kind for _ in range(4000))
    assert set(kinds) == set(LENIENT_REFUSAL_KINDS)
    assert min(kinds.values()) > 20


def test_an_ambiguous_word_is_the_only_fault() -> None:
    """With one of the operations that it is near in its place, the rest is an instruction."""
    dialect = find_dialect("lenient")
    for text in (dialect.read(text).visible for text in drawn("ambiguous")):
        found = [(one, operations_near(one[0].lower())) for one in re.finditer("[A-Za-z]+", text)]
        mended = [
            text[: one.start()] + mnemonic + text[one.end() :]
            for one, near in found
            if len(near) > 1
            for mnemonic in near
        ]
        assert any(says_an_instruction(one) for one in mended), text


def test_near_misses_are_among_them() -> None:
    """Three sources in English, a constant in infix, an ambiguous name, a memory operand."""
    everything = "\n".join(text.lower() for kind in LENIENT_REFUSAL_KINDS for text in drawn(kind))
    for part in (" into ", " = ", "[", "push", "if ", "select", "\u200b", "src1=", "1e", "answer"):
        assert part in everything, part


def test_the_fault_alone_tells() -> None:
    """Else they are spelled, named, spoken and marked as right texts are."""
    rng = Random(6)

    def among(kind: str, *patterns: str) -> None:
        texts = [lenient_refusal(rng, ISA, kind=kind).text for _ in range(2_500)]
        for pattern in patterns:
            assert any(re.search(pattern, text) for text in texts), (kind, pattern)

    among(
        "too_many",
        r"(?i)[0-9a-f]h\b",
        r"[=#]-?[0-9]",
        "%[01]+",
        r",,|, ,",
        r"(?i)\b(?:mov|add|sub|mul|cmp|inc)r[0-7][, ]",
    )
    among("too_few", "OP_[A-Z]+", r"\A\.[a-z]", r"(?i)\b(?:lhs|rd|s1)[=:]", r"/\*|@ |\(\w+ ")
    among(
        "wrong_kind", "(?i)please|could you", r"(?i)\badd (?:[2-9]|two|three)\b", "(?i)lower r[0-7]"
    )
    among("bad_names", r"(?i)\b(?:dst|to|d)[=:]", r": ?r[0-7]")
    among("record_fault", r'"(?:params|args|operands)": ?\{', "OP_")
    among("out_of_range", "0o[0-7]", "0b1", r"\$[0-9a-f]{6}", "(?i)j[a-z]+ 0x")
    among("unknown_operation", r"= ?[-~!]", r">>|\*\*", "(?i)(?:halt|stop).* (?:if|when) ")


@pytest.mark.parametrize(
    "text",
    ["dec r3", "LOOP dec r3", "x: dec r3", "loop stop", "r1 += 1", "r1 = r1 + 1", "r1 := r1 - 1",
     "mov 5, r1", "li #5 r1", "sub r5 r3", "mvo r1, 5", "incremnet r2", "JMPNZ x", "mul $1, $2, $3",
     "halt -- here", "mov r1, 5 (count)", "cmp r1 /* and */ r2",
     "jmp $7fffffff", "mov r1, -0ffh", "mov r1, %101",
     "add register 1 r2 r3"],
)  # fmt: skip
def test_what_is_read_is_no_fault(text: str) -> None:
    """Rules find plain instructions, so that no fault repairs itself."""
    assert says_an_instruction(text)


@pytest.mark.parametrize(
    "text",
    ["dec r9", "loop main dec r3", "and dec r3", "never halt", "r1 += 2", "r1 = r2 + 1", "mov 5, 6",
     "mov 5 r9", "add 5, r1, r2", "cmp 3, r1", "add $9, $1, $2", "sub r5 -- r3 r1", "LOOP dec",
     "dec\nr3", "", "mov r1, 3000000000", "mov r1, 1,000", "jmp r3", "jmp $80000000",
     "mov r1, 0ffffffffh", "jmp 1b", "LOOP jsr f"],
)  # fmt: skip
def test_what_is_refused_stays_a_fault(text: str) -> None:
    """Of every row some near misses."""
    assert not says_an_instruction(text)


@pytest.mark.parametrize("kind", LENIENT_REFUSAL_KINDS)
def test_no_fault_repairs_itself(kind: str) -> None:
    """Whatever stands around it."""
    if kind not in ("hidden", "several"):
        assert [text for text in drawn(kind) if says_an_instruction(text)] == []


def test_other_operations_are_those_of_the_side() -> None:
    """Alone, with operands, in records and listings: one of the side's own is in each text."""
    rng = Random(5)
    for words, lexicon in SIDES:
        for _ in range(300):
            text = lenient_refusal(rng, ISA, words, lexicon, kind="other_operation").text.lower()
            found = {*re.findall("[a-z][a-z0-9]*", text.replace("op_", ""))}
            assert found & {*lexicon.operations}, text


def test_other_operations_are_often_near_to_ours() -> None:
    """``jsr f`` is no ``js f``: what would be a typing error, were it no name."""
    rng, near = Random(7), {word for word in TRAINING_LEXICON.operations if operations_near(word)}
    texts = [lenient_refusal(rng, ISA, kind="other_operation").text.lower() for _ in range(1_000)]
    shown = [{*re.findall("[a-z][a-z0-9]*", text)} & near for text in texts]
    assert sum(map(bool, shown)) > 400 and len({word for words in shown for word in words}) > 40


def test_a_word_that_is_a_command_is_no_prose() -> None:
    """``exit`` alone ends the program in English, so a word list with it must not make it prose."""
    words, rng, isa = ("exit", "stop", "idle", "walrus"), Random(8), load_set()
    texts = [lenient_refusal(rng, isa, words, kind="prose").text.lower() for _ in range(30000)]
    assert "walrus" in texts
    assert {"exit", "stop", "idle"}.isdisjoint(texts)


def test_the_same_seed_gives_the_same_texts() -> None:
    """Nothing but the generator, the words and the lexicon decide."""
    runs = []
    for seed, side in ((4, 0), (4, 0), (5, 0), (4, 1)):
        rng = Random(seed)
        runs.append([lenient_refusal(rng, ISA, *SIDES[side]).text for _ in range(60)])
    assert runs[0] == runs[1]
    assert runs[0] not in (runs[2], runs[3])
