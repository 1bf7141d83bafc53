"""Loading a set: one source is one object, however many others there are."""

import pickle
from pathlib import Path

import pytest

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa import load_set
from kvrm_grammar.isa.scaffold import write_scaffold
from tests.sets import ZETA
from tests.sets.small import small_set


def test_many_sets_do_not_replace_one_another(tmp_path: Path) -> None:
    """After forty other sets an operation is still equal to what was pickled before."""
    operation = ZETA.operation("OP_SHIFT", {"rd": "a0", "rs1": "ra", "shamt": 3})
    payload = pickle.dumps(operation)
    sets = [small_set(tmp_path / str(number), ("sp", "ra")) for number in range(40)]
    assert len({*sets}) == 40
    assert load_set(ZETA.source) is ZETA
    assert pickle.loads(payload) == operation
    assert [load_set(one.source) for one in sets] == sets


def test_a_dot_is_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``isa new .`` is followed by ``isa check .``; a bare name never is a folder."""
    write_scaffold(tmp_path / "lamp")
    monkeypatch.chdir(tmp_path / "lamp")
    assert load_set(".") is load_set(tmp_path / "lamp")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IsaError, match="no instruction set 'lamp'"):
        load_set("lamp")
