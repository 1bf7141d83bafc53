"""``batch.json`` in a folder of results: what they were made from, and with what.

In: input files, a job, and the size of a part. Out: a record, compared when a run goes on, so that
a folder never holds results of two inputs or of two models.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kvrm_grammar import __version__
from kvrm_grammar.batch.job import Job
from kvrm_grammar.errors import InputError
from kvrm_grammar.weights.checksums import WEIGHTS
from kvrm_grammar.weights.fetch import sha256

__all__ = ["RECORD", "check_record", "make_record"]

RECORD = "batch.json"
"""The record's file."""

# What may differ between two runs of one batch: it changes no answer.
_FREE = ("batch_size",)


def make_record(files: Sequence[Path], job: Job, rows: int, suffix: str) -> dict[str, Any]:
    """Describe a batch.

    Args:
        files: The input.
        job: What is to be done with it.
        rows: Rows of a part.
        suffix: Of the results' files.

    Raises:
        KvrmError: Adapter, set and dialect do not belong together.
        OSError: A file cannot be read.
    """
    from kvrm_grammar.decoding.adapters import choose

    folder, dialect = choose(job.adapter, job.isa, job.dialect)
    options = {name: value for name, value in asdict(job).items() if name not in _FREE}
    return {
        "version": __version__,
        "input": [{"name": path.name, "sha256": sha256(path)} for path in files],
        "part_rows": rows,
        "suffix": suffix,
        "job": options | {"adapter": None, "isa": dialect.isa.name, "dialect": dialect.name},
        "set_digest": dialect.isa.digest,
        "adapter_sha256": sha256(folder / WEIGHTS),
    }


def check_record(output: Path, record: dict[str, Any]) -> None:
    """Compare with the record of a folder, or write it into a new one.

    Raises:
        InputError: The folder holds something else; the message says which field differs.
        OSError: It cannot be written.
    """
    path = output / RECORD
    if not path.exists():
        if any(path.name[0] != "." for path in output.iterdir()):
            raise InputError(f"{output} holds other files; name a folder that is empty or new")
        beside = path.with_name(f".{RECORD}.{os.getpid()}")
        beside.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        os.replace(beside, path)
        return
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); name another folder") from error
    for name, value in record.items():
        if not isinstance(found, dict) or found.get(name) != value:
            raise InputError(f"{output} holds the results of another batch: its {name} differs")
