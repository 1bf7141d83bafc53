"""lenient.toml: what is wrong with its tables is said when they are read."""

import shutil
from pathlib import Path

import pytest

import tests.sets
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa import load_set

ZETA = Path(tests.sets.__file__).parent / "zeta"
SHORT = (
    '[[short_phrases]]\nof = "PLUSI"\ngiven = { imm = 1 }\nphrases = ["up {rd}"]\nheld_out = []\n'
)
IMPLIED = '[[implied]]\noperand = "imm"\nimplies = 0\nwords = ["plain"]\n'


def folder_with(table: str, tmp_path: Path) -> Path:
    folder = tmp_path / "zeta"
    shutil.copytree(ZETA, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "lenient.toml").write_text(table, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('[synonyms]\nNOSUCH = ["word"]', "about NOSUCH, which is no mnemonic"),
        (IMPLIED + 'of = ["OP_NOSUCH"]', "OP_NOSUCH has no imm to imply"),
        (IMPLIED + 'of = ["OP_BEEP"]', "OP_BEEP has no imm to imply"),
        (IMPLIED.replace("imm", "none"), "no operation has no none to imply"),
        ("[[implied]]\nimplies = 0", "'operand'"),
        (IMPLIED.replace('["plain"]', '[""]'), "not a list of texts"),
        ('keywords = [["(", "HALT"]]', r"missing \)"),
        ('[step_signs]\nHALT = ""', "not a list of texts"),
        ('[synonyms]\nHALT = "stop"', "not a list of texts: 'stop'"),
        (SHORT.replace("PLUSI", "NOSUCH"), "about NOSUCH, which is no mnemonic"),
        (SHORT.replace("imm = 1", "imm = 99999999999"), "OP_PLUSI has no imm 99999999999"),
        (SHORT.replace("imm = 1", "level = 1"), "OP_PLUSI has no level 1"),
        (SHORT.replace("{rd}", "{lmp}"), "no phrase of PLUSI writes lmp"),
        (SHORT.replace("{rd}", "{imm}"), "no phrase of PLUSI writes imm"),
        (SHORT.replace("held_out", "others"), "'held_out'"),
    ],
)
def test_what_is_wrong_is_said(table: str, message: str, tmp_path: Path) -> None:
    """With the name of the set."""
    with pytest.raises(IsaError, match=message) as caught:
        find_dialect("lenient", load_set(folder_with(table, tmp_path)))
    assert "zeta" in str(caught.value)


def test_a_value_is_implied_of_some_operations_or_of_all(tmp_path: Path) -> None:
    """Those that have the operand, each once."""
    table = IMPLIED.replace("imm", "rd").replace("= 0", "= 'zero'")
    keys = {}
    for name, of in (("all", ""), ("some", 'of = ["OP_PLUSI", "OP_LINK"]')):
        dialect = find_dialect("lenient", load_set(folder_with(table + of, tmp_path / name)))
        found = dialect.read("plain a0").mentions.implied
        assert {(operand, value) for _, operand, value in found} == {("rd", '"zero"')}
        keys[name] = sorted(key for key, _, _ in found)
    assert keys["some"] == ["OP_LINK", "OP_PLUSI"]
    assert keys["all"] == ["OP_FETCH", "OP_LINK", "OP_PLUS", "OP_PLUSI", "OP_SHIFT"]
