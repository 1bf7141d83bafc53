"""What an adapter was trained for: ``kvrm.json`` beside its weights.

In: an adapter folder. Out: a :class:`Manifest`, or None where the folder has none, which
whoever loads the adapter compares with the instruction set and dialect in use. This module
knows neither: names and digests are only compared.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import AdapterError
from kvrm_grammar.weights.checksums import MANIFEST, update_checksum

__all__ = ["Manifest", "read_manifest", "write_manifest"]

_HEXADECIMAL = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an adapter was trained for. Immutable.

    Attributes:
        set: Name of the instruction set, such as ``kvrm``.
        set_digest: SHA-256 of the set, 64 hexadecimal digits; empty where it is not recorded.
        dialect: Which way of writing the adapter reads, such as ``strict``.
        prompt_version: Which wording of the prompt it was trained on, from 1.
        min_confidence: Below this an answer should be refused where a wrong one is costly,
            from 0 to 1; None where no such value was measured.

    Raises:
        AdapterError: A field has another type, or a value that it cannot have.
    """

    set: str
    set_digest: str
    dialect: str
    prompt_version: int
    min_confidence: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not _RULES[field.name][0](value):
                raise AdapterError(f"{field.name} is {value!r}, not {_RULES[field.name][1]}")

    def check(
        self,
        set_name: str,
        set_digest: str,
        dialect: str,
        prompt_version: int,
        *,
        folder: str | Path = "the adapter",
    ) -> None:
        """Compare with what is in use.

        Args:
            set_name: Name of the instruction set.
            set_digest: Its digest; not compared where it, or the manifest's, is empty.
            dialect: Name of the dialect.
            prompt_version: Of the prompts that will be shown.
            folder: What to call the adapter in an error.

        Raises:
            AdapterError: A field differs; the message names both values and what to do.
        """
        if self.set != set_name:
            raise AdapterError(
                f"{folder} was trained for the instruction set {self.set!r}, not {set_name!r}; "
                f"pass --isa {self.set}, or train an adapter for {set_name!r}"
            )
        if self.dialect != dialect:
            raise AdapterError(
                f"{folder} was trained on the dialect {self.dialect!r}, not {dialect!r}; "
                f"pass --dialect {self.dialect}, or an adapter for {dialect!r}"
            )
        if self.set_digest and set_digest and self.set_digest != set_digest:
            raise AdapterError(
                f"{folder} was trained for another version of the instruction set {set_name!r}: "
                f"its digest is {self.set_digest}, this one's is {set_digest}; train it again, or "
                "pass by --isa the set that it was trained for"
            )
        if self.prompt_version != prompt_version:
            raise AdapterError(
                f"{folder} was trained on version {self.prompt_version} of the prompt, not "
                f"{prompt_version}; train it again, or use the version of kvrm-grammar that made it"
            )


def read_manifest(folder: str | Path) -> Manifest | None:
    """Read an adapter's manifest.

    Args:
        folder: The adapter folder.

    Returns:
        The manifest; None where the folder has no ``kvrm.json``.

    Raises:
        AdapterError: The file cannot be read or is malformed; the message names it.
    """
    path = Path(folder) / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):  # whether it is an adapter, its reader says
        return None
    except OSError as error:
        raise AdapterError(
            f"{path} cannot be read ({error.strerror or error}); make it readable for this user, "
            "or copy it again"
        ) from error
    except ValueError as error:
        raise AdapterError(f"{path} is not UTF-8 ({error}); copy it again") from error
    try:
        return _manifest(json.loads(text))
    except (AdapterError, ValueError, RecursionError) as error:
        raise AdapterError(f"{path} is malformed: {error}; copy it again") from error


def write_manifest(folder: str | Path, manifest: Manifest) -> None:
    """Write an adapter's manifest, and its line in ``SHA256SUMS`` where the folder has that.

    Args:
        folder: The adapter folder.
        manifest: What to write.

    Raises:
        AdapterError: The checksums cannot be read.
        OSError: The folder cannot be written to.
    """
    text = json.dumps(asdict(manifest), indent=2) + "\n"
    (Path(folder) / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
    update_checksum(Path(folder), MANIFEST)


def _manifest(value: Any) -> Manifest:
    if not isinstance(value, dict):
        raise AdapterError(f"it is {type(value).__name__}, not a JSON object")
    names = {field.name for field in fields(Manifest)}
    if strange := sorted(name for name in value.keys() - names if value[name] is not None):
        raise AdapterError(f"this version of kvrm-grammar does not know {strange[0]!r}")
    if missing := sorted(names - value.keys() - {"set_digest"}):
        raise AdapterError(f"it lacks {missing[0]!r}")
    known = {name: value[name] for name in names & value.keys()}
    return Manifest(**{"set_digest": "", **known})


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != "" and value == value.strip()


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) in (0, 64) and _HEXADECIMAL.issuperset(value)


def _is_version(value: object) -> bool:
    return type(value) is int and value >= 1


def _is_confidence(value: object) -> bool:
    # A bool is no number here, and NaN is not between any two.
    return value is None or (type(value) in (int, float) and 0 <= value <= 1)  # type: ignore[operator]


_RULES = {
    "set": (_is_name, "the name of an instruction set"),
    "set_digest": (_is_digest, "64 hexadecimal digits, or empty"),
    "dialect": (_is_name, "the name of a dialect"),
    "prompt_version": (_is_version, "a whole number from 1"),
    "min_confidence": (_is_confidence, "a number from 0 to 1, or null"),
}
