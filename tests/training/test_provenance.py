"""What says of which code and weights a result is."""

import subprocess
from pathlib import Path

import pytest

from kvrm_grammar.decoding.decoder import Decoder
from training.provenance import current_commit, provenance


def test_a_commit_is_dirty_for_code_and_not_for_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One measurement's results do not mark the next; None outside a repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert current_commit() is None
    code, result = tmp_path / "code.py", tmp_path / "benchmarks" / "results" / "stream.json"
    evaluation = tmp_path / "models" / "decode_llm" / "evaluation.json"
    for file in (code, result, evaluation):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("1")
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], check=True)
    clean = current_commit()
    assert clean
    assert "-dirty" not in clean
    result.write_text("2")
    evaluation.write_text("2")
    assert current_commit() == clean
    code.write_text("2")
    assert current_commit() == f"{clean}-dirty"


def test_a_measurement_without_git_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_decoder: Decoder
) -> None:
    """Where git is not installed the commit is unknown, and all else is told."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        subprocess.run(["git"], check=False)
    assert current_commit() is None
    row = provenance(tiny_decoder, 7)
    assert (row["commit"], row["seed"]) == (None, 7)


def test_the_base_is_told_by_its_bytes(tiny_decoder: Decoder) -> None:
    """A name may come to mean other weights; the identity does not."""
    row = provenance(tiny_decoder)
    assert (row["base"], row["base_id"]) == (
        tiny_decoder.loaded.base_name,
        tiny_decoder.loaded.base_id,
    )
    assert row["base_id"].partition(":")[0] in ("sha256", "commit", "folder")
