"""store.py: a graph is built once, is whole or absent, and a bad cache costs time alone."""

import errno
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from kvrm_grammar.errors import ModelError
from kvrm_grammar.weights import verified
from kvrm_grammar.weights.export import store
from kvrm_grammar.weights.export.store import GRAPH, discard, stored_graph
from kvrm_grammar.weights.fetch import sha256

BLOB = bytes(range(256)) * 9


class Builder:
    """Writes a blob, and counts."""

    def __init__(self, content: bytes = BLOB) -> None:
        self.content = content
        self.built = 0

    def __call__(self, path: Path) -> None:
        self.built += 1
        path.write_bytes(self.content)


def stored(key: str, build: Callable[[Path], None]) -> Path:
    """A graph that is kept."""
    path = stored_graph(key, build)
    assert path is not None
    return path


def not_kept(build: Callable[[Path], None], key: str = "key") -> str:
    """The warning where a graph cannot be kept."""
    with pytest.warns(RuntimeWarning, match="cannot be kept") as caught:
        assert stored_graph(key, build) is None
    assert len(caught) == 1
    return str(caught[0].message)


def leftovers(cache_folder: Path) -> list[str]:
    """What else than graphs, notes and the lock is in the folder."""
    names = {path.name for path in (cache_folder / "graphs").iterdir()}
    return sorted(name for name in names - {"build.lock"} if name.startswith("."))


def test_built_once(cache_folder: Path) -> None:
    """The second call does not build, and gives the same file."""
    build = Builder()
    first, second = stored("key", build), stored("key", build)
    assert first == second
    assert first.name == GRAPH
    assert first.read_bytes() == BLOB
    assert build.built == 1
    assert first.is_relative_to(cache_folder)
    assert leftovers(cache_folder) == []


def test_keys_have_graphs_of_their_own(cache_folder: Path) -> None:
    """Another key is another graph, and leaves the first one."""
    one, two = Builder(b"one"), Builder(b"two")
    paths = stored("1", one), stored("2", two)
    assert [path.read_bytes() for path in paths] == [b"one", b"two"]
    assert stored("1", one).read_bytes() == b"one"
    assert (one.built, two.built) == (1, 1)


def _manifest(path: Path, **changes: Any) -> None:
    own = path.with_name("manifest.json")
    own.write_text(json.dumps(json.loads(own.read_text()) | changes))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def _flip_unseen(path: Path) -> None:
    """A bit that the disk lost: size and times are as before, and the note is old."""
    found = path.stat()
    _flip(path)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    verified.forget(path.parent)


def _blob_is_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _folder_is_a_file(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_bytes(b"in the way")


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "another key": lambda p: _manifest(p, key="other"),
    "another digest": lambda p: _manifest(p, sha256="0" * 64),
    "another size": lambda p: _manifest(p, bytes=1),
    "no digest": lambda p: p.with_name("manifest.json").write_text('{"key": "key"}'),
    "no manifest": lambda p: p.with_name("manifest.json").unlink(),
    "empty manifest": lambda p: p.with_name("manifest.json").write_bytes(b""),
    "manifest of other bytes": lambda p: p.with_name("manifest.json").write_bytes(b"\xff\xfe"),
    "list as manifest": lambda p: p.with_name("manifest.json").write_text("[]"),
    "no blob": lambda p: p.unlink(),
    "empty blob": lambda p: p.write_bytes(b""),
    "short blob": lambda p: p.write_bytes(BLOB[:-1]),
    "long blob": lambda p: p.write_bytes(BLOB + b"x"),
    "flipped bit": _flip,
    "flipped bit, same times": _flip_unseen,
    "blob is a folder": _blob_is_a_folder,
    "folder is a file": _folder_is_a_file,
    "folder is gone": lambda p: shutil.rmtree(p.parent),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_built_anew(damage: Callable[[Path], Any], cache_folder: Path) -> None:
    """Whatever happened to blob, manifest or folder, one build makes it whole."""
    build = Builder()
    path = stored("key", build)
    damage(path)
    again = stored("key", build)
    assert again == path
    assert again.read_bytes() == BLOB
    assert build.built == 2
    assert stored("key", build) == path
    assert build.built == 2
    assert leftovers(cache_folder) == []


def test_hashed_once_a_week(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph that was hashed is not hashed again, until its note is old."""
    build = Builder()
    path, hashed = stored("key", build), list[Path]()

    def watch(own: Path) -> str:
        hashed.append(own)
        return sha256(own)

    monkeypatch.setattr(store, "sha256", watch)
    stored("key", build)
    assert hashed == []
    monkeypatch.setattr(verified, "MAX_AGE_S", 0.0)
    stored("key", build)
    assert hashed == [path]
    assert build.built == 1


def test_a_note_that_cannot_be_read(cache_folder: Path) -> None:
    """A broken note costs a hash and no more."""
    build = Builder()
    path = stored("key", build)
    note = path.parent.with_name(f"{path.parent.name}.verified")
    note.write_bytes(b"\xff{")
    assert stored("key", build) == path
    assert build.built == 1


@pytest.mark.parametrize("place", ["cache", "graphs", "above"])
def test_a_file_in_the_way(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder cannot be made there is a warning with its name, and no graph."""
    folder = tmp_path / ("file/cache" if place == "above" else "cache")
    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", str(folder))
    blocked = {"cache": folder, "graphs": folder / "graphs", "above": tmp_path / "file"}[place]
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_bytes(b"in the way")
    build = Builder()
    message = not_kept(build)
    assert str(folder) in message
    assert "KVRM_GRAMMAR_CACHE" in message
    assert build.built == 0
    assert blocked.read_bytes() == b"in the way"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_cannot_be_written(
    number: int, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no build folder can be made, there is a warning with the reason."""

    def refuse(**_: Any) -> str:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    assert os.strerror(number) in not_kept(Builder())


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_shortage_is_no_damage(
    number: int, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph that cannot be looked at in this moment is neither removed nor built anew."""
    build = Builder()
    path = stored("key", build)

    def refuse(folder: Path) -> NoReturn:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch, pytest.raises(ModelError, match="cannot be read now"):
        patch.setattr(store, "fingerprint", refuse)
        stored_graph("key", build)
    assert stored("key", build) == path
    assert build.built == 1


def test_no_space(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is a warning; half a graph is not left, and later it is built."""
    write = Path.write_bytes

    def full(path: Path, data: Any) -> int:
        write(path, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    build = Builder()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert os.strerror(errno.ENOSPC) in not_kept(build)
    assert [p.name for p in (cache_folder / "graphs").iterdir()] == ["build.lock"]
    assert stored("key", build).read_bytes() == BLOB


def test_an_error_while_building(cache_folder: Path) -> None:
    """Another error passes through, and leaves nothing; the next build is as usual."""

    def broken(path: Path) -> None:
        path.write_bytes(b"half")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        stored_graph("key", broken)
    assert [p.name for p in (cache_folder / "graphs").iterdir()] == ["build.lock"]
    build = Builder()
    assert stored("key", build).read_bytes() == BLOB
    assert build.built == 1


def test_nothing_was_built(cache_folder: Path) -> None:
    """A build that writes no file is not kept."""
    not_kept(lambda path: None)
    assert leftovers(cache_folder) == []


def test_an_error_keeps_the_other_graphs(cache_folder: Path) -> None:
    """A failed build does no harm to what is there."""
    build = Builder()
    path = stored("key", build)

    def broken(path: Path) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        stored_graph("other", broken)
    assert stored("key", build) == path
    assert build.built == 1


def test_a_bounded_size(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The least recently used goes, its note with it; the newest two stay whatever they take."""
    build = Builder()
    size = sum(file.stat().st_size for file in stored("0", build).parent.iterdir())
    monkeypatch.setattr(store, "MAX_BYTES", 4 * size + 20)  # some keys are longer
    paths = [stored("0", build)]
    os.utime(paths[0].parent, (1000, 1000))
    for number in range(1, 4):
        paths.append(stored(str(number), build))
        os.utime(paths[-1].parent, (1000 + number, 1000 + number))
    stored("0", build)  # used now
    assert build.built == 4
    last = stored("new", build)
    folders = [path for path in (cache_folder / "graphs").iterdir() if path.is_dir()]
    assert len(folders) == 4
    assert paths[0].exists()
    assert not paths[1].exists()
    assert last.exists()
    notes = {path.stem for path in (cache_folder / "graphs").glob("*.verified")}
    assert notes == {folder.name for folder in folders}
    monkeypatch.setattr(store, "MAX_BYTES", 1)
    assert stored("large", build).exists()
    assert sum(path.is_dir() for path in (cache_folder / "graphs").iterdir()) == 2


def test_discarded(cache_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A graph that is of no use is gone, is logged, and is built anew."""
    build = Builder()
    path = stored("key", build)
    with caplog.at_level(logging.WARNING):
        discard(path)
    assert str(path) in caplog.text
    assert not path.parent.exists()
    assert not path.parent.with_name(f"{path.parent.name}.verified").exists()
    assert stored("key", build) == path
    assert build.built == 2


def python(code: str, *arguments: str) -> Any:
    """Start another process."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


TWO = """
import sys, time
from kvrm_grammar.weights.export.store import stored_graph

def build(path):
    with open(sys.argv[1], "a") as log:
        log.write("built\\n")
    with path.open("wb") as file:
        for _ in range(5):
            file.write(b"x" * 1000)
            file.flush()
            time.sleep(0.1)

path = stored_graph("key", build)
print(path, path.stat().st_size)
"""


def test_two_processes_at_once(cache_folder: Path, tmp_path: Path) -> None:
    """One builds, the others wait, and all have the same whole graph."""
    log = tmp_path / "log"
    processes = [python(TWO, str(log)) for _ in range(3)]
    outputs = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    (only,) = outputs
    assert only.split()[1] == "5000"
    assert log.read_text() == "built\n"
    assert leftovers(cache_folder) == []


KILLED = """
import os, signal
from kvrm_grammar.weights.export.store import stored_graph

def build(path):
    path.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

stored_graph("key", build)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_build(cache_folder: Path) -> None:
    """What a killed process left is no graph, holds no lock, and is removed by the next build."""
    process = python(KILLED)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert len(leftovers(cache_folder)) == 1
    build = Builder()
    assert stored("key", build).read_bytes() == BLOB
    assert leftovers(cache_folder) == []
    python(KILLED.replace('"key"', '"other"')).communicate(timeout=60)
    assert len(leftovers(cache_folder)) == 1
    stored("key", build)  # nothing is to be built, and yet
    assert leftovers(cache_folder) == []
