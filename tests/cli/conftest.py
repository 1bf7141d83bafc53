"""Fixtures of the command line's tests: a model in place of the packaged one, a blocked cache."""

from pathlib import Path

import pytest

from kvrm_grammar.decoding.decoder import Decoder
from tests.cli.running import Oracle


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> Oracle:
    """Commands that would load a model get one that never errs."""
    decoder = Oracle()
    monkeypatch.setattr(Decoder, "from_pretrained", lambda *_, **__: decoder)
    return decoder


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tiny_decoder: Decoder) -> None:
    """Commands that would load a model get the untrained one, already loaded."""
    monkeypatch.setattr(Decoder, "from_pretrained", lambda *_, **__: tiny_decoder)


@pytest.fixture
def blocked_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that cannot be: its name is taken by a file."""
    file = tmp_path / "not-a-folder"
    file.write_text("")
    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", str(file))
    return file
