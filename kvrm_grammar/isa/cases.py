"""``cases.jsonl``: texts and answers that a set's author wrote down.

In: a set. Out: its cases, as ``{"text": …, "answer": …}``.
"""

import json
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa.instruction_set import InstructionSet
from kvrm_grammar.resources import resource_path

__all__ = ["read_cases"]

_NAME = "cases.jsonl"


def read_cases(isa: InstructionSet) -> tuple[dict[str, Any], ...]:
    """Read the cases of a set.

    Args:
        isa: A set that comes with the package, or that was loaded from a folder.

    Returns:
        The cases in the file's order; none where there is no such file.

    Raises:
        IsaError: The file cannot be read, or a line is no case.
    """
    is_folder = isa.source.endswith("/")
    folder = Path(isa.source) if is_folder else resource_path(f"grammars/{isa.source}")
    path = folder / _NAME
    if not isa.source or not path.is_file():
        return ()
    cases, number = [], 0
    try:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):  # noqa: B007
            if line.strip():
                case = json.loads(line)
                if not isinstance(case, dict) or {*case} != {"text", "answer"}:
                    raise ValueError("a case has a text and an answer")
                cases.append(case)
    except (OSError, UnicodeDecodeError) as error:
        raise IsaError(f"cannot read {path}: {error}") from error
    except ValueError as error:
        raise IsaError(f"{path}, line {number}: {error}") from error
    return tuple(cases)
