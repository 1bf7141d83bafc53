"""Examples, and JSON Lines of chat messages <-> examples.

In: examples, or a file. Out: a file and its digest, or ``Example``: text, canonical JSON and kinds.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import DataError
from kvrm_grammar.isa import InstructionSet, operation_from_json, operation_to_json
from training.data.files import file_digest, read_json_lines

__all__ = ["Example", "different_examples", "read_examples", "write_examples"]


_TRIES = 60


@dataclass(frozen=True)
class Example:
    """One text, the canonical JSON of what it means, and its kinds. Immutable."""

    text: str
    answer: str
    kinds: tuple[str, ...]


def different_examples(count: int, draw: Callable[[], Example | None]) -> list[Example]:
    """Draw until so many texts differ; fewer where sixty draws for each do not give them.

    Args:
        count: How many.
        draw: Gives an example, or None where that one does not count.
    """
    drawn: dict[str, Example] = {}
    for _ in range(_TRIES * count):
        if len(drawn) == count:
            break
        if (example := draw()) is not None:
            drawn.setdefault(example.text, example)
    return list(drawn.values())


def write_examples(path: Path, examples: Iterable[Example]) -> str:
    """Write JSON Lines of chat messages and return the file's SHA-256 (hex)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for example in examples:
            messages = [
                {"role": "user", "content": example.text},
                {"role": "assistant", "content": example.answer},
            ]
            line = {"messages": messages, "kinds": list(example.kinds)}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
    return file_digest(path)


def read_examples(path: Path, *, isa: InstructionSet | None = None) -> list[Example]:
    """Read a file of :func:`write_examples`; ``kinds`` may be absent.

    Args:
        path: The file.
        isa: The instruction set that the answers are of; None for the packaged one.

    Raises:
        DataError: The file is missing, or a line is not a pair of user text and operation.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; make it with training/generate_cpu_data.py")
    examples = []
    for number, row in read_json_lines(path):
        try:
            examples.append(_example(row, isa))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"no {error}" if isinstance(error, KeyError) else error
            raise DataError(f"{path}:{number}: {problem}") from error
    return examples


def _example(row: Any, isa: InstructionSet | None) -> Example:
    user, assistant = row["messages"][-2:]
    text, answer = user["content"], assistant["content"]
    if not isinstance(text, str):
        raise TypeError(f"an instruction is text, got {text!r:.80}")
    canonical = operation_to_json(operation_from_json(answer, isa))
    if answer != canonical:
        raise ValueError(f"the answer {answer!r:.80} is not canonical JSON: {canonical}")
    return Example(text, answer, tuple(row.get("kinds", ())))
