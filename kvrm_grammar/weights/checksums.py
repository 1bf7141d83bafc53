"""The checksums of an adapter folder: ``SHA256SUMS``, as ``sha256sum -c`` reads it.

In: a folder with an adapter's files. Out: one line for each of them, or an
:class:`~kvrm_grammar.errors.AdapterError` that names the file which is not what it was.
Used by :mod:`~kvrm_grammar.weights.adapter` and :mod:`~kvrm_grammar.weights.manifest`.
"""

from pathlib import Path

from kvrm_grammar.errors import AdapterError
from kvrm_grammar.weights.fetch import sha256

__all__ = [
    "CONFIG",
    "MANIFEST",
    "WEIGHTS",
    "compare_checksums",
    "update_checksum",
    "write_checksums",
]

CONFIG = "adapter_config.json"
"""PEFT's description of the adapter."""
WEIGHTS = "adapter_model.safetensors"
"""The adapter's tensors."""
MANIFEST = "kvrm.json"
"""What the adapter was trained for; folders of other tools have none."""

_CHECKSUMS = "SHA256SUMS"


def write_checksums(folder: Path) -> None:
    """Write ``SHA256SUMS`` beside an adapter's files, the manifest among them where there is one.

    Args:
        folder: Holds the configuration and the weights.

    Raises:
        AdapterError: One of the files cannot be read.
        OSError: The folder cannot be written to.
    """
    _write(folder, "".join(_line(folder, name) for name in _covered(folder)))


def update_checksum(folder: Path, name: str) -> None:
    """Write one file's line anew, where the folder has checksums; other lines stay.

    So a file that was damaged before is still found to be.

    Args:
        folder: The adapter folder.
        name: The file that was written on purpose.

    Raises:
        AdapterError: The file, or the checksums, cannot be read.
        OSError: The folder cannot be written to.
    """
    written = _read(folder)
    if written is not None:
        kept = [line for line in written.splitlines() if line.split("  ", 1)[-1] != name]
        _write(folder, "".join(f"{line}\n" for line in kept) + _line(folder, name))


def compare_checksums(folder: Path) -> None:
    """Make sure that an adapter's files are what its ``SHA256SUMS`` says, if it has one.

    Args:
        folder: Holds the configuration and the weights.

    Raises:
        AdapterError: A file is another one, or is not listed, or cannot be read.
    """
    written = _read(folder)
    if written is None:  # other tools write none
        return
    found = sorted(written.splitlines(keepends=True))
    expected = {_line(folder, name): name for name in _covered(folder)}
    if found != sorted(expected):
        wrong = [name for line, name in expected.items() if line not in found]
        raise AdapterError(
            f"{folder} is damaged: its files are not those of its {_CHECKSUMS} "
            f"({wrong[0] if wrong else 'which lists others too'}); copy the whole folder again, "
            f"or, where you changed it on purpose, remove {_CHECKSUMS}"
        )


def _covered(folder: Path) -> list[str]:
    return [CONFIG, WEIGHTS, *[MANIFEST] * (folder / MANIFEST).exists()]


def _line(folder: Path, name: str) -> str:
    try:
        return f"{sha256(folder / name)}  {name}\n"
    except OSError as error:
        raise AdapterError(
            f"{folder / name} cannot be read ({error.strerror or error}); make it readable for "
            "this user, or copy it again"
        ) from error


def _read(folder: Path) -> str | None:
    """The checksums with plain line ends: a checkout on Windows may have changed them."""
    path = folder / _CHECKSUMS
    try:
        return path.read_bytes().replace(b"\r\n", b"\n").decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AdapterError(
            f"{path} cannot be read ({error.strerror or error}); copy it again, or remove it"
        ) from error


def _write(folder: Path, text: str) -> None:
    (folder / _CHECKSUMS).write_text(text, encoding="utf-8", newline="\n")
