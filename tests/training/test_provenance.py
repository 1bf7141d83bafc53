"""evaluate.py: what says of which code and weights a result is."""

import subprocess
from pathlib import Path

import pytest

from training.evaluate import current_commit


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
