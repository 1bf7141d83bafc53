"""The packaged base model: SmolLM2-135M-Instruct, converted once, offline ever after.

In: the original GGUF file (:mod:`kvrm_grammar.weights.fetch`). Out: a folder in the user's cache
with bfloat16 safetensors, the tokenizer, and a manifest of sizes and digests that is
written last. The folder appears by one rename, so it is whole or absent; a damaged one is
built again. Neither torch nor transformers is needed.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import Timeout

from kvrm_grammar import cache
from kvrm_grammar.errors import BaseModelError
from kvrm_grammar.weights.building import alone, put_in_place, sweep, work_folder
from kvrm_grammar.weights.fetch import GGUF_SHA256, Report, fetch_gguf, sha256
from kvrm_grammar.weights.progress import reporter
from kvrm_grammar.weights.verified import fingerprint, is_verified, note_verified, raise_if_passing

__all__ = [
    "PACKAGED_BASE_NAME",
    "Verify",
    "base_problem",
    "ensure_packaged_base",
    "packaged_base_path",
    "read_manifest",
]

PACKAGED_BASE_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""Public name of the packaged base, as adapters record it."""

Verify = bool | Literal["once"]
"""Whether to hash all files, or only where these very files were not hashed within a week."""

_LOGGER = logging.getLogger(__name__)
_FORMAT = 1
_MANIFEST = "manifest.json"
_WEIGHTS = "model.safetensors"
_LOCK_TIMEOUT_S = 900
_SPACE = "about 750 MB"


def packaged_base_path(root: Path | None = None) -> Path:
    """Say where the converted base model is or will be.

    Args:
        root: The cache folder; None for :func:`kvrm_grammar.cache.cache_dir`.

    Returns:
        A folder that need not exist.
    """
    return (root or cache.cache_dir()) / f"smollm2-135m-instruct-v{_FORMAT}"


def ensure_packaged_base(
    cache_dir: Path | None = None, *, progress: bool | Report = False, verify: Verify = False
) -> Path:
    """Return the converted base model, building it first where it is absent or damaged.

    Safe to call from several processes at once: one builds, the others wait, and say so once
    in the log.

    Args:
        cache_dir: The cache folder; None for :func:`kvrm_grammar.cache.cache_dir`.
        progress: True for a bar on standard error, or a function to report to.
        verify: Compare the SHA-256 of every file (about a second), not sizes alone; ``"once"``
            does so where a file has changed since the last time, or that is a week ago.

    Returns:
        The folder; its files match its manifest.

    Raises:
        BaseModelError: The original cannot be fetched or is not the expected file, the
            cache folder cannot be written or is full, or the conversion fails.
    """
    root = cache_dir or cache.cache_dir()
    folder = packaged_base_path(root)
    lock_file = root / f"{folder.name}.lock"
    if base_problem(folder, verify=verify) is None:
        sweep(root, lock_file)
        return folder
    with _clear_errors(root), reporter(progress) as report:
        root.mkdir(parents=True, exist_ok=True)
        lock = alone(
            lock_file,
            "builds the base model",
            timeout_s=_LOCK_TIMEOUT_S,
            report=lambda message: report(message, 0, None),
        )
        with lock:
            # Another process may have built it while this one waited.
            if base_problem(folder, verify=verify) is not None:
                _build(root, folder, report)
    return folder


def base_problem(folder: Path, *, verify: Verify = False) -> str | None:
    """Say what is wrong with a converted base model.

    Args:
        folder: As from :func:`packaged_base_path`.
        verify: See :func:`ensure_packaged_base`.

    Returns:
        None if all files match the manifest, else the first difference.

    Raises:
        ModelError: The process has too many open files, or the system no memory, to look.
    """
    try:
        manifest, found = read_manifest(folder), fingerprint(folder)
        hashing = verify is True or (verify == "once" and not is_verified(folder, found))
        for name, entry in manifest["files"].items():
            path = folder / name
            if path.stat().st_size != entry["bytes"]:
                return f"{name} has {path.stat().st_size} bytes, not {entry['bytes']}"
            if hashing and sha256(path) != entry["sha256"]:
                return f"{name} has another SHA-256 than its manifest says"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise_if_passing(error, folder)
        return f"no complete model in {folder} ({error})"
    if manifest["format"] != _FORMAT or manifest["gguf_sha256"] != GGUF_SHA256:
        return f"{folder} was built from another original"
    if hashing:
        note_verified(folder, found)
    return None


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a converted base model.

    Args:
        folder: As from :func:`packaged_base_path`.

    Returns:
        ``format``, ``name``, ``gguf_sha256``, ``versions`` and ``files``: for each file
        name its ``bytes`` and ``sha256``.

    Raises:
        OSError: There is none.
        ValueError: It is not a JSON object.
        KeyError: A field or the weights' entry is missing.
    """
    manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    if not isinstance(manifest, dict):
        raise ValueError(f"{_MANIFEST} is not a JSON object")
    for field in ("format", "name", "gguf_sha256", "versions"):
        manifest[field]
    manifest["files"][_WEIGHTS]
    return manifest


def _build(root: Path, folder: Path, report: Report) -> None:
    with work_folder(root) as work:
        gguf = fetch_gguf(work, report)
        report("converting to bfloat16", 0, None)
        staged = work / "converted"
        staged.mkdir()
        versions = _convert(gguf, staged)
        _write_manifest(staged, versions)
        put_in_place(staged, folder, work)


def _convert(gguf: Path, target: Path) -> dict[str, str]:
    from kvrm_grammar.weights.conversion import convert_gguf

    return convert_gguf(gguf, target)


def _write_manifest(folder: Path, versions: dict[str, str]) -> None:
    mode = (folder / "config.json").stat().st_mode
    files = {}
    for path in sorted(folder.iterdir()):
        # safetensors writes for the owner alone, even where the cache is shared.
        path.chmod(mode)
        files[path.name] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    manifest = {
        "format": _FORMAT,
        "name": PACKAGED_BASE_NAME,
        "gguf_sha256": GGUF_SHA256,
        "versions": versions,
        "files": files,
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _clear_errors(root: Path) -> Iterator[None]:
    where = f"set {cache.CACHE_VARIABLE} to a folder that can be written and has {_SPACE} free"
    try:
        yield
    except BaseModelError:
        raise
    except Timeout as error:
        raise BaseModelError(
            f"another process has been building the base model in {root} for "
            f"{_LOCK_TIMEOUT_S} s; wait for it, or {where}"
        ) from error
    except ImportError as error:
        raise BaseModelError(
            f"converting the base model needs a package that is missing ({error}); "
            "install kvrm-grammar with its dependencies"
        ) from error
    except OSError as error:
        raise BaseModelError(
            f"the base model cannot be written to the cache folder {root} ({error}); {where}"
        ) from error
    except Exception as error:  # whatever a reader of another version may raise
        raise BaseModelError(
            f"the base model cannot be converted in {root} "
            f"({type(error).__name__}: {error}); use the versions in constraints.txt, or {where}"
        ) from error
