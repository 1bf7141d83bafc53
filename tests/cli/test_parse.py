"""The command ``parse``, and what all commands do with lines."""

import pytest

from kvrm_grammar.isa import operation_to_json
from kvrm_grammar.lines import LONGEST_LINE
from kvrm_grammar.oracle.reference import explain, parse
from tests.cli.running import FIELDS, MIXED, MIXED_OK, rows, run


@pytest.mark.parametrize(
    "text", ["HALT", "sub r5 r3 r1", "MOV R1, -0x10", "JMP Loop", "NOP ; x", "a: inc r1 // y"]
)
def test_parse_prints_canonical_json(text: str) -> None:
    """One line: exactly the canonical JSON of the operation, and nothing on standard error."""
    result = run("parse", text)
    assert (result.stdout, result.stderr) == (operation_to_json(parse(text)) + "\n", "")


@pytest.mark.parametrize(
    "text", ["FOO R1", "ADD R1, R2", "", "HALT\nHALT", "caf\u00e9", "a\x1b[2J"]
)
def test_refusals_are_explained_on_standard_error(text: str) -> None:
    """A refused line is ``OP_INVALID`` on standard output; its number and reason go beside it."""
    result = run("parse", "HALT", text)
    assert rows(result.stdout)[1] == {"key": "OP_INVALID", "params": {}}
    assert result.stderr == f"input 2: {explain(text).reason}\n"


def test_jsonl_adds_fields() -> None:
    """With ``--jsonl`` each line has id, ok, key, params, error and raw, and says it all."""
    result = run("parse", "--jsonl", "MOV R1, 5 ; five", "FOO", "x" * 257)
    assert result.stderr == ""
    first, second, third = rows(result.stdout)
    assert [list(row) for row in (first, second, third)] == [FIELDS] * 3
    assert first == {
        "id": 1,
        "ok": True,
        "key": "OP_MOV_REG_IMM",
        "params": {"dest": "R1", "value": 5},
        "error": None,
        "raw": "MOV R1, 5 ; five",
    }
    assert (second["id"], second["ok"], second["key"]) == (2, False, "OP_INVALID")
    assert (second["params"], second["error"]) == ({}, "FOO is not a mnemonic")
    assert (third["id"], third["ok"], third["key"], third["params"]) == (3, False, None, None)
    assert third["error"].startswith("line has 257 characters")
    assert third["raw"] == "x" * 257


def test_without_jsonl_an_unreadable_line_is_an_error_object() -> None:
    """A line that never was an instruction has no key, only an error."""
    result = run("parse", "x" * 257, "HALT")
    error, halt = rows(result.stdout)
    assert list(error) == ["error"]
    assert halt == {"key": "OP_HALT", "params": {}}
    assert result.stderr == f"input 1: {error['error']}\n"


def test_order_is_kept() -> None:
    """As many lines come out as went in, in their order."""
    texts = [f"MOV R{number % 8}, {number}" if number % 3 else "FOO" for number in range(200)]
    result = run("parse", "--jsonl", "-", stdin="\n".join(texts))
    assert [row["id"] for row in rows(result.stdout)] == list(range(1, 201))
    assert [row["raw"] for row in rows(result.stdout)] == texts


@pytest.mark.parametrize("command", ["parse", "decode"])
@pytest.mark.usefixtures("oracle")
def test_a_bad_line_does_not_stop_the_rest(command: str) -> None:
    """Not UTF-8, a megabyte, a NUL, an empty line: each is reported, and the rest decoded."""
    result = run(command, "--jsonl", "-", stdin=MIXED)
    found = rows(result.stdout)
    assert [row["ok"] for row in found] == MIXED_OK
    assert result.exit_code == 1
    assert [row["id"] for row in found] == list(range(1, 9))
    errors = [row["error"] for row in found]
    assert errors[2] == "not UTF-8: byte 0xff at position 0"
    assert found[2]["raw"] == r"\xff\xfe"
    assert errors[4].startswith("line has 1000000 characters")
    assert found[4]["raw"] == "x" * LONGEST_LINE
    assert errors[5] == "character U+0000 is not allowed"
    assert errors[6] == "empty instruction"
    assert result.stderr == ""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(end: str, last: bool) -> None:
    """LF, CR LF and CR end lines, with or without one at the end of the input."""
    result = run("parse", "-", stdin=end.join(["HALT", "NOP", "INC R1"]) + end * last)
    assert [row["key"] for row in rows(result.stdout)] == ["OP_HALT", "OP_NOP", "OP_INC"]
    assert result.exit_code == 0


@pytest.mark.parametrize("command", ["parse", "decode"])
@pytest.mark.usefixtures("oracle")
def test_empty_input(command: str) -> None:
    """No lines, no results, and nothing went wrong."""
    result = run(command, "-", stdin=b"")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "", 0)


def test_a_dash_among_others_is_an_instruction() -> None:
    """Only ``-`` alone means standard input; after ``--`` a text may start with a dash."""
    result = run("parse", "--jsonl", "--", "HALT", "-", "--x", stdin="NOP\n")
    assert [row["raw"] for row in rows(result.stdout)] == ["HALT", "-", "--x"]


@pytest.mark.parametrize(("argument", "raw"), [("\udcff", r"\xff"), ("mov \udce9", r"mov \xe9")])
def test_an_argument_that_is_not_utf8(argument: str, raw: str) -> None:
    """Bytes that are not text are an error of that argument alone."""
    bad, good = rows(run("parse", "--jsonl", argument, "HALT").stdout)
    assert (bad["ok"], bad["raw"]) == (False, raw)
    assert bad["error"].startswith("not UTF-8")
    assert good["ok"]
