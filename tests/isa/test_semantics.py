"""Where a set's semantics come from, and what they must have."""

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa import InstructionSet, Semantics, load_set
from kvrm_grammar.isa.binding import bind
from kvrm_grammar.isa.scaffold import write_scaffold
from tests.sets import ZETA, every_set

KVRM = load_set()


def _lamps(folder: Path, old: str = "", new: str = "") -> InstructionSet:
    """A new set in a folder, with one change of its semantics."""
    write_scaffold(folder)
    path = folder / "semantics.py"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new) if old else text, "utf-8")
    return load_set(folder)


def test_semantics_have_every_key_but_the_refusal() -> None:
    """Of every set that has some; the packaged one and the scaffold do, the test set does not."""
    named = {isa.name: isa for isa in every_set()}
    having = {name for name, isa in named.items() if isa.semantics is not None}
    assert having >= {"kvrm", "scaffold"} and "zeta" not in having
    for name in having:
        semantics = named[name].semantics
        assert semantics is not None
        assert semantics.effects.keys() == named[name].by_key.keys()
        assert semantics.can_hold(0)


def test_a_folder_may_be_without(tmp_path: Path) -> None:
    """A set decodes without; it has the digest that it has with them."""
    own = _lamps(tmp_path / "lamp")
    shutil.copytree(tmp_path / "lamp", tmp_path / "bare" / "lamp")
    (tmp_path / "bare" / "lamp" / "semantics.py").unlink()
    bare = load_set(tmp_path / "bare" / "lamp")
    assert isinstance(own.semantics, Semantics) and bare.semantics is None
    assert own.digest == bare.digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"OP_ON": on, ', "", "lamp: OP_ON is in the schemas only"),
        ('"OP_ON": on', '"OP_GLOW": on, "OP_ON": on', "lamp: OP_GLOW is in the semantics only"),
        ("SEMANTICS = ", "OTHER = ", r"semantics\.py defines no SEMANTICS"),
        ("SEMANTICS = Semantics(", "SEMANTICS = dict(", "defines no SEMANTICS, of the class"),
        ("Integers(0, 100)", "Integers(1, 100)", "lamp: registers hold 0 at the start"),
        ("def on", "1 / 0\ndef on", r"semantics\.py cannot be imported: division by zero"),
    ],
)
def test_semantics_that_do_not_fit(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Loading the set says where they differ."""
    with pytest.raises(IsaError, match=message):
        _lamps(tmp_path / "lamp", old, new)


def test_semantics_of_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set from an entry point brings them as a module of its package, or says what is wrong."""
    for name in ("wheel_lamp", "broken_lamp"):
        write_scaffold(tmp_path / name)
        (tmp_path / name / "__init__.py").write_text("", "utf-8")
    (tmp_path / "broken_lamp" / "semantics.py").write_text("from . import nothing", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    def found(*, group: str, name: str = "") -> list[EntryPoint]:
        return [EntryPoint(name, f"{name}.operations", group)]

    monkeypatch.setattr("kvrm_grammar.isa.loading.entry_points", found)
    semantics = load_set("wheel_lamp").semantics
    assert isinstance(semantics, Semantics)
    assert semantics.effects["OP_ON"].__module__ == "wheel_lamp.semantics"
    with pytest.raises(IsaError, match=r"semantics\.py cannot be imported"):
        load_set("broken_lamp")


def test_a_set_that_is_bound_by_hand() -> None:
    """It has what it is given; effects of other keys are refused."""
    assert bind(KVRM.grammar, KVRM.models, KVRM.definition).semantics is None
    wrong: Any = KVRM.semantics
    with pytest.raises(IsaError, match="zeta: OP_ADD is in the semantics only"):
        bind(ZETA.grammar, ZETA.models, ZETA.definition, semantics=wrong)
