"""benchmarks/stepwise.py: both ways are run, and an answer that differs is told."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from benchmarks.stepwise import compare
from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.isa import INVALID, operation_to_json

TEXTS = ["halt", "sub r5 r3 r1", "nop"]


def test_a_draft_changes_no_answer_of_a_tiny_model(tiny_decoder: Decoder, monkeypatch: Any) -> None:
    """In float32 all are the same; the second run really is one token at a time."""
    methods = []
    decode_many = Decoder.decode_many

    def seen(self: Decoder, texts: Iterable[str], **options: Any) -> Iterator[Decoded]:
        methods.append(self.method)
        return decode_many(self, texts, **options)

    monkeypatch.setattr(Decoder, "decode_many", seen)
    row = compare(tiny_decoder, TEXTS, 2, "tiny")
    assert row == {"texts": 3, "valid": 3, "same": 3, "differences": []}
    assert methods == [tiny_decoder.method, "stepwise"]


def test_an_answer_that_differs_is_told(tiny_decoder: Decoder, monkeypatch: Any) -> None:
    """With both answers and both margins."""
    decode_many = Decoder.decode_many

    def other(self: Decoder, texts: Iterable[str], **options: Any) -> Iterator[Decoded]:
        for one in decode_many(self, texts, **options):
            wrong = self.method == "stepwise" and one.text == "halt"
            yield replace(one, operation=INVALID) if wrong else one

    monkeypatch.setattr(Decoder, "decode_many", other)
    row = compare(tiny_decoder, TEXTS, 2, "tiny")
    (found,) = row["differences"]
    assert (row["same"], found["text"]) == (2, "halt")
    assert found["answer"] == operation_to_json(INVALID) != found["reference"]
    assert found["margin"] == found["reference_margin"] is not None
