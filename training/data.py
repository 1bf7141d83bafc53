"""JSON Lines of chat messages <-> examples.

In: a generator seed, or a file. Out: ``Example``: text, canonical JSON and kinds.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from kvrm_grammar.errors import DataError, LineTooLongError
from kvrm_grammar.isa import (
    INVALID,
    InstructionSet,
    load_set,
    operation_from_json,
    operation_to_json,
)
from kvrm_grammar.oracle.reference import parse
from training.texts.strict.pairs import minimal_pair
from training.texts.strict.refused import Candidate, refusal_candidate
from training.texts.strict.valid import Variant, valid_variant
from training.texts.strict.words import TRAINING_WORDS

__all__ = [
    "Example",
    "file_digest",
    "generate_examples",
    "judged",
    "read_examples",
    "read_json_lines",
    "read_record",
    "write_examples",
]


@dataclass(frozen=True)
class Example:
    """One text, the canonical JSON of what it means, and its kinds. Immutable."""

    text: str
    answer: str
    kinds: tuple[str, ...]


def generate_examples(
    count: int,
    seed: int,
    *,
    refusals: float = 0.4,
    pairs: float = 0.0,
    words: Sequence[str] = TRAINING_WORDS,
) -> Iterator[Example]:
    """Draw strict examples, each confirmed by the reference parser.

    Args:
        count: How many.
        seed: Seed of the ``random.Random`` behind everything.
        refusals: Share drawn from the makers of refusals, 0 to 1, of what is no pair.
        pairs: Share of minimal pairs, 0 to 1: an instruction and its neighbour one step
            away. For training; evaluation takes none.
        words: Word list for labels and prose.

    Yields:
        Examples in a reproducible order; texts may repeat (``HALT`` has few spellings).

    Raises:
        DataError: A rendering and the reference parser disagree: a defect in one of them.
    """
    rng, isa = Random(seed), load_set()
    made = 0
    while made < count:
        for example in _draw(rng, isa, words, refusals, pairs)[: count - made]:
            made += 1
            yield example


def _draw(
    rng: Random, isa: InstructionSet, words: Sequence[str], refusals: float, pairs: float
) -> list[Example]:
    if pairs and rng.random() < pairs / (2 - pairs):  # a pair counts twice
        drawn = [judged(candidate, "pair") for candidate in minimal_pair(rng, isa, words)]
    elif rng.random() < refusals:
        drawn = [judged(refusal_candidate(rng, isa, words))]
    else:
        drawn = [_valid(rng, isa, words)]
    return [example for example in drawn if example is not None]


def _valid(rng: Random, isa: InstructionSet, words: Sequence[str]) -> Example | None:
    variant: Variant = valid_variant(rng, isa, words)
    try:
        meaning = parse(variant.text)
    except LineTooLongError:
        return None
    if meaning != variant.operation:
        raise DataError(
            f"{variant.text!r} was rendered from {variant.operation!r} but means {meaning!r}"
        )
    return Example(variant.text, operation_to_json(variant.operation), variant.kinds)


def judged(candidate: Candidate, *marks: str) -> Example | None:
    """Ask the reference parser what a candidate means; None where the line is too long."""
    try:
        meaning = parse(candidate.text)
    except LineTooLongError:
        return None
    verdict = "refusal" if meaning == INVALID else "near_miss"
    return Example(candidate.text, operation_to_json(meaning), (verdict, candidate.kind, *marks))


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


def read_examples(path: Path) -> list[Example]:
    """Read a file of :func:`write_examples`; ``kinds`` may be absent.

    Raises:
        DataError: The file is missing, or a line is not a pair of user text and operation.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; make it with training/generate_cpu_data.py")
    examples = []
    for number, row in read_json_lines(path):
        try:
            examples.append(_example(row))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"no {error}" if isinstance(error, KeyError) else error
            raise DataError(f"{path}:{number}: {problem}") from error
    return examples


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each line.

    Raises:
        DataError: The file cannot be read, or a line is no JSON.
    """
    try:
        # As bytes: str.splitlines would cut at U+2028 too, which may stand in a JSON string.
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}") from error


def _example(row: Any) -> Example:
    user, assistant = row["messages"][-2:]
    text, answer = user["content"], assistant["content"]
    if not isinstance(text, str):
        raise TypeError(f"an instruction is text, got {text!r:.80}")
    canonical = operation_to_json(operation_from_json(answer))
    if answer != canonical:
        raise ValueError(f"the answer {answer!r:.80} is not canonical JSON: {canonical}")
    return Example(text, answer, tuple(row.get("kinds", ())))


def read_record(path: Path) -> dict[str, Any]:
    """Read what a run wrote of itself: one JSON object.

    Raises:
        DataError: There is none.
    """
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error
    return record


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
