"""The store under a kill in mid-write, two writers, and links: old, new or nothing, never else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kvrm_grammar.language import store

OLD, NEW = b"old" * 50_000, bytes(range(256)) * 1_000

# Kills itself at a line of Python, or when the file has so many bytes, whatever is given.
WRITER = """
import os, resource, signal, sys
from pathlib import Path
from kvrm_grammar.language import store

folder, kind, point = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
lines = 0

def count(frame, event, argument):
    global lines
    lines += event == "line"
    if lines == point:
        os.kill(os.getpid(), signal.SIGKILL)
    return count

if kind == "bytes":
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (point, point))
elif kind == "line":
    sys.settrace(count)
store.write_entry(folder, "key", bytes(range(256)) * 1_000)
sys.settrace(None)
print(lines)
"""


def write(folder: Path, kind: str, point: int) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", WRITER, str(folder), kind, str(point)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_killed_in_mid_write(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At 100 points, between lines and between bytes: the entry is the old one or the new one."""
    whole = write(tmp_path, "line", -1)
    assert whole.returncode == 0, whole.stderr
    lines, size = int(whole.stdout), len(NEW) + 77
    points = [("line", 1 + place * lines // 50) for place in range(50)]
    points += [("bytes", place * size // 50) for place in range(50)]
    outcomes = {OLD: 0, NEW: 0}
    for kind, point in points:
        store.write_entry(tmp_path, "key", OLD)
        killed = write(tmp_path, kind, point)
        assert killed.returncode < 0, (kind, point, killed.stderr)
        found = store.read_entry(tmp_path, "key")
        assert found is not None
        outcomes[found] += 1
    assert "damaged" not in caplog.text
    assert outcomes[OLD] >= 70  # all kills between bytes, and those between lines until it is whole
    assert outcomes[NEW] > 0
    assert sum(outcomes.values()) == len(points) == 100
    for path in tmp_path.glob("*.tmp"):
        os.utime(path, (0, 0))
    store.write_entry(tmp_path, "key", NEW)
    assert [path.suffix for path in tmp_path.iterdir()] == [".entry"]
    assert store.read_entry(tmp_path, "key") == NEW


def test_two_writers(tmp_path: Path) -> None:
    """Eight processes write one key at once: the entry is whole, and nothing else is left."""
    command = [sys.executable, "-c", WRITER, str(tmp_path), "none", "0"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(8)]
    while any(process.poll() is None for process in running):
        assert store.read_entry(tmp_path, "key") in (None, NEW)
    assert [process.communicate()[0] for process in running] == [b"0\n"] * 8
    assert all(process.returncode == 0 for process in running)
    assert store.read_entry(tmp_path, "key") == NEW
    assert [path.suffix for path in tmp_path.iterdir()] == [".entry"]


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")
@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_entries_have_the_mode_of_new_files(mask: int, tmp_path: Path) -> None:
    """Who shares the folder can read them, as far as the writer's mask lets new files be read."""
    before = os.umask(mask)
    try:
        store.write_entry(tmp_path / "cache", "key", NEW)
    finally:
        os.umask(before)
    [entry] = (tmp_path / "cache").iterdir()
    assert entry.stat().st_mode & 0o777 == 0o666 & ~mask
    assert entry.parent.stat().st_mode & 0o777 == 0o777 & ~mask


def test_an_entry_that_cannot_be_removed_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of several users others' old entries stay; what was written is there."""
    for number in range(store.MAX_ENTRIES):
        store.write_entry(tmp_path, str(number), OLD)

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "unlink", refuse)
    store.write_entry(tmp_path, "one more", NEW)
    assert store.read_entry(tmp_path, "one more") == NEW
    assert len([*tmp_path.iterdir()]) == store.MAX_ENTRIES + 1


def test_links(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A linked folder works; a linked entry is replaced, and what it led to stays as it was."""
    folder, target = tmp_path / "cache", tmp_path / "precious"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    store.write_entry(tmp_path / "link", "key", OLD)
    assert store.read_entry(folder, "key") == OLD
    [entry] = folder.iterdir()
    entry.unlink()
    target.write_bytes(b"not an entry")
    entry.symlink_to(target)
    assert store.read_entry(folder, "key") is None
    assert "damaged" in caplog.text
    store.write_entry(folder, "key", NEW)
    assert store.read_entry(folder, "key") == NEW
    assert target.read_bytes() == b"not an entry"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.warns(RuntimeWarning, match="cannot"):
        assert store.read_entry(tmp_path / "loop", "key") is None
    with pytest.warns(RuntimeWarning, match="cannot write"):
        store.write_entry(tmp_path / "loop", "key", NEW)


def test_what_a_crash_left_goes_when_an_entry_is_read(tmp_path: Path) -> None:
    """Where nothing is written any more; a young one may belong to a process that writes."""
    store.write_entry(tmp_path, "key", b"payload")
    old, young = tmp_path / "old.tmp", tmp_path / "young.tmp"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    assert store.read_entry(tmp_path, "key") == b"payload"
    assert not old.exists() and young.exists()
