"""building.py: a folder has its name when it is whole, and what a lock's holder left is swept."""

import os
from pathlib import Path

import pytest

from kvrm_grammar.weights.building import alone, put_in_place, sweep, work_folder


def test_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is written out first; what was there before is put aside, and goes."""
    order: list[str] = []
    sync, replace = os.fsync, os.replace

    def watched_sync(number: int) -> None:
        order.append(f"sync {os.fstat(number).st_size}")
        sync(number)

    def watched_replace(source: Path, target: Path) -> None:
        order.append(f"replace {Path(target).name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_replace)
    folder = tmp_path / "folder"
    for content in ("one", "three"):
        with work_folder(tmp_path) as work:
            staged = work / "staged"
            staged.mkdir()
            (staged / "file").write_text(content, "ascii")
            put_in_place(staged, folder, work)
        assert (folder / "file").read_text("ascii") == content
    assert order == ["sync 3", "replace folder", "sync 5", "replace damaged", "replace folder"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_leftovers_are_swept_where_nobody_builds(tmp_path: Path) -> None:
    """What a killed process left goes with the next look, and not while another one builds."""
    left, lock = tmp_path / ".build-left", tmp_path / "lock"
    left.mkdir()
    with alone(lock, "tests", timeout_s=1):
        sweep(tmp_path, lock)
        assert left.exists()
    sweep(tmp_path, lock)
    assert not left.exists()
