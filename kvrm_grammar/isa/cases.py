"""``cases.jsonl``: texts and answers that a set's author wrote down.

In: a set. Out: its cases, as ``{"text": …, "answer": …}``.
"""

import json
import sys
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa.instruction_set import InstructionSet
from kvrm_grammar.isa.loading import packaged_sets
from kvrm_grammar.resources import resource_path

__all__ = ["read_cases"]

_NAME = "cases.jsonl"


def read_cases(isa: InstructionSet) -> tuple[dict[str, Any], ...]:
    """Read the cases of a set.

    Args:
        isa: A set that was loaded by its name or from a folder.

    Returns:
        The cases in the file's order; none where there is no such file.

    Raises:
        IsaError: The file cannot be read, or a line is no case.
    """
    folder = _folder(isa)
    path = None if folder is None else folder / _NAME
    if path is None or not path.is_file():
        return ()
    try:
        # Not splitlines, which would cut at U+2028 too: that may stand in a JSON string.
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise IsaError(f"cannot read {path}: {error}") from error
    return tuple(
        _case(line, f"{path}, line {number}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )


def _folder(isa: InstructionSet) -> Path | None:
    """Where a set's data are; None for a set that was bound by hand."""
    if not isa.source:
        return None
    if isa.source.endswith("/"):
        return Path(isa.source)
    if isa.source in packaged_sets():
        return resource_path(f"grammars/{isa.source}")
    file = getattr(sys.modules[isa.models[0].__module__], "__file__", None)
    return None if file is None else Path(file).parent


def _case(line: str, place: str) -> dict[str, Any]:
    try:
        case = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise IsaError(f"{place}: {error}") from error
    if not isinstance(case, dict) or {*case} != {"text", "answer"}:
        raise IsaError(f"{place}: a case has a text and an answer, and nothing else")
    if not isinstance(case["text"], str) or not isinstance(case["answer"], dict):
        raise IsaError(f"{place}: text must be a string and answer an object")
    return case
