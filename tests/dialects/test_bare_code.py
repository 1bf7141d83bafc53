"""Comments, labels and blanks, as each set writes them."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.bare_code import defines_label, one_blank, split_label, without_comments
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
        ("mov  r1,  '\t'  x", "mov r1, '\t'  x"),
        ("", ""),
    ],
)
def test_blanks_become_one(code: str, shown: str) -> None:
    """Up to the first literal; what follows it is left as it is."""
    assert one_blank(code) == shown


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
