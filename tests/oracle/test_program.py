"""Programs: addresses, labels and lines that the dialect refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.errors import ProgramError, UnknownLabelError
from kvrm_grammar.isa import INVALID, load_set, operation_to_json
from kvrm_grammar.oracle.program import Instruction, assemble, parse_program
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, Verdict, explain, parse

COUNTDOWN = """\
; counts down from ten
        MOV R1, 10
        MOV R2, 0

again:  // body
        DEC R1
        CMP R1, R2
        JNZ again      # once more
        JMP end
never:  HALT
end:"""


def test_a_program_has_addresses_and_resolved_labels() -> None:
    """Only lines with an instruction count; a label is the address of the next one."""
    program = parse_program(COUNTDOWN)
    assert [i.address for i in program.instructions] == list(range(7))
    assert [i.line for i in program.instructions] == [2, 3, 6, 7, 8, 9, 10]
    assert dict(program.labels) == {"again": 2, "never": 6, "end": 7}
    assert program.instructions[4] == Instruction(
        4, 8, "        JNZ again      # once more", load_set().operation("OP_JNZ", {"addr": 2})
    )
    assert program.instructions[5].operation == load_set().operation("OP_JMP", {"addr": 7})


@pytest.mark.parametrize("source", ["", "\n", "; nothing\r\n\r\n", "  \t\r// nothing"])
def test_a_source_without_instructions_is_an_empty_program(source: str) -> None:
    """Blank lines and comments make no instruction, and nobody is asked to decode."""

    def never(lines: list[str]) -> list[Verdict]:
        raise AssertionError(lines)

    program = assemble(source, never)
    assert (program.instructions, dict(program.labels)) == ((), {})


def test_only_three_line_ends_split_lines() -> None:
    """LF, CR LF and CR end a line; other separators may stand in a comment."""
    program = parse_program("NOP\nNOP\r\nNOP\rHALT ; a\x0cb\u2028c\x85d\x0be\x1cf")
    assert [i.line for i in program.instructions] == [1, 2, 3, 4]
    assert program.instructions[3].operation == load_set().operation("OP_HALT", {})


def test_refused_lines_stay_with_their_reason() -> None:
    """An invalid line keeps its address, its text and the reason; labels stay right."""
    program = parse_program("start: FOO R1\nADD R1, R2\nR3: HALT\nend: JMP start")
    assert [i.reason for i in program.instructions] == [
        "FOO is not a mnemonic",
        "ADD takes 3 operands, got 2",
        "R3 is reserved for registers and cannot be a label",
        None,
    ]
    assert [i.operation == INVALID for i in program.instructions] == [True, True, True, False]
    assert program.instructions[0].text == "start: FOO R1"
    assert dict(program.labels) == {"start": 0, "end": 3}


def test_duplicate_labels_name_both_lines() -> None:
    """A label may be defined once; the error names it and both lines."""
    with pytest.raises(ProgramError, match=r"'a' is defined in line 1 and again in line 3"):
        parse_program("a: NOP\nA: NOP\na:\n")


def test_unknown_labels_name_label_and_line() -> None:
    """A jump to nowhere is a typed error with the label, its case kept, and the line."""
    with pytest.raises(UnknownLabelError, match=r"Unknown label: 'Loop' in line 2") as caught:
        parse_program("loop:\nJMP Loop")
    assert (caught.value.label, caught.value.line) == ("Loop", 2)


def test_too_long_lines_are_named_before_decoding() -> None:
    """Only a line that holds an instruction has a limit, and the error names the line."""
    comment = ";" + "x" * 2 * MAX_LINE_LENGTH
    assert parse_program(f"{comment}\nlabel: {comment}\nHALT").instructions[0].line == 3
    with pytest.raises(ProgramError, match=r"line 2: line has 517 characters, at most 256"):
        parse_program(f"NOP\nHALT{comment}")


def test_the_decode_step_is_injected() -> None:
    """Decode sees raw lines, once and in order; its answers are resolved like any other."""
    seen: list[list[str]] = []

    def decode(lines: list[str]) -> list[Verdict]:
        seen.append(lines)
        jump = load_set().operation("OP_JMP", {"addr": "top"})
        return [Verdict(jump), Verdict(INVALID, lines[1], load_set(), "because"), explain(lines[2])]

    program = assemble("top: goto top ; again\n\n NOP\n hello", decode)
    assert seen == [["top: goto top ; again", " NOP", " hello"]]
    assert program.instructions[0].operation == load_set().operation("OP_JMP", {"addr": 0})
    assert program.instructions[1].reason == "because"
    assert program.instructions[2].reason == "hello is not a mnemonic"


def test_a_decode_step_must_answer_every_line() -> None:
    """Too few or too many answers are an error, not a shifted program."""
    with pytest.raises(ProgramError, match="2 lines to decode gave 1 operations"):
        assemble("NOP\nNOP", lambda lines: [Verdict(INVALID)])


def test_labels_are_read_only() -> None:
    """A program cannot change after it was assembled."""
    with pytest.raises(TypeError):
        parse_program("a: NOP").labels["b"] = 1  # type: ignore[index]


LINES = st.sampled_from(["NOP", "JMP a", "INC R1 ; x", "", "; x", "what?", "b: DEC r2", "JZ 5"])


@given(st.lists(LINES, unique_by=lambda line: line.startswith("b:") or object()))
def test_instructions_match_single_parses(lines: list[str]) -> None:
    """A program is its lines parsed one by one, but for the labels."""
    program = parse_program("\n".join(["a:", *lines]))
    kept = [line for line in lines if line and not line.startswith(";")]
    assert [i.text for i in program.instructions] == kept
    for instruction in program.instructions:
        expected = operation_to_json(parse(instruction.text)).replace('"a"', "0")
        assert operation_to_json(instruction.operation) == expected
        assert program.instructions[instruction.address] is instruction
