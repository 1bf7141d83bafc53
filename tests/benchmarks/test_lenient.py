"""benchmarks/lenient.py: examples, what a second adapter costs, and the pictures."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import lenient
from kvrm_grammar.decoding.backends.loading import torch_model
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.sharing import load_decoders
from kvrm_grammar.errors import DataError
from kvrm_grammar.oracle.reference import parse
from training.scoring import is_valid


def evaluation() -> dict[str, Any]:
    """A report of the shape that training.evaluate writes."""
    kinds = {"infix": {"class": "M", "rate": 0.98}, "memory": {"class": "R", "rate": 1.0}}
    rows = [
        {"threshold": 0.0, "coverage": 1.0, "right": 0.98},
        {"threshold": 0.9, "coverage": 0.96, "right": 0.999},
    ]
    arms = {name: {"kinds": kinds} for name in ("grounded", "schema", "parser")}
    arms["free"] = {"kinds": {"infix": kinds["infix"]}}
    return {"arms": arms, "risk_and_coverage": rows}


def test_no_parser_reads_the_examples() -> None:
    """They are what the strict dialect refuses, and every answer to them is an operation."""
    assert {parse(text).key for text in lenient.EXAMPLES} == {"OP_INVALID"}


def test_examples_are_answered(tiny_decoder: Decoder) -> None:
    """In order, each with its probability."""
    rows = lenient.read_examples(tiny_decoder)
    assert [row["text"] for row in rows] == list(lenient.EXAMPLES)
    assert all(is_valid(row["answer"]) and 0 <= row["confidence"] <= 1 for row in rows)


def test_switching_is_timed(two_adapters: tuple[Path, Path]) -> None:
    """A switch changes the adapter, and its time is above nothing."""
    decoders = load_decoders(
        dict(zip(("strict", "lenient"), two_adapters, strict=True)), backend="torch"
    )
    found = lenient.measure_switching(decoders, 2)
    assert all(value > 0 for value in found.values())
    active = torch_model(decoders["strict"].loaded).active_adapters
    lenient._switch(decoders["lenient"])
    assert torch_model(decoders["strict"].loaded).active_adapters != active


def test_pictures_are_drawn(tmp_path: Path) -> None:
    """Both pictures, from an evaluation's numbers."""
    pytest.importorskip("matplotlib")
    from benchmarks.figures import draw_kinds, draw_risk

    for draw in (draw_kinds, draw_risk):
        path = tmp_path / f"{draw.__name__}.png"
        draw(evaluation(), path)
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"arms": {}}'])
def test_what_is_no_evaluation_is_refused(content: str | None, tmp_path: Path) -> None:
    """A typed error, never a traceback."""
    path = tmp_path / "evaluation.json"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(DataError, match="no evaluation"):
        lenient.read_evaluation(path)
    path.write_text(json.dumps(evaluation()), "utf-8")
    assert lenient.read_evaluation(path) == evaluation()
