"""The reference parser: every sentence of the strict dialect, as cases and as laws."""

import json
import re
import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from kvrm_grammar.errors import LineTooLongError
from kvrm_grammar.isa import INVALID, load_set, operation_from_json, operation_to_json
from kvrm_grammar.isa.grammar import compile_grammar
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, LineParts, explain, line_parts, parse

FALLBACK = "not an instruction of this dialect"
LONGEST_LABEL = "a" * 64
SUB = '{"key":"OP_SUB","params":{"dest":"R5","src1":"R3","src2":"R1"}}'
HALT = '{"key":"OP_HALT","params":{}}'


def immediate(value: int, dest: str = "R1") -> str:
    """The JSON of a move of an immediate."""
    return f'{{"key":"OP_MOV_REG_IMM","params":{{"dest":"{dest}","value":{value}}}}}'


def jump(addr: int | str, key: str = "OP_JMP") -> str:
    """The JSON of a jump."""
    return f'{{"key":"{key}","params":{{"addr":{json.dumps(addr)}}}}}'


ACCEPTED = {
    # every opcode
    "MOV R1, 5": immediate(5),
    "MOV R1, R2": '{"key":"OP_MOV_REG_REG","params":{"dest":"R1","src":"R2"}}',
    "ADD R0, R1, R2": '{"key":"OP_ADD","params":{"dest":"R0","src1":"R1","src2":"R2"}}',
    "SUB R5, R3, R1": SUB,
    "MUL R7, R7, R7": '{"key":"OP_MUL","params":{"dest":"R7","src1":"R7","src2":"R7"}}',
    "INC R4": '{"key":"OP_INC","params":{"dest":"R4"}}',
    "DEC R6": '{"key":"OP_DEC","params":{"dest":"R6"}}',
    "CMP R1, R2": '{"key":"OP_CMP","params":{"src1":"R1","src2":"R2"}}',
    "JMP 7": jump(7),
    "JZ loop": jump("loop", "OP_JZ"),
    "JNZ loop": jump("loop", "OP_JNZ"),
    "JS loop": jump("loop", "OP_JS"),
    "JNS loop": jump("loop", "OP_JNS"),
    "HALT": HALT,
    "NOP": '{"key":"OP_NOP","params":{}}',
    # case, blanks, line ends
    "sub r5, r3, r1": SUB,
    "sUb r5, R3, r1": SUB,
    " \t SUB\tR5 ,\tR3  , R1 \t ": SUB,
    "HALT\n": HALT,
    "HALT\r": HALT,
    "HALT\r\n": HALT,
    "HALT \t\r\n": HALT,
    # separators: one comma, or blanks alone, mixed
    "SUB R5,R3,R1": SUB,
    "SUB R5 R3 R1": SUB,
    "SUB R5\tR3 ,R1": SUB,
    "SUB R5, R3 R1": SUB,
    # comments
    "HALT;": HALT,
    "HALT ; the end": HALT,
    "HALT // the end": HALT,
    "HALT//": HALT,
    "HALT # the end": HALT,
    "HALT #": HALT,
    "HALT#1": HALT,
    "SUB R5, R3, R1#5": SUB,
    "SUB R5, R3, R1 #x": SUB,
    "SUB R5, R3, R1 ## 5": SUB,
    "HALT ; caf\u00e9 \u017f \x00 \ud800": HALT,
    "HALT ; page\x0cbreak \u2028 \x85": HALT,
    "HALT ; a // b # c ; d 'e": HALT,
    "MOV R1, ';'": immediate(59),
    "MOV R1, ';' ; comment": immediate(59),
    "MOV R1, '#'": immediate(35),
    "MOV R1, '/'//'": immediate(47),
    "MOV R1 #5 # five": immediate(5),
    # a label definition before the instruction is ignored
    "loop: SUB R5, R3, R1": SUB,
    "loop:SUB R5, R3, R1": SUB,
    "  loop:\tHALT": HALT,
    "add: halt": HALT,
    "halt:halt": HALT,
    "_.a$9: HALT": HALT,
    "R3x: HALT": HALT,
    "r: HALT": HALT,
    f"{LONGEST_LABEL}: HALT": HALT,
    # immediates
    "MOV R1, 0": immediate(0),
    "MOV R1, -0": immediate(0),
    "MOV R1, +5": immediate(5),
    "MOV R1, -5": immediate(-5),
    "MOV R1, #5": immediate(5),
    "MOV R1,#-5": immediate(-5),
    "MOV R1 #+5": immediate(5),
    "MOV R1 -5": immediate(-5),
    "MOV R1, 0x1f": immediate(31),
    "MOV R1, 0XfF": immediate(255),
    "MOV R1, -0x10": immediate(-16),
    "MOV R1, #0x0010": immediate(16),
    "MOV R1, 0b101": immediate(5),
    "MOV R1, 0B101": immediate(5),
    "MOV R1, 0o17": immediate(15),
    "MOV R1, 0O17": immediate(15),
    "MOV R1, 2147483647": immediate(2147483647),
    "MOV R1, -2147483648": immediate(-2147483648),
    "MOV R1, 0x7FFFFFFF": immediate(2147483647),
    "MOV R1, -0x80000000": immediate(-2147483648),
    # character literals
    "MOV R1, 'A'": immediate(65),
    "MOV R1, #'A'": immediate(65),
    "MOV R1, ' '": immediate(32),
    "MOV R1, '~'": immediate(126),
    "MOV R1, ','": immediate(44),
    "MOV R1, '\"'": immediate(34),
    r"MOV R1, '\n'": immediate(10),
    r"MOV R1, '\t'": immediate(9),
    r"MOV R1, '\r'": immediate(13),
    r"MOV R1, '\0'": immediate(0),
    r"MOV R1, '\\'": immediate(92),
    r"MOV R1, '\''": immediate(39),
    # jump targets
    "JMP 0": jump(0),
    "JMP 2147483647": jump(2147483647),
    "JMP 0x7fffffff": jump(2147483647),
    "JMP 0b11": jump(3),
    "JMP 0o17": jump(15),
    "JMP Loop": jump("Loop"),
    "JMP .L1$a_": jump(".L1$a_"),
    "JMP add": jump("add"),
    "JMP JMP": jump("JMP"),
    "JMP R": jump("R"),
    "JMP R3x": jump("R3x"),
    "JMP R_3": jump("R_3"),
    "JMP r3.": jump("r3."),
    f"JMP {LONGEST_LABEL}": jump(LONGEST_LABEL),
}

REFUSED = {
    # characters
    "\u017fub R5, R3, R1": "character U+017F is not allowed",
    "\uff33UB R5, R3, R1": "character U+FF33 is not allowed",
    "HALT \u00a0": "character U+00A0 is not allowed",
    "MOV R1, \u0665": "character U+0665 is not allowed",
    "MOV R1, '\u00e9'": "character U+00E9 is not allowed",
    "\ufeffHALT": "character U+FEFF is not allowed",
    "HALT\x00": "character U+0000 is not allowed",
    "HALT\x0b": "character U+000B is not allowed",
    "\x7fHALT": "character U+007F is not allowed",
    "\ud800": "character U+D800 is not allowed",
    # lines
    "": "empty instruction",
    " \t\n": "empty instruction",
    "; HALT": "empty instruction",
    "  // HALT": "empty instruction",
    "# HALT": "empty instruction",
    " #5": "empty instruction",
    "HALT\nHALT": "more than one line",
    "HALT\n\n": "more than one line",
    "\nHALT": "more than one line",
    "HALT ; a\rb": "more than one line",
    # label definitions
    "loop:": "a label definition alone is not an instruction",
    "loop: ; HALT": "a label definition alone is not an instruction",
    "loop: #5": "a label definition alone is not an instruction",
    "R3: HALT": "R3 is reserved for registers and cannot be a label",
    "r42: HALT": "r42 is reserved for registers and cannot be a label",
    "a: b: HALT": "more than one label definition",
    "9a: HALT": "9a: is not a label definition",
    "5: HALT": "5: is not a label definition",
    ":HALT": ": is not a label definition",
    "a-b: HALT": "a-b: is not a label definition",
    f"{LONGEST_LABEL}b: HALT": "label of 65 characters, at most 64 are allowed",
    "loop : HALT": "loop is not a mnemonic",
    # mnemonics
    "FOO R1": "FOO is not a mnemonic",
    "MOVE R1, 5": "MOVE is not a mnemonic",
    "ADDD R1, R2, R3": "ADDD is not a mnemonic",
    "OP_ADD R1, R2, R3": "OP_ADD is not a mnemonic",
    "LDI R1, 5": "LDI is not a mnemonic",
    "SUBR5, R3, R1": "SUBR5 is not a mnemonic",
    "r5 = r3 - r1": "r5 is not a mnemonic",
    "x" * 50: "x" * 39 + "\u2026 is not a mnemonic",
    # separators
    "MOV R1,, 5": "double comma",
    "MOV R1, , 5": "double comma",
    "MOV , R1, 5": "comma before the first operand",
    "MOV,R1,5": "comma before the first operand",
    "MOV R1, 5,": "comma after the last operand",
    "MOV R1, # five": "comma after the last operand",
    "HALT,": "comma before the first operand",
    "MOV R1#5": "MOV takes 2 operands, got 1",
    "MOV R1'a'": "MOV takes 2 operands, got 1",
    # registers
    "INC R8": "R8 is not a register (R0\u2013R7)",
    "INC R05": "R05 is not a register (R0\u2013R7)",
    "INC R-1": "R-1 is not a register (R0\u2013R7)",
    "ADD R1, r9, R2": "r9 is not a register (R0\u2013R7)",
    "MOV R1, R8": "R8 is not a register (R0\u2013R7)",
    "INC SP": "INC takes a register as operand 1, got SP",
    # immediates
    "MOV R1, 05": "05 has leading zeros",
    "MOV R1, #-007": "#-007 has leading zeros",
    "MOV R1, 00": "00 has leading zeros",
    "MOV R1, 1_000": "1_000 is not an integer",
    "MOV R1, 1e3": "1e3 is not an integer",
    "MOV R1, 1.5": "1.5 is not an integer",
    "MOV R1, 0x": "0x is not an integer",
    "MOV R1, 0b2": "0b2 is not an integer",
    "MOV R1, 0o8": "0o8 is not an integer",
    "MOV R1, 0xG": "0xG is not an integer",
    "MOV R1, 0FFh": "0FFh is not an integer",
    "MOV R1, 4*2": "4*2 is not an integer",
    "MOV R1, ''": "'' is not a character literal",
    "MOV R1, 'ab'": "'ab' is not a character literal",
    "MOV R1, '''": "''' is not a character literal",
    r"MOV R1, '\'": r"'\' is not a character literal",
    r"MOV R1, '\x'": r"'\x' is not a character literal",
    "MOV R1, '\t'": r"'\t' is not a character literal",
    "MOV R1, -'a'": "MOV takes an immediate or a register as operand 2, got -'a'",
    "MOV R1, --5": "MOV takes an immediate or a register as operand 2, got --5",
    "MOV R1, ##5": "comma after the last operand",
    "MOV R1, - 5": "MOV takes 2 operands, got 3",
    "MOV R1, $FF": "MOV takes an immediate or a register as operand 2, got $FF",
    "MOV R1, foo": "MOV takes an immediate or a register as operand 2, got foo",
    "MOV R1, 2147483648": "2147483648 is outside \u22122147483648\u20262147483647",
    "MOV R1, -2147483649": "-2147483649 is outside \u22122147483648\u20262147483647",
    "MOV R1, 99999999999": "99999999999 is outside \u22122147483648\u20262147483647",
    "MOV R1, 0xFFFFFFFF": "0xFFFFFFFF is outside \u22122147483648\u20262147483647",
    # jump targets
    "JMP 2147483648": "2147483648 is outside 0\u20262147483647",
    "JMP R3": "R3 is reserved for registers and cannot be a label",
    "JMP r8": "r8 is reserved for registers and cannot be a label",
    "JMP R00": "R00 is reserved for registers and cannot be a label",
    "JMP #5": "JMP takes an unsigned address or a label as operand 1, got #5",
    "JMP -5": "JMP takes an unsigned address or a label as operand 1, got -5",
    "JMP +5": "JMP takes an unsigned address or a label as operand 1, got +5",
    "JMP 'a'": "JMP takes an unsigned address or a label as operand 1, got 'a'",
    "JMP a-b": "JMP takes an unsigned address or a label as operand 1, got a-b",
    "JMP loop:": "JMP takes an unsigned address or a label as operand 1, got loop:",
    "JMP 05": "05 has leading zeros",
    "JMP 5x": "5x is not an integer",
    f"JMP {LONGEST_LABEL}b": "label of 65 characters, at most 64 are allowed",
    # number and kind of operands
    "ADD R1, R2": "ADD takes 3 operands, got 2",
    "ADD R1, R2, R3, R4": "ADD takes 3 operands, got 4",
    "ADD R1, R2, 5": "ADD takes a register as operand 3, got 5",
    "CMP R1, 10": "CMP takes a register as operand 2, got 10",
    "MOV 5, R1": "MOV takes a register as operand 1, got 5",
    "MOV R1": "MOV takes 2 operands, got 1",
    "INC": "INC takes 1 operand, got 0",
    "INC ; R1": "INC takes 1 operand, got 0",
    "JMP": "JMP takes 1 operand, got 0",
    "HALT R1": "HALT takes no operands, got 1",
    "HALT #1": "HALT takes no operands, got 1",
    "MOV R1, R2 #5": "MOV takes 2 operands, got 3",
}


@pytest.mark.parametrize(("text", "expected"), ACCEPTED.items())
def test_accepted_lines_have_exactly_this_json(text: str, expected: str) -> None:
    """What the dialect accepts means one operation, to the byte of its JSON."""
    verdict = explain(text)
    assert verdict.reason is None
    assert operation_to_json(verdict.operation) == expected
    assert parse(text) == verdict.operation


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_refused_lines_say_why(text: str, reason: str) -> None:
    """What the dialect refuses is OP_INVALID, with a reason that names the cause."""
    verdict = explain(text)
    assert (verdict.operation, verdict.reason) == (INVALID, reason)


def test_the_oracle_shares_no_code_with_what_it_judges() -> None:
    """The oracle needs plain helpers, sets and isa of this package, and nothing else of it."""
    code = (
        "import sys, kvrm_grammar.oracle.reference as r; r.parse('halt');"
        "print(*sorted({m.split('.')[1] for m in sys.modules if m.startswith('kvrm_grammar.')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        *("concurrency", "errors", "frozen", "isa", "oracle", "resources", "sets"),
    ]


@pytest.mark.parametrize("ending", ["", "\n", "\r", "\r\n"])
def test_the_line_limit_does_not_count_the_line_end(ending: str) -> None:
    """A line may have exactly MAX_LINE_LENGTH characters; one more is a typed error."""
    line = "HALT ;".ljust(MAX_LINE_LENGTH, "x")
    assert operation_to_json(parse(line + ending)) == HALT
    with pytest.raises(LineTooLongError) as caught:
        parse(line + "x" + ending)
    assert (caught.value.length, caught.value.limit) == (MAX_LINE_LENGTH + 1, MAX_LINE_LENGTH)


@pytest.mark.parametrize("digits", ["9" * 248, "0x" + "F" * 246, "0b" + "1" * 246])
def test_huge_integers_are_out_of_range(digits: str) -> None:
    """The longest integer that fits a line is refused like any other out of range."""
    reason = explain(f"MOV R1, {digits}"[:MAX_LINE_LENGTH]).reason
    assert reason is not None
    assert "is outside" in reason


TOKENS = ["MOV", "add", "JMP", "HALT", "R1", "r7", "R8", "5", "-0x1F", "#", "'a'", "';'", "lp", ":"]
TOKENS += [",", " ", "\t", ";", "//", "'", "\\", "\r", "\n", "0b1", "05", "_", "\u017f", "\ud800"]
NEARLY = st.lists(st.sampled_from(TOKENS), max_size=12).map("".join)
ANY_TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Z", "C"]), max_size=300)


@given(NEARLY | ANY_TEXT)
def test_any_text_gets_a_verdict(text: str) -> None:
    """No text raises anything but LineTooLongError; a reason stands exactly with OP_INVALID."""
    if len(re.sub(r"(\r\n|\r|\n)\Z", "", text)) > MAX_LINE_LENGTH:
        with pytest.raises(LineTooLongError):
            explain(text)
        return
    verdict = explain(text)
    assert (verdict.operation == INVALID) == bool(verdict.reason)
    assert verdict.reason != FALLBACK
    line_parts(text)


PARSER = compile_grammar(load_set().grammar)
GRAMMAR_LINES = from_lark(PARSER, start="line", alphabet=st.characters(max_codepoint=0x17F))


@settings(max_examples=200)
@given(GRAMMAR_LINES)
def test_what_the_grammar_derives_parses(text: str) -> None:
    """A derived line is accepted unless an integer is out of range, and round-trips as JSON."""
    assume(len(text) <= MAX_LINE_LENGTH)
    verdict = explain(text)
    assert verdict.reason is None or "is outside" in verdict.reason
    canonical = operation_to_json(verdict.operation)
    assert operation_to_json(operation_from_json(canonical)) == canonical


@settings(max_examples=100)
@given(GRAMMAR_LINES)
def test_outer_blanks_labels_and_comments_change_nothing(text: str) -> None:
    """Outer blanks, a label before and a comment after an accepted line are ignored."""
    bare = text.rstrip("\r\n")
    if line_parts(text).label is not None:
        bare = bare.partition(":")[2]  # most lines have one: too many to be left out
    assume(len(bare) <= MAX_LINE_LENGTH - 20 and len(text) <= MAX_LINE_LENGTH)
    assert parse(f"\t here: {bare} ; there\r\n") == parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", LineParts(None, False)),
        ("  ; comment\n", LineParts(None, False)),
        ("#5", LineParts(None, False)),
        ("loop:", LineParts("loop", False)),
        (" loop: // comment\r\n", LineParts("loop", False)),
        ("loop:halt", LineParts("loop", True)),
        ("add: add", LineParts("add", True)),
        ("a: b: HALT", LineParts("a", True)),
        ("R3: HALT", LineParts(None, True)),
        ("R3:", LineParts(None, True)),
        ("loop : HALT", LineParts(None, True)),
        ("?! \u017f ;", LineParts(None, True)),
        ("a\nb", LineParts(None, True)),
        ("x: ;" + "-" * 1000, LineParts("x", False)),
    ],
)
def test_line_parts_frame_a_line(text: str, expected: LineParts) -> None:
    """A label is found whatever follows it; comments and blanks are no instruction."""
    assert line_parts(text) == expected
