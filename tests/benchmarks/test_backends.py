"""benchmarks/backends.py: differences are told, and a process of its own says what it holds."""

from dataclasses import replace

import pytest

from benchmarks import backends
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.isa import INVALID


def test_differences_are_listed(tiny_decoder: Decoder) -> None:
    """Each with both answers and both margins; an answer that is none is not valid."""
    answers = list(tiny_decoder.decode_many(["halt", "sub r5 r3 r1", "nop"]))
    assert backends.differences(answers, answers) == (3, [])
    other = [
        answers[0],
        replace(answers[1], operation=INVALID),
        replace(answers[2], operation=None),
    ]
    valid, rows = backends.differences(answers, other)
    assert valid == 2
    changed = [one for one, two in zip(answers, other, strict=True) if one.json != two.json]
    assert [row["text"] for row in rows] == [one.text for one in changed]
    assert len(rows) >= 1
    assert all({"reference_margin", "margin", "reference", "answer"} <= {*row} for row in rows)


@pytest.mark.model
def test_a_process_tells_what_it_holds() -> None:
    """Times above nothing, and memory of a size that a model has."""
    load_s, first_s, held_mib = backends._alone_in_a_process("openvino, int8", ["strict"])
    assert load_s > 0 and first_s > 0
    assert 100 < held_mib < 5000
