"""``cases.jsonl``: read of every kind of set, as JSON Lines are."""

import json
from pathlib import Path

import pytest

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa import load_set
from kvrm_grammar.isa.binding import bind
from kvrm_grammar.isa.cases import read_cases
from kvrm_grammar.isa.scaffold import write_scaffold
from tests.sets import SCAFFOLD

REFUSED = {"key": "OP_INVALID", "params": {}}


def test_cases_of_a_folder_are_read_in_order() -> None:
    """Text and answer of each line."""
    cases = read_cases(SCAFFOLD)
    assert cases[0] == {"text": "on hall", "answer": {"key": "OP_ON", "params": {"lamp": "hall"}}}
    assert cases[-1] == {"text": "", "answer": REFUSED}


def test_a_line_separator_in_a_text_ends_no_line(tmp_path: Path) -> None:
    """U+2028 may stand in a JSON string as it is; blank lines are left out."""
    write_scaffold(tmp_path / "lamps")
    case = {"text": "on\u2028hall", "answer": REFUSED}
    line = json.dumps(case, ensure_ascii=False)
    (tmp_path / "lamps" / "cases.jsonl").write_text(f"\n{line}\n\n", "utf-8")
    assert read_cases(load_set(tmp_path / "lamps")) == (case,)


def test_a_set_without_cases_has_none(tmp_path: Path) -> None:
    """Neither a folder without the file nor a set that was bound by hand is an error."""
    write_scaffold(tmp_path / "lamps")
    (tmp_path / "lamps" / "cases.jsonl").unlink()
    assert read_cases(load_set(tmp_path / "lamps")) == ()
    by_hand = bind(SCAFFOLD.grammar, SCAFFOLD.models, SCAFFOLD.definition)
    assert read_cases(by_hand) == ()


def test_an_installed_sets_cases_lie_beside_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set of an entry point has its cases where its grammar is."""
    write_scaffold(tmp_path / "porchlamps")
    (tmp_path / "porchlamps" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    from importlib.metadata import EntryPoint

    found = EntryPoint("porchlamps", "porchlamps.operations", "kvrm_grammar.sets")
    monkeypatch.setattr("kvrm_grammar.isa.loading.entry_points", lambda **_: [found])
    isa = load_set("porchlamps")
    assert isa.source == "porchlamps"
    assert read_cases(isa) == read_cases(SCAFFOLD)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """With its name, as an error of the set."""
    write_scaffold(tmp_path / "lamps")
    (tmp_path / "lamps" / "cases.jsonl").write_bytes(b"\xff")
    with pytest.raises(IsaError, match=r"cannot read .*cases\.jsonl"):
        read_cases(load_set(tmp_path / "lamps"))
