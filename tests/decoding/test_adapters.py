"""Which set an adapter belongs to: by its name from its manifest, by its folder from the caller."""

from pathlib import Path

import pytest

from kvrm_grammar.decoding.adapters import choose
from kvrm_grammar.dialects.base import PROMPT_VERSION
from kvrm_grammar.errors import AdapterError
from kvrm_grammar.isa import load_set
from kvrm_grammar.isa.scaffold import write_scaffold
from kvrm_grammar.weights.manifest import Manifest, write_manifest
from tests.sets import ZETA


def adapter(folder: Path, name: str, digest: str = "") -> Path:
    """A folder with nothing but a manifest."""
    folder.mkdir(exist_ok=True)
    write_manifest(folder, Manifest(name, digest, "strict", PROMPT_VERSION))
    return folder


def test_the_callers_folder_is_the_set(tmp_path: Path) -> None:
    """Named as a text or as a path, and checked against the digest."""
    folder = adapter(tmp_path / "a", "zeta", ZETA.digest)
    for isa in (ZETA, ZETA.source, Path(ZETA.source)):
        assert choose(folder, isa, None)[1].isa is ZETA


def test_a_set_that_has_no_name_here_needs_its_folder(tmp_path: Path) -> None:
    """The error names the adapter, the set and the option."""
    folder = adapter(tmp_path / "a", "zeta", ZETA.digest)
    with pytest.raises(AdapterError, match=r"a was trained for .* 'zeta', .* pass .* --isa"):
        choose(folder, None, None)


def test_a_manifest_cannot_name_code_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in a manifest that came with an adapter is refused, and its code is not run."""
    write_scaffold(tmp_path / "lamps")
    operations = tmp_path / "lamps" / "operations.py"
    ran = tmp_path / "ran"
    operations.write_text(
        f"__import__('pathlib').Path({str(ran)!r}).touch()\n{operations.read_text('utf-8')}",
        "utf-8",
    )
    monkeypatch.chdir(tmp_path)
    for name in (f"{tmp_path}/lamps", "./lamps", "lamps/", "..\\lamps"):
        with pytest.raises(AdapterError, match="a manifest has a name, no folder"):
            choose(adapter(tmp_path / "a", name), None, None)
    with pytest.raises(AdapterError, match="not known by its name"):
        choose(adapter(tmp_path / "a", "lamps"), None, None)
    assert not ran.exists()
    choose(adapter(tmp_path / "a", "lamps"), "./lamps", None)
    assert ran.exists()


def test_a_changed_set_is_told(tmp_path: Path) -> None:
    """Another digest under the same name: train again, or pass the set as it was."""
    write_scaffold(tmp_path / "lamps")
    folder = adapter(tmp_path / "a", "lamps", "0" * 64)
    with pytest.raises(AdapterError, match=r"another version .* train it again, or pass by --isa"):
        choose(folder, tmp_path / "lamps", None)
    sound = adapter(tmp_path / "a", "lamps", load_set(tmp_path / "lamps").digest)
    assert choose(sound, tmp_path / "lamps", None)[1].isa.name == "lamps"
