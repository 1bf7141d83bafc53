"""lenient.py and its forms: texts whose meaning is known by their making, of every kind."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS, number_words, one_edit_from
from kvrm_grammar.errors import LineTooLongError
from kvrm_grammar.isa import INVALID, load_set
from kvrm_grammar.oracle.reference import parse
from tests.kvrm import REGISTERS
from training.texts.lenient.context import bare_label, is_bare_label
from training.texts.lenient.forms import FORMS, draw_meaning, write_form
from training.texts.lenient.lexicon import HELD_OUT_LEXICON, TRAINING_LEXICON, Lexicon
from training.texts.lenient.spelling import (
    Speller,
    any_of,
    fullwidth,
    is_name,
    operations_near,
    phrase,
    typing_error,
)
from training.texts.lenient.valid import MANNERS, lenient_variant, residue
from training.texts.strict.valid import Variant
from training.texts.strict.words import HELD_OUT_WORDS, TRAINING_WORDS

ISA = load_set()
OTHER_OPERATIONS, SYNONYMS = lenient_data(ISA).other_operations, lenient_data(ISA).synonyms
KINDS = (*FORMS, *MANNERS)
RANDOMS = st.randoms(use_true_random=False)
SIDES = ((TRAINING_WORDS, TRAINING_LEXICON), (HELD_OUT_WORDS, HELD_OUT_LEXICON))


@cache
def drawn(kind: str) -> tuple[Variant, ...]:
    rng = Random(kind)
    return tuple(lenient_variant(rng, ISA, *SIDES[number % 2], kind=kind) for number in range(60))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_asked_for(kind: str) -> None:
    """Each text shows the kind; its kinds are known, ordered, and plain stands alone."""
    for variant in drawn(kind):
        assert kind in variant.kinds
        assert set(variant.kinds) <= set(KINDS)
        assert list(variant.kinds) == sorted(variant.kinds)
        assert "plain" not in variant.kinds or variant.kinds == ("plain",)


@given(RANDOMS, st.sampled_from(SIDES))
def test_what_the_strict_dialect_accepts_means_the_same(
    rng: Random, side: tuple[tuple[str, ...], Lexicon]
) -> None:
    """No text is an instruction of the strict dialect with another meaning."""
    variant = lenient_variant(rng, ISA, *side)
    if len(variant.text) <= 256:
        assert parse(variant.text) in (INVALID, variant.operation)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "plain"])
def test_the_parser_follows_none_of_them(kind: str) -> None:
    """That is what the model is for: hardly a text of any kind is strict."""
    strict = sum(parse(variant.text[:256]) != INVALID for variant in drawn(kind))
    assert strict <= 3


def test_everything_combines_and_everything_occurs() -> None:
    """All kinds, all opcodes, pairs of kinds; comments and label definitions around them."""
    rng = Random(8)
    variants = [lenient_variant(rng, ISA) for _ in range(4000)]
    kinds = Counter(kind for variant in variants for kind in variant.kinds)
    assert set(kinds) == set(KINDS)
    assert {variant.operation.key for variant in variants} == {o.key for o in ISA.opcodes}
    pairs = Counter(variant.kinds for variant in variants if len(variant.kinds) > 1)
    assert len(pairs) > 40
    assert sum("english" in pair and "residue" in pair for pair in pairs.elements()) > 20
    assert any(";" in v.text and "english" in v.kinds for v in variants)


def test_the_same_seed_gives_the_same_texts() -> None:
    """Nothing but the generator, the words and the lexicon decide."""
    runs = []
    for seed, side in ((4, 0), (4, 0), (5, 0), (4, 1)):
        rng = Random(seed)
        runs.append([lenient_variant(rng, ISA, *SIDES[side]).text for _ in range(60)])
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert runs[0] != runs[3]


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("infix", r"=|<-|\+\+|--"),
        ("call", r"\("),
        ("arrow", "->"),
        ("named", "[=:]"),
        ("increment", r"=.*1|<-.*1"),
        ("arrows", "[←⟵≔→⟶−×]|<--|-->"),
        ("record", "[{=]"),
        ("dollar", r"\$"),
        ("register_spelling", r"[%$]|reg|r "),
        ("fullwidth", "[\uff01-\uff5e]"),
        ("immediate", "[=$%hH_\u2212]|- "),
    ],
)
def test_kinds_look_like_their_name(kind: str, pattern: str) -> None:
    """What makes a text of a kind is in the text."""
    for variant in drawn(kind):
        shown = variant.text + find_dialect("lenient").read(variant.text).visible
        assert re.search(pattern, shown, re.IGNORECASE), variant.text


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("remark", r"\(.*\)|/\*.*\*/|-- |@ "),
        ("listing", r"(?:0x)?[0-9a-f]+:?\s"),
        ("bare_label", r"[a-z][a-z0-9_]*\s"),
        ("reversed", r"[a-z]+\s.*[\d'].*r"),
    ],
)
def test_what_stands_around_is_in_the_raw_text(kind: str, pattern: str) -> None:
    """Rules may take it off before the model sees the text."""
    for variant in drawn(kind):
        shown = unicodedata.normalize("NFKC", variant.text)
        assert re.search(pattern, shown, re.IGNORECASE), variant.text


def test_a_step_is_of_one_register() -> None:
    """Assigned to itself, plus or minus one."""
    for variant in drawn("increment"):
        assert variant.operation.key in ("OP_INC", "OP_DEC")


def test_a_number_first_is_a_source() -> None:
    """And none that could be a register's."""
    for variant in drawn("reversed"):
        assert variant.operation.key == "OP_MOV_REG_IMM"
        assert "$r" in variant.text.lower() or "$" not in variant.text


def test_dollars_are_registers_where_no_number_stands() -> None:
    """Elsewhere the destination says what they are."""
    for variant in drawn("dollar"):
        text = find_dialect("lenient").read(variant.text).visible
        values = variant.operation.params.model_dump()
        for name in ("dest", "src", "src1", "src2"):
            if values.get(name) and variant.operation.key != "OP_MOV_REG_IMM":
                assert f"${values[name][1]}" in text


def test_a_bare_label_is_no_name() -> None:
    """No mnemonic, no synonym, no other operation, none of these misspelt, no word of speech."""
    rng = Random(2)
    for side, _ in SIDES:
        for _ in range(500):
            label = bare_label(rng, side)
            assert ISA.is_label(label)
            assert not is_name(label)
    assert is_bare_label("LOOP")
    assert not any(map(is_bare_label, ("dec", "exit", "AND", "never", "seven", "mvo")))


# --- lexicons ----------------------------------------------------------------------------


def phrases(lexicon: Lexicon) -> set[str]:
    return {text for texts in lexicon.phrases.values() for text in texts}


def test_whole_phrases_are_held_out() -> None:
    """No phrase, condition, jump, opening or closing is on both sides."""
    assert not phrases(TRAINING_LEXICON) & phrases(HELD_OUT_LEXICON)
    for name in ("jumps", "openings", "closings"):
        assert not {*getattr(TRAINING_LEXICON, name)} & {*getattr(HELD_OUT_LEXICON, name)}
    for mnemonic, known in TRAINING_LEXICON.conditions.items():
        assert not set(known) & set(HELD_OUT_LEXICON.conditions[mnemonic])
    for kind, templates in TRAINING_LEXICON.faults.items():
        assert not set(templates) & set(HELD_OUT_LEXICON.faults[kind])
    frames = {*TRAINING_LEXICON.frames} & {*HELD_OUT_LEXICON.frames}
    assert all(frame.startswith(("{jump} {addr} [if|when]", "[if|when]")) for frame in frames)


def ways(templates: Sequence[str]) -> set[str]:
    """All texts of templates; a bracket without a bar stands for itself."""
    texts = set[str]()
    for template in templates:
        pieces = re.split(r"\[([^\[\]]*\|[^\[\]]*)\]", template)
        options = [piece.split("|") if n % 2 else [piece] for n, piece in enumerate(pieces)]
        texts |= {" ".join("".join(way).lower().split()) for way in product(*options)}
    return texts


@pytest.mark.parametrize("name", ["phrases", "conditions", "faults"])
def test_no_held_out_text_is_one_of_training(name: str) -> None:
    """Whatever the choices of their templates come to, of each operation and kind."""
    known, held_out = getattr(TRAINING_LEXICON, name), getattr(HELD_OUT_LEXICON, name)
    assert known.keys() == held_out.keys()
    for key, templates in held_out.items():
        texts = ways(templates)
        assert len(texts) >= 6
        assert not texts & ways(known[key]), key


@pytest.mark.parametrize("lexicon", [TRAINING_LEXICON, HELD_OUT_LEXICON], ids=["training", "held"])
def test_lexicons_cover_the_instruction_set(lexicon: Lexicon) -> None:
    """Every opcode has phrases, and each names operands that the opcode has."""
    for opcode in ISA.opcodes:
        names = {operand.name for operand in opcode.operands}
        if opcode.mnemonic in lexicon.conditions:
            assert lexicon.conditions[opcode.mnemonic]
            continue
        texts = lexicon.phrases[opcode.key.partition("_")[2]]
        for text in texts:
            used = set(re.findall(r"\{(\w+)\}", text))
            assert used <= names
            assert used >= names - {"src1"}
    assert all("{dest}" in text for text in lexicon.phrases["CLEAR"])


def test_there_are_dozens_of_phrasings_per_operation() -> None:
    """With its choices made, what training says of each operation is manifold."""
    rng = Random(1)
    for key, texts in TRAINING_LEXICON.phrases.items():
        said = {phrase(rng.choice(texts), rng) for _ in range(2000)}
        assert len(said) >= (24 if key not in ("CLEAR", "HALT", "NOP") else 12)


# --- spelling ----------------------------------------------------------------------------


@given(st.integers(0, 100), st.sampled_from(["-", " ", ""]))
def test_number_words_read_back(value: int, joint: str) -> None:
    """Each way of writing a number in words is in the table."""
    assert NUMBER_WORDS[number_words(value, joint)] == value


@pytest.mark.parametrize("value", [-1, 101])
def test_other_numbers_have_no_words(value: int) -> None:
    """Above one hundred and below zero the dialect has none."""
    with pytest.raises(ValueError, match="not from 0 to 100"):
        number_words(value)


@given(RANDOMS, st.text("abcXYZ019, =-", min_size=1, max_size=30))
def test_full_width_forms_fold_back(rng: Random, text: str) -> None:
    """What the model is shown of a widened text is the text, but for a remark such as ``-- 0``."""
    code, dialect = f"mov {text}".strip(), find_dialect("lenient")
    shown = dialect.read(fullwidth(code, rng)).visible
    assert shown == dialect.read(code).visible
    if " --" not in code:
        assert shown == find_dialect("strict").read(code).visible


@given(st.integers(0, 2**32), st.sampled_from(sorted(SYNONYMS)))
def test_typing_errors_are_near_one_mnemonic(seed: int, mnemonic: str) -> None:
    """One edit from a word for it and for no other, and no word that means something already."""
    word = typing_error(Random(seed), 1, mnemonic)
    assert operations_near(word) == [mnemonic]
    taken = {name for names in SYNONYMS.values() for name in names} | set(SYNONYMS)
    assert word.upper() not in taken | {name.upper() for name in OTHER_OPERATIONS}


@given(st.integers(0, 2**32))
def test_ambiguous_words_are_near_several(seed: int) -> None:
    """One edit from words for at least two operations, and none itself."""
    word = typing_error(Random(seed), 2)
    assert len(operations_near(word)) >= 2
    assert word.upper() not in SYNONYMS


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [("sbu", "SUB", True), ("movv", "MOV", True), ("hlat", "HALT", True), ("jn", "JNZ", True),
     ("mo", "MOV", True), ("sub", "SUB", False), ("bus", "SUB", False), ("mvo", "MOV", True),
     ("xmovx", "MOV", False), ("", "JS", False)],
)  # fmt: skip
def test_one_edit(one: str, other: str, near: bool) -> None:
    """Insertion, deletion, replacement or a swap of neighbours; equal is none."""
    assert (one_edit_from(one, [other]) == [other]) is near


def test_a_speller_notes_what_it_did() -> None:
    """Its kinds are those of the spellings it used."""
    plain = Speller(Random(1))
    assert plain.register("R5").upper() == "R5"
    assert plain.kinds == set()
    other = Speller(Random(1), registers=True, numbers=True)
    assert other.register("R5").upper() != "R5"
    assert not other.number(-4, "decimal").startswith("-4")
    assert other.kinds == {"register_spelling", "immediate"}


@given(RANDOMS)
def test_residue_keeps_the_text(rng: Random) -> None:
    """Marks stand around it, and a single word gets no colon behind it."""
    assert "sub r5 r3 r1" in residue("sub r5 r3 r1", rng)
    assert not residue("halt", rng).endswith(":")


@given(RANDOMS, st.sampled_from(sorted(FORMS)))
def test_forms_write_their_operands(rng: Random, form: str) -> None:
    """Registers of the meaning, and no others, are in the text."""
    meaning = draw_meaning(rng, ISA, TRAINING_WORDS)
    text = write_form(form, rng, meaning, Speller(rng), TRAINING_LEXICON)
    if text is not None:
        registers = {v for v in meaning.values.values() if v in REGISTERS}
        label = json.dumps(meaning.values.get("addr", ""))
        if label == '""':
            found = {r[-1] for r in re.findall(r"(?:\b[rR]|\$)[0-7]\b", text)}
            assert found >= {r[-1] for r in registers}
            assert form == "dollar" or found == {r[-1] for r in registers}


@pytest.mark.parametrize("seed", range(4))
def test_a_full_stop_behind_a_label_belongs_to_it(seed: int) -> None:
    """Of listed operands; so no text means something else in the strict dialect."""
    rng = Random(seed)
    for _ in range(500):
        variant = lenient_variant(rng, ISA, kind="residue")
        try:
            assert parse(variant.text) in (INVALID, variant.operation)
        except LineTooLongError:
            continue
    assert not any(residue("jmp end", rng, full_stop=False).endswith(".") for _ in range(200))


def test_a_template_with_choices_is_drawn_more_often() -> None:
    """One more share for each choice; brackets without a bar, as in code, stay."""
    rng = Random(1)
    drawn = [any_of(("x[0]", "[a|b] [c|d|e]"), rng) for _ in range(4000)]
    assert set(drawn) == {"x[0]", *(f"{one} {two}" for one in "ab" for two in "cde")}
    assert 0.2 < drawn.count("x[0]") / len(drawn) < 0.3
