"""Comments, labels and blanks, as each set writes them."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.bare_code import (
    defines_label,
    one_blank,
    split_label,
    tight_brackets,
    without_comments,
)
from kvrm_grammar.isa import InstructionSet, load_set
from kvrm_grammar.isa.binding import bind
from kvrm_grammar.isa.definition import CommentSigns
from kvrm_grammar.oracle.reference import parse
from tests.sets import SCAFFOLD, ZETA, every_set

KVRM = load_set()


def with_signs(signs: CommentSigns) -> InstructionSet:
    """KVRM with other signs of comments; its grammar is not asked here."""
    return bind(KVRM.grammar, KVRM.models, replace(KVRM.definition, comments=signs))


NONE = with_signs(CommentSigns())
BLOCKS = with_signs(CommentSigns(("--",), (("(*", "*)"), ("{", "}"))))


@pytest.mark.parametrize(
    ("isa", "line", "left"),
    [
        # A block is a blank, wherever it stands; a line's comment ends the line.
        (ZETA, "plus a0, /* one */ a1, a2", "plus a0,   a1, a2"),
        (ZETA, "plus/**/a0", "plus a0"),
        (ZETA, "/* a */ beep /* b */ # c", "beep"),
        (ZETA, "beep # a /* b", "beep"),
        (ZETA, "beep /* # */ # x", "beep"),
        (ZETA, "go /* '*/ x", "go   x"),
        (ZETA, "go '/*' x", "go '/*' x"),
        (ZETA, "go '#' x # y", "go '#' x"),
        (ZETA, "go /* a */ b /* c */ d", "go   b   d"),
        # One that does not end is no comment, and the first end ends.
        (ZETA, "beep /* x", "beep /* x"),
        (ZETA, "go /* /* */ b", "go   b"),
        (ZETA, "beep */", "beep */"),
        (ZETA, "beep /*/ x", "beep /*/ x"),
        (ZETA, "beep ; x", "beep ; x"),
        (BLOCKS, "a (* { *) b { (* } c -- d", "a   b   c"),
        (BLOCKS, "a - - b", "a - - b"),
        (SCAFFOLD, "on hall ; x # y", "on hall"),
        (SCAFFOLD, "on hall#x", "on hall"),
        (SCAFFOLD, "dim hall, #5", "dim hall,"),
        (KVRM, "mov r1, #5 # five", "mov r1, #5"),
        (KVRM, "mov r1, # 5", "mov r1,"),
        (KVRM, "mov r1,#'#'//x", "mov r1,#'#'"),
        (NONE, "halt ; # // x", "halt ; # // x"),
        (NONE, "\t halt \t", "halt"),
        (ZETA, "", ""),
        (ZETA, "#", ""),
        (ZETA, "/**/", ""),
    ],
)
def test_comments_go(isa: InstructionSet, line: str, left: str) -> None:
    """Those of the set and no others; what a literal holds stays."""
    assert without_comments(line, isa) == left


PIECES = st.lists(st.sampled_from(["/*", "*/", "#", "/", "*", " ", "\t", "a0", ",", "'#'", "'/'"]))


@given(PIECES.map("".join))
@example("/*/*/")
@example("a/**/#/**/")
@example("'#'#'#'")
@example("/*'#*/'#'")
def test_what_goes_is_whole_comments(line: str) -> None:
    """As by hand, from left to right: literals stay, blocks are a blank, a sign ends the line."""
    left, rest = "", line
    while rest and not rest.startswith("#"):
        end = rest.find("*/", 2) if rest.startswith("/*") else -1
        length = 3 if re.match("'.'", rest) else 1
        left += " " if end > 0 else rest[:length]
        rest = rest[end + 2 if end > 0 else length :]
    assert without_comments(line, ZETA) == left.strip(" \t")


@pytest.mark.parametrize(
    ("isa", "code", "label", "rest"),
    [
        (ZETA, "loop: beep", "loop", "beep"),
        (ZETA, "loop:beep", "loop", "beep"),
        (ZETA, "loop:", "loop", ""),
        (ZETA, "loop: \t beep", "loop", "beep"),
        (ZETA, "a: b: beep", None, "a: b: beep"),
        (ZETA, "a0: beep", None, "a0: beep"),
        (ZETA, "A0: beep", "A0", "beep"),
        (ZETA, "a4: beep", "a4", "beep"),
        (ZETA, "loop : beep", None, "loop : beep"),
        (ZETA, "beep", None, "beep"),
        (ZETA, "", None, ""),
        (SCAFFOLD, "Loop: on hall", None, "Loop: on hall"),
        (SCAFFOLD, "again: on hall", "again", "on hall"),
        (SCAFFOLD, "entrance: on hall", None, "entrance: on hall"),
        (KVRM, "r12: halt", None, "r12: halt"),
        (KVRM, "$a: halt", None, "$a: halt"),
    ],
)
def test_a_label_is_what_the_sets_grammar_defines(
    isa: InstructionSet, code: str, label: str | None, rest: str
) -> None:
    """Taken off where there is one and no second; names are no labels."""
    assert split_label(code, isa) == (label, rest)


@pytest.mark.parametrize(
    ("code", "defines"), [("a:", True), ("a: b: c", True), ("a b:", False), ("zero:", False)]
)
def test_a_definition_is_seen_whatever_follows(code: str, defines: bool) -> None:
    """Two in a row are definitions, though neither is taken off."""
    assert defines_label(code, ZETA) is defines


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("plus  a0,\t a1", "plus a0, a1"),
        ("mov r1, '  '", "mov r1, '  '"),
        ("mov  r1,  '\t'  x", "mov r1, '\t' x"),
        ("sb  x7,  ','  (  x30)  ';'  y", "sb x7, ',' ( x30) ';' y"),
        ("jr  '\\''  \t(t1  )", "jr '\\'' (t1 )"),
        ("mov  r1,  'ab'  x  ' '  y", "mov r1, 'ab'  x  ' '  y"),
        ("", ""),
    ],
)
def test_blanks_become_one(code: str, shown: str) -> None:
    """Outside literals, up to a quote that begins none."""
    assert one_blank(code) == shown


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("lw a0, 4 ( sp )", "lw a0, 4 (sp)"),
        ("lw a0, (\t sp\t)", "lw a0, (sp)"),
        ("lw a0, ( sp ) , ( )", "lw a0, (sp) , ()"),
        ("lw a0, ' '( sp )", "lw a0, ' '(sp)"),
        ("lw a0, '('( '( ' sp )", "lw a0, '('('( ' sp )"),
        ("lw a0, [ sp ]", "lw a0, [ sp ]"),
        ("", ""),
    ],
)
def test_brackets_are_tight(code: str, shown: str) -> None:
    """Inside, of those that the set has, outside literals."""
    assert tight_brackets(code, load_set("rv32im")) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("lw a0, 4 ( sp )", "lw a0, 4(sp)"),
        ("sb x7, '0' \t(zero)", "sb x7, '0'(zero)"),
        ("sb x7, '(' ( zero)", "sb x7, '('(zero)"),
        # What stands there is no operand, or must have a blank behind it.
        ("jr (t4)", "jr (t4)"),
        ("jr +0 (ra)", "jr +0(ra)"),
        ("sb x7, ( zero)", "sb x7, (zero)"),
        ("lw a0, 4(sp) (sp)", "lw a0, 4(sp) (sp)"),
        ("lw a0, '  ' (sp)", "lw a0, '  ' (sp)"),
    ],
)
def test_an_offset_stands_at_its_bracket(line: str, shown: str) -> None:
    """In the strict dialect; in the lenient one a remark may stand there."""
    isa = load_set("rv32im")
    reading = find_dialect("strict", isa).read(line)
    assert reading.visible == shown
    assert parse(shown, isa) == parse(line, isa)
    assert " (" in find_dialect("lenient", isa).read("lw a0, 4(sp) (the frame)").visible


@pytest.mark.parametrize("isa", [KVRM, SCAFFOLD], ids=lambda isa: isa.name)
def test_a_set_without_brackets_keeps_every_blank(isa: InstructionSet) -> None:
    """What its grammar does not have, a rule does not touch."""
    assert tight_brackets("go ( a0 )", isa) == "go ( a0 )"


def test_brackets_whose_blanks_the_grammar_refuses_stay() -> None:
    """There a blank is a fault, and the model must see it; one form of many is enough."""
    isa = load_set("rv32im")
    form = 'JALR _GAP "(" _GAP? rs1 _GAP? ")"'
    assert form in isa.grammar
    half = bind(isa.grammar.replace(form, form[:-9] + ' ")"'), isa.models, isa.definition)
    assert tight_brackets("lw a0, ( sp )", half) == "lw a0, (sp )"


@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
@pytest.mark.parametrize("place", ["behind", "label", "both"])
def test_what_goes_means_nothing(isa: InstructionSet, place: str) -> None:
    """In every set: with a comment behind it or a label before it an instruction means the same."""
    texts = {"kvrm": "inc r1", "zeta": "shift a0, a1, 3", "scaffold": "on hall"}
    texts["rv32im"] = "slli a0, a1, 3"
    code = texts[isa.name]
    line = f"here: {code}" if place != "behind" else code
    line += f" {isa.comments.line[0]} x" if place != "label" else ""
    reading = find_dialect("strict", isa).read(line)
    assert reading.visible == code
    assert reading.label == (None if place == "behind" else "here")
    assert parse(line, isa) == parse(code, isa) != isa.invalid


def test_the_case_of_a_name_is_shown_where_it_means_something() -> None:
    """One mnemonic of fixed case is enough: then ``SUB`` is another word than ``sub``."""
    isa = load_set("rv32im")
    grammar = isa.grammar.replace("SUB: /[Ss][Uu][Bb]/", 'SUB: "sub"')
    assert grammar != isa.grammar
    fixed = bind(grammar, isa.models, isa.definition)
    assert find_dialect("strict", isa).read("ADDI A0, a1, 1").visible == "addi A0, a1, 1"
    assert find_dialect("strict", fixed).read("ADDI A0, a1, 1").visible == "ADDI A0, a1, 1"


@pytest.mark.parametrize(
    ("isa", "line", "shown"),
    [
        (ZETA, "GO(Main)", "go(Main)"),
        (ZETA, "Fetch A0, 4( SP )", "fetch A0, 4(SP)"),
        (KVRM, "'A' X", "'A' X"),
        (KVRM, "MOV'A'", "mov'A'"),
        (KVRM, "\u212aEEP", "\u212aeep"),
        # Labels of the scaffold are in lower case: this one's capital is a fault.
        (SCAFFOLD, "Foo: on hall", "Foo: on hall"),
        (SCAFFOLD, "ON hall", "on hall"),
    ],
)
def test_the_first_word_alone_is_lowered(isa: InstructionSet, line: str, shown: str) -> None:
    """To a bracket, a quote or a blank, ASCII alone, and never where that would mend a fault."""
    reading = find_dialect("strict", isa).read(line)
    assert reading.visible == shown
    assert parse(shown, isa) == parse(line, isa)
