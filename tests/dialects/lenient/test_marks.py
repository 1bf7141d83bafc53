"""What rules take off a lenient text, and what they leave to the model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import load_set
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, parse
from tests.kvrm import DOMAINS

LENIENT = find_dialect("lenient")


@pytest.mark.parametrize(
    ("text", "shown", "label"),
    [
        # Listings.
        ("1a6:   bf00      nop", "nop", None),
        ("0x00000010: 00 05 mov r1, 5", "mov r1, 5", None),
        ("80001000: 00000013\tnop", "nop", None),
        ("0040  mov r1, 5", "mov r1, 5", None),
        ("0040  05 f8d0  ldi r1, 5", "ldi r1, 5", None),
        ("1a6: r1 = 5", "r1 = 5", None),
        ("=> 0x80000010 <main+16>:\tmov r1, 5", "mov r1, 5", None),
        ("   0x1a6 <main>:\tjmp 1b0 <end>", "jmp 0x1b0", None),
        ("80000010 <main>: 00a00513 mov r1, 5", "mov r1, 5", None),
        ("core   0: 0x0000000080000010 (0x00a00513) halt", "halt", None),
        ("[80000010] 00a00513  loop: inc r1", "inc r1", "loop"),
        ("[0x80000010]\t0x00a00513\tinc r1", "inc r1", None),
        ("12\t0x80000010\t0x00a00513\tpush r1, 5", "push r1, 5", None),
        ("pc=0x80000010 inst=0x00a00513 inc r1", "inc r1", None),
        ("0x400ce4: 0x47b40112  inc r1", "inc r1", None),
        ("`0x80000010  0x00a00513  inc r1`", "inc r1", None),
        ("=> 0x80000010: inc r1", "inc r1", None),
        ("(gdb) => 0x80000010 <main+16>:\tinc r1", "inc r1", None),
        ("=> 0x80000010 <main+16>: 0x00a00513 inc r1", "inc r1", None),
        ("=> 0x80000010 <main+16>: r1 = 5", "r1 = 5", None),
        ("0x80000010 00a00513 inc r1", "inc r1", None),
        # Numbers that may be operands, words that may be labels or names.
        ("0x10: 0x1234 into r1", "0x1234 into r1", None),
        ("[1000] 1234 into r1", "[1000] 1234 into r1", None),
        ("[80000010] face dec r3", "dec r3", "face"),
        ("0x80000010  0x00a00513  bogus r1, 5", "0x80000010 0x00a00513 bogus r1, 5", None),
        ("[0001] added one to r1", "added one to r1", None),
        ("3<5>: inc r1", "3<5>: inc r1", None),
        # What is in columns is no instruction yet.
        ("0x80000010 <main>:", "0x80000010 <main>", None),
        ("0x80000010  0x00a00513  r1 inc", "0x80000010 0x00a00513 r1 inc", None),
        ("0x8000 0x00a0", "0x8000 0x00a0", None),
        ("[80000010] inc r1", "inc r1", None),
        # No listing: the number is an operand, the letters are a word.
        ("1000 r1 mov", "1000 r1 mov", None),
        ("dead beef add", "dead beef add", None),
        ("42 load r3", "42 load r3", None),
        ("90\tnop", "nop", None),
        ("dec r1", "dec r1", None),
        ("add r1 r2 r3", "add r1 r2 r3", None),
        # Remarks.
        ("dec r0 -- once", "dec r0", None),
        ("dec r0 @ once", "dec r0", None),
        ("add r1, /* a */ r2, r3 /* b */", "add r1, r2, r3", None),
        ("limit3 NOP", "nop", "limit3"),
        ("fib_1 Load %r0, %r3", "load %r0, %r3", "fib_1"),
        ("sudden halt", "sudden halt", None),
        ("r1 -- see below", "r1 -- see below", None),
        ("$r2 --  @ second operand", "$r2 --", None),
        ("| r3 -- |", "r3 --", None),
        ("loop: %r3 -- @ again", "%r3 --", "loop"),
        ("r1--", "r1--", None),
        ("jmp @loop", "jmp @loop", None),
        ("mov r1, '@' @ at", "mov r1, '@'", None),
        ("Load 12 into R1 (multiplicand)", "load 12 into r1 (multiplicand)", None),
        # Marks.
        ('"add r1, r2, r3\\n"', "add r1, r2, r3", None),
        ("\u201cjmp halt\u201d", "jmp halt", None),
        ("\u201ejmp loop\u201c", "jmp loop", None),
        ("\u00ab inc r1 \u00bb", "inc r1", None),
        ("\u201einc r1\u201d", "inc r1", None),
        ("LOOP: => 0x8010: dec r3", "dec r3", "LOOP"),
        ("\u2018jz .a$B\u2019", "jz .a$B", None),
        ("\u201cjmp\u201d loop", "\u201cjmp\u201d loop", None),
        ("\u201cjmp\u201d \u201cloop\u201d", "\u201cjmp\u201d \u201cloop\u201d", None),
        ("| add r1, r2, r3 |", "add r1, r2, r3", None),
        ("| add | r1 | r2 |", "| add | r1 | r2 |", None),
        ("3: halt", "halt", None),
        ("[3] inc r1", "inc r1", None),
        ("(3) inc r1", "inc r1", None),
        ("3) inc r1", "inc r1", None),
        ("[12:03:44] jnz loop", "[12:03:44] jnz loop", None),
        ("\u201cr1 -- and again\u201d", "r1 -- and again", None),
        ("$ cpu inc r1", "$ cpu inc r1", None),
        ("(gdb) mov r1, 5", "mov r1, 5", None),
        ("In [12]: loop: mov r1, 5", "mov r1, 5", "loop"),
        ("\u2022 mov r1, 5", "mov r1, 5", None),
        ("$5 = $6", "$5 = $6", None),
        ("(3) -> r1", "(3) -> r1", None),
        # Bare labels.
        ("LOOP dec r3", "dec r3", "LOOP"),
        ("Again: LOOP dec r3", "loop dec r3", "Again"),
        ("loop_2 LDI R3, 5", "ldi r3, 5", "loop_2"),
        ("loop MUL r7 R1", "mul r7 r1", "loop"),
        ("never dec r3", "never dec r3", None),
        ("and dec r3", "and dec r3", None),
        ("mov dec r3", "mov dec r3", None),
        ("load dec r3", "load dec r3", None),
        ("done halt", "done halt", None),
        ("loop dec", "loop dec", None),
        ("loop dec " + "a" * 200, "loop dec " + "a" * 200, None),
        ("LOOP \u017fub r1, r2, r3", "loop \u017fub r1, r2, r3", None),
        ("loop dec r9", "loop dec r9", None),
        ("loop fly r3", "loop fly r3", None),
    ],
)
def test_what_is_shown(text: str, shown: str, label: str | None) -> None:
    """The instruction alone, where a rule is sure what is around it."""
    reading = LENIENT.read(text)
    assert (reading.visible, reading.label) == (shown, label)


@pytest.mark.parametrize("text", ["JS R3.", "jmp Main.R5", "jmp LOOP", "LOOP: jmp R3."])
def test_a_label_is_mentioned_as_it_is_written(text: str) -> None:
    """Its case is kept, also where the first word's is not."""
    target = text.split()[-1]
    found = LENIENT.read(text).mentions[DOMAINS["target"]]
    assert f'"{target}"' in found
    assert f'"{target.lower()}"' not in found


def test_words_of_other_machines_are_no_labels() -> None:
    """Whichever side of the list they are on: held out from training, or not."""
    from kvrm_grammar.dialects.lenient.data import lenient_data

    words = sorted(lenient_data(load_set()).all_other_operations)
    assert len(words) > 300
    for word in words:
        assert LENIENT.read(f"{word} dec r3").label is None, word


@given(
    st.from_regex(r"(?:[a-z]{1,6}|[Rr][0-7]|[0-9a-f]{1,4}|--|@|/\*|\*/|\||[()\[\]\"' :,]){1,12}")
)
def test_what_strict_accepts_keeps_its_meaning(text: str) -> None:
    """A rule takes nothing off that means something; the reference reads what is shown alike."""
    text = text.strip("\n")[:MAX_LINE_LENGTH]
    meant = parse(text)
    shown = LENIENT.read(text).visible
    if meant.key != "OP_INVALID":
        assert parse(shown) == meant


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # A disassembler's target is an address, and what stands there.
        ("   100b4:\t00a5c533\tbnez\ta0,100d8 <main+0x40>", "bnez a0,0x100d8"),
        ("j 0x100d8 <main>", "j 0x100d8"),
        ("j 100d8", "j 100d8"),
        ("j <main>", "j <main>"),
        ("00000040 <main>:", "00000040 <main>"),
        # Comments by other signs; behind a separator stands another instruction.
        ("add a0, a1, a2 // sum", "add a0, a1, a2"),
        ("add a0, a1, a2 ; sum", "add a0, a1, a2"),
        ("add a0, a1, a2 ; nop", "add a0, a1, a2 ; nop"),
        ("li a0, ';'", "li a0, ';'"),
        ("li a0, ';' ; the sign", "li a0, ';'"),
        ("li a0, 'x' // 5 times", "li a0, 'x'"),
        ("nop ;; nop", "nop ;; nop"),
        ("nop ; " + "x" * 250, "nop"),
    ],
)
def test_marks_of_another_set(text: str, shown: str) -> None:
    """What disassemblers and other assemblers leave, in a set whose comments begin with ``#``."""
    assert find_dialect("lenient", load_set("rv32im")).read(text).visible == shown


LONG = "x" * 400


@pytest.mark.parametrize("name", ["kvrm", "rv32im"])
@pytest.mark.parametrize(
    ("line", "label", "has_instruction"),
    [
        (f"# {LONG}", None, False),
        (f"// {LONG}", None, False),
        (f"/* {LONG} */", None, False),
        (f"loop: /* {LONG} */ # {LONG}", "loop", False),
        ("loop:" + " " * 600 + "# again", "loop", False),
        ("loop:" + " " * 600 + "nop", "loop", True),
        (f"loop: /* {LONG} */ nop", "loop", True),
        (f"nop # {LONG}", None, True),
        (f"{LONG} # {LONG}", None, True),
    ],
)
def test_long_lines_are_split(
    name: str, line: str, label: str | None, has_instruction: bool
) -> None:
    """A line of comments may be of any length; what makes an instruction too long is not lost."""
    parts = find_dialect("lenient", name).split(line)
    assert (parts.label, parts.has_instruction) == (label, has_instruction)


@pytest.mark.parametrize("name", ["kvrm", "rv32im"])
@pytest.mark.parametrize("ends", [("'", "x"), ("x", "b"), ("|", "x y"), ("", ""), ("nop ", ":")])
@pytest.mark.parametrize("filling", [" ", "/*", "'", "a ", "*/", "-- ", "1: ", "00 "])
def test_a_line_of_a_megabyte_is_split(name: str, ends: tuple[str, str], filling: str) -> None:
    """No rule tries every place of it: what takes hours would take this test with it."""
    start, end = ends
    line = start + filling * (1_000_000 // len(filling)) + end
    assert find_dialect("lenient", name).split(line).has_instruction == bool(line.strip())
