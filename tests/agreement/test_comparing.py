"""The comparisons of ``isa check``: silent on every set of ours, loud on each kind of damage."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.agreement import Comparison, Report, compare, comparing
from kvrm_grammar.agreement.labels import label_probes
from kvrm_grammar.isa import InstructionSet, load_set
from kvrm_grammar.isa.cases import read_cases
from kvrm_grammar.isa.scaffold import write_scaffold
from kvrm_grammar.language.constraint import Constraint, build_constraint
from kvrm_grammar.language.index import count_states
from kvrm_grammar.language.regex import integer_range_regex
from tests import sets
from tests.sets import SCAFFOLD, ZETA, every_set

LEVELS = integer_range_regex(0, 100)


def checked(isa: InstructionSet, **options: Any) -> Report:
    return compare(isa, read_cases(isa), samples=200, **options)


@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
def test_sets_of_ours_agree_with_themselves(isa: InstructionSet) -> None:
    """No problem, each kind of comparison looked at something, and sizes are what they are."""
    report = checked(isa)
    assert report.problems == ()
    constraint = build_constraint(isa)
    assert report.states == count_states(constraint)
    assert report.longest_answer == constraint.max_length
    assert report.largest_language > 1
    proved = {one.what: one.count for one in report.comparisons if one.is_proof}
    assert proved["keys and operands of answers"] == len(isa.keys)
    assert sum(what.startswith("integers") for what in proved) >= 2
    assert all(count > 0 for count in proved.values())
    probed = [one for one in report.comparisons if not one.is_proof]
    assert all(one.count >= 10 for one in probed if one.what != "cases")
    assert any(one.count > 2_000 for one in probed)


def test_a_range_is_proved_however_large(tmp_path: Path) -> None:
    """Two thousand million even numbers are counted, not listed."""
    proved = {one.what: one.count for one in checked(ZETA).comparisons if one.is_proof}
    assert proved["integers 0…4294967294 in steps of 2 in answers"] == 2_147_483_648


def damaged(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> tuple[Comparison, ...]:
    """What is told where the automaton of the scaffold is another one."""
    sound = build_constraint(SCAFFOLD)
    assert sound.regex.count(old) >= 1
    wrong = Constraint(sound.regex.replace(old, new), sound.digest, sound.max_length)
    monkeypatch.setattr(comparing, "build_constraint", lambda _: wrong)
    return tuple(one for one in checked(SCAFFOLD).comparisons if one.problems)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (LEVELS, integer_range_regex(0, 101), "integers 0…100 in answers"),
        (LEVELS, integer_range_regex(0, 99), "integers 0…100 in answers"),
        (LEVELS, integer_range_regex(1, 100), "integers 0…100 in answers"),
        (LEVELS, f"(?:{LEVELS}|007)", "integers 0…100 in answers"),
        (LEVELS, LEVELS.replace("[1-9]", "[1-46-9]"), "integers 0…100 in answers"),
        ('"porch"', '"garage"', "names answered for lamp"),
        ('"porch"', '"kitchen"', "names answered for lamp"),
        ("OP_AGAIN", "OP_AGAINST", "keys and operands of answers"),
        ('"level"', '"levels"', "keys and operands of answers"),
        (",", " ,", "keys and operands of answers"),
        ("[a-dfgijl-oq-z]", "[a-dfgijl-oq-y]", "labels for place"),
        ("[0-9_a-z]", "[0-9_a-zA]", "labels for place"),
    ],
)
def test_damage_to_the_automaton_is_found(
    old: str, new: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each proof and each probe can fail, and says where."""
    found = damaged(monkeypatch, old, new)
    assert what in [one.what for one in found]


def test_an_answer_that_may_go_on_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may stand behind the last brace."""
    sound = build_constraint(SCAFFOLD)
    wrong = Constraint(sound.regex + " ?", sound.digest, sound.max_length)
    monkeypatch.setattr(comparing, "build_constraint", lambda _: wrong)
    assert any("may go on after its end" in problem for problem in checked(SCAFFOLD).problems)


@pytest.fixture
def lamps(tmp_path: Path) -> Path:
    folder = tmp_path / "lamps"
    write_scaffold(folder)
    return folder


def edit(folder: Path, file: str, old: str, new: str) -> InstructionSet:
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), "utf-8")
    return load_set(folder)


def test_a_schema_that_is_stricter_than_it_says_is_found(lamps: Path) -> None:
    """A validator in code is in no JSON schema: the values themselves are tried."""
    text = (lamps / "operations.py").read_text("utf-8")
    text = text.replace("Field(ge=0, le=100)]", "Field(ge=0, le=100), AfterValidator(odd)]")
    text = text.replace(
        "# What an operand may be",
        "from pydantic import AfterValidator\n\n\ndef odd(n: int) -> int:\n"
        "    if n == 37:\n        raise ValueError('not 37')\n    return n\n\n\n"
        "# What an operand may be",
    )
    (lamps / "operations.py").write_text(text, "utf-8")
    assert "the schema refuses OP_DIM.level = 37" in checked(load_set(lamps)).problems


def test_a_word_that_means_no_name_is_found(lamps: Path) -> None:
    """The grammar takes it, nobody says what it means."""
    isa = edit(lamps, "grammar.lark", "hall|entrance|", "hall(?:way)?|entrance|")
    problems = checked(isa).problems
    assert "'hallway' is taken for lamp and means no name" in problems


def test_a_case_that_is_wrong_is_found(lamps: Path) -> None:
    """What the text means is told beside what was written down; a foreign answer is told too."""
    (lamps / "cases.jsonl").write_text(
        '{"text": "on hall", "answer": {"key": "OP_INVALID", "params": {}}}\n'
        '{"text": "on hall", "answer": {"key": "OP_FLY", "params": {}}}\n'
        '{"text": "on attic", "answer": {"key": "OP_ON", "params": {"lamp": "hall"}}}\n',
        "utf-8",
    )
    first, second, third = checked(load_set(lamps)).comparisons[0].problems
    assert first == """'on hall' means {"key":"OP_ON","params":{"lamp":"hall"}}"""
    assert "OP_FLY" in second
    assert third.startswith("""'on attic' means {"key":"OP_INVALID","params":{}} (""")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('line = ["#"]', 'line = ["#", "!"]', "! starts a comment in isa.toml, not in the grammar"),
        ('line = ["#"]', "line = []", "# starts a comment in the grammar, not in isa.toml"),
        ('[["/*", "*/"]]', "[]", "/* starts a comment in the grammar, not in isa.toml"),
        ('"*/"]]', '"*/"], ["<", ">"]]', "< starts a comment in isa.toml, not in the grammar"),
    ],
)
def test_a_comment_of_one_source_is_found(old: str, new: str, problem: str, tmp_path: Path) -> None:
    """The model sees a text without comments, the parser the whole: both must mean the same."""
    folder = tmp_path / "zeta"
    shutil.copytree(Path(sets.__file__).parent / "zeta", folder)
    isa = edit(folder, "isa.toml", old, new)
    (found,) = (one for one in checked(isa).comparisons if one.what == "comments")
    assert any(problem in one for one in found.problems)


def test_every_kind_of_character_is_tried_as_a_label() -> None:
    """Every ASCII character first, last and alone, some beyond, and every length."""
    operand = next(o for c in SCAFFOLD.opcodes for o in c.operands if o.domain.has_labels)
    probes = {*label_probes(SCAFFOLD, operand)}
    assert {*map(chr, range(128)), "\u017f", "\u212a", "\u0661"} <= probes
    assert {len(probe) for probe in probes} >= {*range(19)}
    assert {"hall", "HALL", "hal", "halla"} <= probes
    assert any(probe.startswith("hall") and len(probe) == 17 for probe in probes)
