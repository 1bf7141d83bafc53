"""Texts near a disagreement: of its shape, judged by the parser, never the very line."""

import json
from pathlib import Path
from random import Random

import pytest

from kvrm_grammar.errors import DataError
from kvrm_grammar.isa import INVALID, operation_to_json
from kvrm_grammar.oracle.reference import parse
from training.data.near_disagreements import neighbour, neighbours_of_file

TEXTS = ("mov r5, 2147483647", "jn loop ; note", "MOV r1, 'a b'", "sub r5\u200b r3 r1", "halt", "")


def corpus(path: Path, *texts: str) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    return path


@pytest.mark.parametrize("text", TEXTS)
def test_the_shape_stays(text: str) -> None:
    """Most neighbours differ by operands, letters and digits: separators and signs stay."""
    rng, same = Random(3), 0
    drawn = [neighbour(text, rng) for _ in range(200)]
    for other in drawn:
        assert abs(len(other) - len(text)) <= 6
        same += [c for c in other if not c.isalnum()] == [c for c in text if not c.isalnum()]
    assert same >= 120
    assert len(set(drawn)) > 10


def test_binary_digits_stay_binary() -> None:
    """A literal of zeros and ones keeps to them, but for the rare edit."""
    rng = Random(1)
    drawn = [neighbour("jz 0b10110", rng) for _ in range(200)]
    assert sum(set(text.partition("0b")[2]) <= set("01") for text in drawn) > 140
    assert len(set(drawn)) > 20


def test_a_files_neighbours(tmp_path: Path) -> None:
    """As many as asked for, by seed, labelled by the parser, none a text of the file."""
    path = corpus(tmp_path / "c.jsonl", *TEXTS[:3])
    drawn = neighbours_of_file(path, 300, 1)
    assert len(drawn) == 300
    assert drawn == neighbours_of_file(path, 300, 1) != neighbours_of_file(path, 300, 2)
    assert not {example.text for example in drawn} & set(TEXTS)
    for example in drawn:
        assert example.answer == operation_to_json(parse(example.text))
        verdict = "refusal" if example.answer == operation_to_json(INVALID) else "near_miss"
        assert example.kinds == (verdict, "extra")
    verdicts = {example.kinds[0] for example in drawn}
    assert verdicts == {"refusal", "near_miss"}


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), (b"", "has no lines"), (b"[]\n", ":1: no text"), (b"{", ":1: ")],
)
def test_unusable_files(content: bytes | None, message: str, tmp_path: Path) -> None:
    """Missing, empty or malformed: a typed error that names file and line."""
    path = tmp_path / "c.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        neighbours_of_file(path, 10, 1)
