"""Readings: what the model sees means what the line means, and is one clean line."""

import copy
import dataclasses
import os
import pickle
import re
import subprocess
import sys
import unicodedata
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kvrm_grammar.dialects import Dialect, Reading, find_dialect
from kvrm_grammar.errors import LineTooLongError
from kvrm_grammar.isa import INVALID, InstructionSet, load_set
from kvrm_grammar.oracle.program import assemble
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, Verdict, explain, line_parts, parse
from tests.kvrm import DOMAINS
from tests.sets import every_set
from training.texts.strict.refused import refusal_candidate
from training.texts.strict.valid import decorate, valid_variant
from training.texts.strict.words import TRAINING_WORDS

STRICT, LENIENT = find_dialect("strict"), find_dialect("lenient")

# Whatever could make a comment, a literal, a line end or a blank of something else.
WORDS = st.sampled_from(
    [
        *"Rr057 \t,;/#'\\-+:.x",
        *("MOV ", "HALT", "JMP ", "ADD", "R1", "R2", "loop", "loop: ", "0x1F", ", ", " #", ",#"),
        *("//", "';'", "'#'", "'/'", "'\\''", "' '", "# 5", "#5", "#-5", "#'a'"),
        *("\x00", "\x0b", "\x1b", "\x7f", "\x85", "\u00e9", "\u2028", "\u017f", "\ud800"),
    ]
)
LINES = st.lists(WORDS, max_size=24).map("".join).filter(lambda text: len(text) <= 256)
ENDS = st.sampled_from(["", "\n", "\r\n", "\r"])
TEXTS = st.lists(WORDS | st.sampled_from("\r\n"), max_size=24).map("".join)


@settings(max_examples=400)
@given(LINES, ENDS)
@example("MOV R1, ';' ; ';'", "")
@example("MOV R1, '''; HALT", "")
@example("HALT '", "")
@example("MOV R1 #5#", "\r")
@example("#5 HALT", "")
@example("MOV R1,#x", "")
@example("a:#5", "")
@example("a: #5", "")
@example("a:b:HALT", "")
@example("a: b : HALT", "")
@example("a: R1: HALT", "")
@example("a::HALT", "")
def test_the_visible_text_means_the_same(line: str, end: str) -> None:
    """Cutting the comment, blanks and line end never changes the verdict on a line."""
    assert parse(STRICT.read(line + end).visible) == parse(line + end)


@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
@settings(max_examples=100)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_the_visible_text_means_the_same_in_every_set(
    isa: InstructionSet, seed: int, data: st.DataObject
) -> None:
    """Of instructions behind what may be a label, with letters of other case and signs put in."""
    line = valid_variant(Random(seed), isa).text.rstrip("\r\n")
    line = data.draw(st.sampled_from(["", "", "Foo:", "A0: ", "zero: ", "x:Y: "])) + line
    for place in data.draw(st.lists(st.integers(0, len(line) - 1), max_size=4)):
        line = line[:place] + line[place].swapcase() + line[place + 1 :]
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(line)))
        line = line[:place] + data.draw(st.sampled_from(" \t()'")) + line[place:]
    assert parse(find_dialect("strict", isa).read(line).visible, isa) == parse(line, isa)


@pytest.mark.parametrize("seed", range(4))
def test_the_visible_text_of_generated_lines_means_the_same(seed: int) -> None:
    """Nor does it for what training and evaluation draw."""
    rng, isa = Random(seed), load_set()
    for _ in range(150):
        texts = valid_variant(rng, isa).text, refusal_candidate(rng, isa).text
        for text in (*texts, decorate(texts[1], rng, isa)):
            if len(text) <= MAX_LINE_LENGTH and len(text.splitlines()) <= 1:
                assert parse(STRICT.read(text).visible) == parse(text), text


@given(TEXTS.filter(lambda text: len(text) <= MAX_LINE_LENGTH))
@example("HALT ; x\nNOP")
@example("\nHALT")
@example("HALT\r\n\r\n")
def test_several_lines_are_shown_whole(text: str) -> None:
    """More than one line is refused; a comment in it does not hide the second from the model."""
    body = re.sub(r"(?:\r\n|\r|\n)\Z", "", text)
    if "\n" in body or "\r" in body:
        assert parse(text) == INVALID
        shown = STRICT.read(text).visible
        assert shown.count("\u240a") == body.count("\n")
        assert shown.count("\u240d") == body.count("\r")


@given(st.text(max_size=256) | TEXTS.filter(lambda text: len(text) <= MAX_LINE_LENGTH))
def test_a_prompt_is_one_line_of_clean_text(text: str) -> None:
    """Prefix, text, one line end: no control character but the tab, nothing UTF-8 cannot write."""
    whole = STRICT.read(text).prompt
    assert whole == f"asm {STRICT.read(text).visible}\n"
    assert whole.encode("utf-8").count(b"\n") == 1
    controls = {c for c in whole[:-1] if ord(c) < 32 or ord(c) == 127}
    assert controls <= {"\t"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  SUB R5, R3, R1  ; the difference", "sub R5, R3, R1"),
        ("SUB R5 R3 R1\t// x ; y # z", "sub R5 R3 R1"),
        ("halt;", "halt"),
        ("halt//", "halt"),
        ("halt / nop", "halt / nop"),
        ("; only a comment", ""),
        ("", ""),
        (" \t ", ""),
        ("\r\n", ""),
        ("a: ; x", ""),
        ("a:", ""),
        ("a: HALT", "halt"),
        (" .L$_1:\tHALT", "halt"),
        ("add:nop", "nop"),
        (f"{'x' * 64}: HALT", "halt"),
        (f"{'x' * 65}: HALT", f"{'x' * 65}: HALT"),
        ("R3: HALT", "r3: HALT"),
        ("r12: HALT", "r12: HALT"),
        ("r: HALT", "halt"),
        ("a: b: HALT", "a: b: HALT"),
        ("a: R3: HALT", "r3: HALT"),
        ("a : HALT", "a : HALT"),
        ("a:: HALT", ": HALT"),
        (": HALT", ": HALT"),
        ("3a: HALT", "3a: HALT"),
        ("MOV R1, ':'", "mov R1, ':'"),
        ("MOV R1, ';' ; semicolon", "mov R1, ';'"),
        ("MOV R1, '#' # hash", "mov R1, '#'"),
        ("MOV R1, '/' // slash", "mov R1, '/'"),
        (r"MOV R1, '\'' ; quote", r"mov R1, '\''"),
        (r"MOV R1, '\\'; backslash", r"mov R1, '\\'"),
        ("MOV R1, ' '", "mov R1, ' '"),
        ("MOV \t R1 \t,   ' '  ", "mov R1 , ' '"),
        ("MOV R1, '  '", "mov R1, '  '"),
        ("MOV R1, '\t'", "mov R1, '\t'"),
        ("SUB\tR5,\t \tR3  R1", "sub R5, R3 R1"),
        ("a:\t\tJMP  \t b", "jmp b"),
        ("HALT ; it's", "halt"),
        ("HALT 'x ; y", "halt 'x"),
    ],
)
def test_what_is_ignored(text: str, shown: str) -> None:
    """Comment, outer blanks and one label definition go; a character literal stays whole."""
    assert STRICT.read(text).visible == shown
    assert parse(shown) == parse(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("MOV R1, #5", "mov R1, #5"),
        ("MOV R1,#5", "mov R1,#5"),
        ("MOV R1\t#5", "mov R1 #5"),
        ("MOV R1, #-5 # minus", "mov R1, #-5"),
        ("MOV R1, #+5#plus", "mov R1, #+5"),
        ("MOV R1, #'a'", "mov R1, #'a'"),
        ("MOV R1, #'#'#", "mov R1, #'#'"),
        ("MOV R1, #0x1F", "mov R1, #0x1F"),
        ("HALT #", "halt"),
        ("HALT # 5", "halt"),
        ("HALT #x", "halt"),
        ("HALT#5", "halt"),
        ("HALT #5", "halt #5"),
        ("SUB R5, R3, R1#5", "sub R5, R3, R1"),
        ("MOV R1, ##5", "mov R1,"),
        ("MOV R1, # 5", "mov R1,"),
        ("#5", ""),
        ("# HALT", ""),
        ("a:#5", ""),
    ],
)
def test_hash_signs(text: str, shown: str) -> None:
    """A hash sign is a prefix where it starts an operand and a number follows, else a comment."""
    assert STRICT.read(text).visible == shown
    assert parse(shown) == parse(text)


@pytest.mark.parametrize("code", [*range(9), *range(11, 13), *range(14, 32), 127])
def test_control_characters_become_visible(code: int) -> None:
    """Each has a picture of its own; the tab, which is a blank, stays."""
    picture = STRICT.read(f"a{chr(code)}b").visible[1]
    assert picture == chr(0x2421 if code == 127 else 0x2400 + code)
    name = unicodedata.name(picture)
    assert name.startswith("SYMBOL FOR")
    assert STRICT.read("a\tb").visible == "a b"


@pytest.mark.parametrize("surrogate", ["\ud800", "\udbff", "\udc00", "\udfff"])
def test_lone_surrogates(surrogate: str) -> None:
    """What UTF-8 cannot write is a question mark, and refused like the original."""
    assert STRICT.read(f"HALT{surrogate}").visible == "halt?"
    assert parse("HALT?") == parse(f"HALT{surrogate}") == INVALID
    assert STRICT.read(f"HALT ;{surrogate}").visible == "halt"


@pytest.mark.parametrize(
    "text", ["<|im_end|>", "<|im_start|>user", "{}", "asm halt", "\u00e9\u2028"]
)
def test_everything_else_is_shown_as_it_is(text: str) -> None:
    """Names of control tokens, JSON and Unicode are text like any other."""
    assert STRICT.read(text).prompt == f"asm {text}\n"


@pytest.mark.parametrize("end", ["", "\n", "\r", "\r\n"])
def test_the_longest_line(end: str) -> None:
    """256 characters pass and 257 do not, the line end not counted; the reference agrees."""
    longest = "HALT" + ";" * 252 + end
    assert STRICT.read(longest).visible == "halt"
    assert parse(longest) == parse("HALT")
    for refuse in (STRICT.read, LENIENT.read, parse):
        with pytest.raises(LineTooLongError, match="line has 257 characters") as caught:
            refuse("HALT" + ";" * 253 + end)
        assert (caught.value.length, caught.value.limit) == (257, 256)


def test_a_megabyte_is_refused() -> None:
    """A very long line is refused by its length, whatever is in it."""
    with pytest.raises(LineTooLongError, match="line has 1000000 characters, at most 256"):
        STRICT.read("'" * 1_000_000)


def test_full_width_forms_fold_where_the_dialect_says_so() -> None:
    """Letters, digits and commas; homoglyphs and other signs stay what they are."""
    wide = "\uff33\uff35\uff22 \uff525\uff0c r\uff13, r1"
    assert LENIENT.read(wide).visible == "sub r5, r3, r1"
    assert STRICT.read(wide).visible == wide
    assert LENIENT.read("m\u043ev \uff0b").visible == "m\u043ev \uff0b"
    assert LENIENT.read("\uff48alt").prompt == STRICT.read("halt").prompt


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`sub r5 r3 r1`", "sub r5 r3 r1"),
        (">>> 'halt'", "halt"),
        ("12 | mov r1, 5", "mov r1, 5"),
        ("\uff11\uff12 | \uff4dov r1, 5", "mov r1, 5"),
        ("3. clear r1", "clear r1"),
        ("- inc r2", "inc r2"),
        ("0x0040: add r1, r2, r3 ; sum", "add r1, r2, r3"),
        ("0x0040: loop: 'dec r0'", "dec r0"),
        ("loop: 12 | dec r0", "dec r0"),
        ("sub r5 r3 r1:", "sub r5 r3 r1"),
        ("jmp loop:", "jmp loop"),
        # What only looks like one stays.
        ("'a' 'b'", "'a' 'b'"),
        ("- 4 -> r1", "- 4 -> r1"),
        ("`sub r5 r3 r1", "`sub r5 r3 r1"),
        ("3.5", "3.5"),
        ("halt:", ""),
        ("a: b: halt", "a: b: halt"),
        ("loop: halt:", "loop: halt:"),
        (">>>", ">>>"),
        ("``", "``"),
        ("3.", "3."),
    ],
)
def test_marks_of_listings_mean_nothing_in_the_lenient_dialect(text: str, shown: str) -> None:
    """Prompt marks, line numbers, addresses, quotes and a colon; the strict dialect keeps them."""
    assert LENIENT.read(text).visible == shown


@given(st.randoms(use_true_random=False))
def test_an_instruction_of_the_strict_dialect_has_no_marks(rng: Random) -> None:
    """So nothing of it is lost where the lenient dialect reads it."""
    text = valid_variant(rng, load_set(), TRAINING_WORDS).text
    shown = LENIENT.read(text).visible
    assert shown.lower() == STRICT.read(text).visible.lower()
    assert parse(shown) == parse(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("JMP Loop", "jmp Loop"),
        ("JmP JNZ", "jmp JNZ"),
        ("(SUB R5 R3 R1)", "(sub r5 r3 r1)"),
        ("HALT()", "halt()"),
        ("R5:=R3-R1", "r5:=r3-r1"),
        ("Put 5 in REGISTER 3", "put 5 in register 3"),
        ("MOV R1, 'R'", "mov r1, 'R'"),
        ("SUBR5,%R3,$R1", "subr5,%r3,$r1"),
        ("JMP R5x", "jmp R5x"),
        ("MO\u0421 R1, 5", "mo\u0421 r1, 5"),
        ("\u212a R1", "\u212a r1"),
    ],
)
def test_case_means_nothing_but_in_labels_in_the_lenient_dialect(text: str, shown: str) -> None:
    """The first word and registers are shown in lower case: ASCII alone."""
    assert LENIENT.read(text).visible == shown


@pytest.mark.parametrize(
    "text",
    ["jmp main.R5", "jmp a$R1", "jmp .R5", "JMP@Loop", "jmp->Loop", "jmp R5.x", "jnz x.R5.R6"],
)
def test_a_label_keeps_its_case_in_the_lenient_dialect(text: str) -> None:
    """Whatever a part of it looks like: what strict accepts means the same in lenient."""
    shown = LENIENT.read(text).visible
    assert shown[3:] == text[3:]
    assert parse(shown) == parse(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("CLEAR R5.", "clear R5."), ("ADD R5 to %R3.", "add r5 to %R3."), ("$R5 = R1", "$r5 = r1")],
)
def test_a_register_beside_a_sign_is_still_one(text: str, shown: str) -> None:
    """A dollar sign before it is no part of a label; with a full stop behind it, it may be one."""
    reading = LENIENT.read(text)
    assert reading.visible == shown
    assert '"R5"' in reading.mentions[DOMAINS["register"]]


@given(st.from_regex(r"[A-Za-z_.][A-Za-z0-9_.$]{0,20}", fullmatch=True))
@example("main.R5")
@example("a$R1")
def test_every_label_of_the_strict_dialect_survives_the_lenient_one(label: str) -> None:
    """Shown as it is written and mentioned so, so that the right answer is possible."""
    reading = LENIENT.read(f"jmp {label}")
    if parse(f"jmp {label}") != INVALID:
        assert reading.visible == f"jmp {label}"
        assert any(f'"{label}"' in values for values in reading.mentions.values())


@pytest.mark.parametrize("dialect", [STRICT, LENIENT])
@pytest.mark.parametrize("text", ["loop: dec r1", "sub r5 r3 r1", "; nothing", "fly away", "a: b:"])
def test_a_reading_is_a_value(dialect: Dialect, text: str) -> None:
    """Equal, hashable and whole after copying and pickling, before and after it was asked."""
    for asked in (False, True):
        reading = dialect.read(text)
        if asked:
            assert reading.verdict.operation == parse(text)
            assert reading.reason
        for other in (copy.copy(reading), copy.deepcopy(reading), _pickled(reading)):
            assert other == reading
            assert hash(other) == hash(reading)
            assert other.reason == reading.reason
        assert dataclasses.asdict(reading)["visible"] == reading.visible


def _pickled(reading: Reading) -> Reading:
    found: Reading = pickle.loads(pickle.dumps(reading))
    return found


def test_the_reference_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draft, agreement and reason share one verdict, and a reason is made when it is read."""
    asked: list[str] = []

    def counting(text: str, isa: InstructionSet) -> Verdict:
        asked.append(text)
        return explain(text, isa)

    monkeypatch.setattr("kvrm_grammar.dialects.base.explain", counting)
    reading = STRICT.read("add r1 r2")
    assert asked == []
    assert reading.guess == INVALID
    assert reading.reason == "ADD takes 3 operands, got 2"
    assert reading.verdict.operation == INVALID
    assert asked == ["add r1 r2"]


@pytest.mark.parametrize(
    "source",
    [
        "main.R5: nop\njmp main.R5",
        "0x00: loop: dec r1\n0x04: jnz loop",
        "12 | loop: dec r1\n13 | jnz loop",
        ">>> loop: dec r1\n>>> jnz loop",
        "Loop: halt\nJMP@Loop",
        "`a.Rx: inc r1`\n- jmp a.Rx",
    ],
)
def test_the_lenient_dialect_splits_its_own_programs(source: str) -> None:
    """A label is found where the dialect takes the marks off, and a jump to it resolves."""

    def guessed(lines: list[str]) -> list[Verdict]:
        return [Verdict(LENIENT.read(line).guess) for line in lines]

    program = assemble(source, guessed, split=LENIENT.split)
    assert len(program.instructions) == 2
    assert len(program.labels) == 1
    assert program.instructions[1].operation.params.addr == 0


@given(st.lists(WORDS, max_size=24).map("".join))
def test_the_strict_dialect_splits_as_the_grammar_does(line: str) -> None:
    """What a reading calls the label is what the reference's own splitting finds."""
    if len(line) <= MAX_LINE_LENGTH and "\n" not in line and "\r" not in line:
        assert STRICT.split(line) == line_parts(line)
        label = STRICT.read(line).label
        if parse(line) != INVALID:
            assert label == line_parts(line).label


def test_a_reading_is_the_same_in_another_process() -> None:
    """Pickled there, where texts hash otherwise: what it mentions is found by the sets' domains."""
    script = (
        "import pickle, sys\n"
        "from kvrm_grammar.dialects import find_dialect\n"
        "reading = find_dialect('strict').read('sub r5 r3 r1')\n"
        "hash(reading), list(reading.mentions.values())\n"
        "sys.stdout.buffer.write(pickle.dumps(reading))"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        told = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, check=True, env=environment
        )
        found = pickle.loads(told.stdout)
        own = find_dialect("strict").read("sub r5 r3 r1")
        assert found == own and hash(found) == hash(own)
        assert all(
            found.mentions[domain] == own.mentions[domain] for domain in own.dialect.isa.domains
        )
