"""benchmarks/grounding.py: what is written is found, what is not is told."""

import json
from pathlib import Path

import pytest

from benchmarks import grounding
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import load_set
from kvrm_grammar.language.candidates import Candidates

LENIENT = find_dialect("lenient")


@pytest.mark.parametrize(
    ("value", "text", "written"),
    [
        ("R5", "sub r5 r3", True), ("R5", "REG 5", True), ("R5", "$5", True),
        ("R5", "register five", True), ("R5", "r55", False), ("R5", "5", False),
        ("R5", "\uff32\uff15", True),
        (31, "0x1F", True), (31, "1fh", True), (31, "$1f", True), (31, "%11111", True),
        (31, "thirty-one", True), (31, "0b11111", True), (31, "0o37", True), (31, "031", True),
        (31, "310", False), (31, "131", False), (31, "0x1f0", False), (1000, "1_000", True),
        (-4, "\u2212 4", True), (-4, "4", False), (65, "'A'", True), (97, "'A'", False),
        (0, "clear it", False), (0, "go", False), (10, r"'\n'", True),
        ("loop", "jmp loop", True), ("loop", "jmp LOOP", False),
    ],
)  # fmt: skip
def test_is_written(value: str | int, text: str, written: bool) -> None:
    """In any spelling of the tables, and in no other."""
    assert grounding.is_written(value, text, LENIENT) is written


def test_inventions_and_losses_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language that holds other operands than the text is told, once for each text."""
    sub = load_set().operation("OP_SUB", {"dest": "R5", "src1": "R3", "src2": "R1"})
    assert grounding.invented([sub], "sub r5 r3 r1", LENIENT) == []
    assert grounding.invented([sub], "sub r5 r3", LENIENT) == [("src2", "R1")]
    # R7 in each, and a blank that canonical JSON has not.
    member = '{"key": "OP_INC","params":{"dest":"R7"}}'
    monkeypatch.setattr(Candidates, "of", lambda *_: [member])
    found = grounding.campaign(find_dialect("strict"), 40, 1)
    assert found["lost"] == found["of_known_meaning"] == 40
    assert found["outside"] == found["texts"] == found["members"] >= 40
    assert 20 < found["invented"] < found["texts"]


def test_a_campaign_of_another_set(tmp_path: Path) -> None:
    """Values that names of operations imply are not invented; no right answer is lost either."""
    file = tmp_path / "g"
    command = ["--isa", "rv32im", "--count", "120", "--seed", "4", "--output", str(file)]
    assert grounding.main(command) == 0
    for own in json.loads(file.read_text("utf-8"))["dialects"].values():
        assert own["of_known_meaning"] >= 120 and own["members"] > own["texts"]
        assert (own["invented"], own["lost"], own["outside"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("value", "text", "written"),
    [
        ("a0", "add x10, a1, a2", True), ("a0", "ADD A0, A1, A2", True), ("a0", "a01", False),
        ("zero", "li a0, 5", False), ("zero", "add a0, a1, zero", True), ("ra", "ret", False),
        (0, "mv a2, a1", False), (0, "addi a2, a1, 0", True), (0x100D8, "j 100d8 <main>", True),
    ],
)  # fmt: skip
def test_is_written_in_another_set(value: str | int, text: str, written: bool) -> None:
    """By any of its spellings."""
    dialect = find_dialect("lenient", load_set("rv32im"))
    assert grounding.is_written(value, text, dialect) is written


@pytest.mark.parametrize(
    ("key", "operand", "value", "text", "implied"),
    [
        ("OP_ADDI", "imm", 0, "mv a0, a1", True), ("OP_ORI", "imm", 0, "mv a0, a1", False),
        ("OP_ADDI", "rs1", "zero", "li a0, 5", True), ("OP_ADDI", "rd", "zero", "li a0, 5", False),
        ("OP_JALR", "rs1", "ra", "ret", True), ("OP_JALR", "rd", "ra", "ret", False),
        ("OP_BEQ", "rs2", "zero", "beqz a0, x", True),
        ("OP_BEQ", "rs1", "zero", "beqz a0, x", False),
        ("OP_ANDI", "imm", 255, "the low byte of a0", True),
        ("OP_XORI", "imm", 255, "the low byte of a0", False),
        ("OP_ADDI", "imm", 0, "addi a2, a1, 3", False),
        ("OP_JAL", "rd", "zero", "6\U0001f22cB", True),  # a symbol, a letter where it is plain
        ("OP_JAL", "rd", "zero", "6\u7121B", False),
    ],
)  # fmt: skip
def test_is_implied(key: str, operand: str, value: str | int, text: str, implied: bool) -> None:
    """By a name of the operation or by a word, for that operand of that operation alone."""
    dialect = find_dialect("lenient", load_set("rv32im"))
    assert grounding.is_implied(key, operand, value, text, dialect) is implied


def test_a_small_campaign(tmp_path: Path) -> None:
    """Nothing is invented, nothing lost; both dialects, thousands of answers."""
    assert grounding.main(["--count", "600", "--seed", "3", "--output", str(tmp_path / "g")]) == 0
    report = json.loads((tmp_path / "g").read_text("utf-8"))
    assert set(report["dialects"]) == {"strict", "lenient"}
    for own in report["dialects"].values():
        assert own["of_known_meaning"] == 600
        assert own["texts"] > 700
        assert own["members"] > 5 * own["texts"]
        assert (own["invented"], own["lost"], own["outside"]) == (0, 0, 0)
        assert own["largest_language"] <= own["largest_possible"]
