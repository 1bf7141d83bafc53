"""The recorded results, each read once.

In: the repository's root. Out: :class:`Records`, which gives a report by the name of its file.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import DataError

__all__ = ["Records"]


@dataclass(frozen=True)
class Records:
    """The JSON records of a checkout. What was read is kept.

    Attributes:
        root: Folder of the checkout.
    """

    root: Path
    _read: dict[Path, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def result(self, name: str) -> dict[str, Any]:
        """A report of ``benchmarks/results``, by name without ending."""
        return self._load(Path("benchmarks/results", f"{name}.json"))

    def adapter(self, dialect: str, name: str) -> dict[str, Any]:
        """A record beside a dialect's adapter: ``evaluation``, ``training`` or ``leave_one_out``.

        Raises:
            DataError: It cannot be read.
        """
        folder = "decode_llm" if dialect == "strict" else f"decode_llm_{dialect}"
        return self.model(folder, name)

    def model(self, folder: str, name: str) -> dict[str, Any]:
        """A record beside an adapter, by its folder below ``models``."""
        return self._load(Path("models", folder, f"{name}.json"))

    def _load(self, path: Path) -> dict[str, Any]:
        if path not in self._read:
            try:
                record = json.loads((self.root / path).read_text("utf-8"))
            except (OSError, ValueError) as error:
                raise DataError(f"{path.as_posix()} cannot be read: {error}") from error
            if not isinstance(record, dict):
                raise DataError(f"{path.as_posix()} holds no object but {record!r:.60}")
            self._read[path] = record
        return self._read[path]
