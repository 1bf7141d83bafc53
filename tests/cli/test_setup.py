"""The command ``setup``: what a first run would fetch and build."""

from pathlib import Path

import pytest

from kvrm_grammar import resources
from kvrm_grammar.cli import setup as command
from kvrm_grammar.cli.loading import ModelOptions
from kvrm_grammar.weights import packaged_base as base_module
from tests.cli.running import run


def test_setup_with_a_blocked_cache(blocked_cache: Path) -> None:
    """The base model needs the cache folder: setup says so, and which variable moves it."""
    result = run("setup")
    assert (result.stdout, result.exit_code) == ("", 3)
    assert str(blocked_cache) in result.stderr
    assert "set KVRM_GRAMMAR_CACHE" in result.stderr


@pytest.mark.parametrize("verify", [True, False])
def test_setup_prepares_base_and_index(
    verify: bool,
    tiny_adapter: Path,
    tiny_base: Path,
    cache_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Setup builds the base, loads the adapter and leaves the index; results go nowhere."""
    asked: list[bool] = []

    def ensure(*, progress: bool, verify: bool) -> Path:
        asked.append(verify)
        return tiny_base

    monkeypatch.setattr(base_module, "ensure_packaged_base", ensure)
    result = run("setup", "--adapter", str(tiny_adapter), "--verify" if verify else "--no-verify")
    assert (result.stdout, result.exit_code, asked) == ("", 0, [verify])
    assert result.stderr == f"base model: {tiny_base}\nadapter and index: ready\n"
    assert list((cache_folder / "index").glob("*.entry"))


def test_setup_prepares_every_dialect(
    tiny_base: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an adapter the packaged ones are loaded, so that no first answer compiles."""
    loaded: list[str | None] = []
    monkeypatch.setattr(base_module, "ensure_packaged_base", lambda **_: tiny_base)
    monkeypatch.setattr(ModelOptions, "load", lambda options: loaded.append(options.dialect))
    result = run("setup")
    assert (result.stdout, result.exit_code, loaded) == ("", 0, ["strict", "lenient"])
    assert "strict dialect: ready\nlenient dialect: ready\n" in result.stderr
    monkeypatch.setattr(resources, "_ROOTS", (cache_folder,))
    assert command._with_an_adapter() == []
