"""How a file of examples was made, in a small file beside it.

In: a file of :mod:`training.generate_cpu_data`, and the arguments and the commit that made it.
Out: ``<file>.origin.json``, which a training copies into its record: the same code and arguments
give the same bytes, so whoever has the record can make the data again.
"""

import json
from pathlib import Path
from typing import Any

from training.data.files import file_digest, read_record

__all__ = ["origin_of", "write_origin"]


def write_origin(data: Path, command: str, commit: str | None) -> None:
    """Write down what made a file.

    Args:
        data: The file, as just written.
        command: What makes it again, in full.
        commit: Of the code that made it; None where that is not known.
    """
    origin = {"command": command, "commit": commit, "sha256": file_digest(data)}
    _beside(data).write_text(json.dumps(origin, indent=1) + "\n", "utf-8")


def origin_of(data: Path) -> dict[str, Any] | None:
    """What was written down of a file; None where nothing was, or where it was made otherwise.

    Raises:
        DataError: What lies beside the file is not JSON.
    """
    if not _beside(data).is_file():
        return None
    origin = read_record(_beside(data))
    return origin if origin.get("sha256") == file_digest(data) else None


def _beside(data: Path) -> Path:
    return data.with_name(f"{data.name}.origin.json")
