"""cache.py: one folder, which the environment may name, or a clear error."""

import os
from pathlib import Path
from typing import NoReturn

import platformdirs
import pytest

from kvrm_grammar.cache import cache_dir
from kvrm_grammar.errors import ModelError


def test_cache_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable wins, is made absolute, and counts as unset when empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", "here")
    assert cache_dir() == tmp_path / "here"
    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", "~/there")
    assert cache_dir() == tmp_path / "home" / "there"
    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", "")
    default = cache_dir()
    monkeypatch.delenv("KVRM_GRAMMAR_CACHE")
    assert cache_dir() == default
    assert default.name == "kvrm-grammar"
    assert default.is_absolute()


@pytest.mark.parametrize("chosen", ["", "~/there"])
def test_no_home_folder(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without one is told which variable names a folder."""

    def homeless(*arguments: object, **options: object) -> NoReturn:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", chosen)
    monkeypatch.setattr(Path, "expanduser", homeless)
    monkeypatch.setattr(platformdirs, "user_cache_dir", homeless)
    with pytest.raises(ModelError, match=r"home directory.*set KVRM_GRAMMAR_CACHE to an absolute"):
        cache_dir()


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_a_folder_whose_name_is_not_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told here, and not by a library that would blame a file."""
    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", "/caf\udce9")
    with pytest.raises(ModelError, match=r"can't encode.*set KVRM_GRAMMAR_CACHE"):
        cache_dir()
