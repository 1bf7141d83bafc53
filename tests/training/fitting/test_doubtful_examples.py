"""The examples that an adapter is unsure of are found, and found again."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from kvrm_grammar.decoding.backends.loading import torch_model
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import operation_to_json
from kvrm_grammar.oracle.reference import parse
from training.data.examples import Example
from training.fitting import doubtful_examples as mining
from training.fitting.batches import encode_example
from training.train_decode import main

TEXTS = ("halt", "sub r5 r3 r1", "mov r1, 5", "jmp there", "inc r8")


def examples() -> list[Example]:
    return [Example(text, operation_to_json(parse(text)), ()) for text in TEXTS]


def free_probability(decoder: Decoder, example: Example) -> float:
    """The opcode's probability from a forward pass over this example alone."""
    feature = encode_example(decoder.loaded.tokenizer, example, 900, opcode_only=True)
    assert feature is not None
    labels = torch.tensor(feature["labels"][1:])
    with torch.inference_mode():
        logits = torch_model(decoder.loaded)(torch.tensor([feature["input_ids"]])).logits[0, :-1]
    return math.exp(-float(functional.cross_entropy(logits.float(), labels, reduction="sum")))


def test_probabilities_are_those_of_single_passes(tiny_decoder: Decoder) -> None:
    """Packing, sorting and batching change nothing; what is too long has none."""
    loaded = tiny_decoder.loaded
    found = mining.answer_probabilities(
        torch_model(loaded), loaded.tokenizer, examples(), max_length=900
    )
    assert all(p is not None for p in found)
    for example, probability in zip(examples(), found, strict=True):
        assert probability == pytest.approx(
            free_probability(tiny_decoder, example), rel=1e-3, abs=0.0
        )
    whole = mining.answer_probabilities(
        torch_model(loaded), loaded.tokenizer, examples(), max_length=900, opcode_only=False
    )
    assert all(w is not None and p is not None and w < p for w, p in zip(whole, found, strict=True))
    none = mining.answer_probabilities(
        torch_model(loaded), loaded.tokenizer, examples(), max_length=5
    )
    assert none == [None] * len(TEXTS)


def test_full_width_texts_are_read_as_their_dialect_reads_them(tiny_decoder: Decoder) -> None:
    """In the lenient dialect the model sees the same; in the strict one it does not."""
    model, tokenizer = torch_model(tiny_decoder.loaded), tiny_decoder.loaded.tokenizer
    answer = operation_to_json(parse("halt"))
    texts = [Example(text, answer, ()) for text in ("halt", "\uff48alt")]
    for name in ("lenient", "strict"):
        narrow, wide = mining.answer_probabilities(
            model, tokenizer, texts, max_length=900, dialect=find_dialect(name)
        )
        assert narrow is not None
        assert (wide == pytest.approx(narrow, rel=1e-4, abs=0.0)) is (name == "lenient")


def test_what_is_wrong_or_doubtful_is_kept(tiny_decoder: Decoder) -> None:
    """Everything under a bound of one, for a model of random weights; nothing under zero."""
    wrong = [
        place
        for place, example in enumerate(examples())
        if tiny_decoder.decode(example.text).json != example.answer
    ]
    assert wrong
    found, unsure = mining.unsure(tiny_decoder, examples(), below=1.0, max_length=900)
    assert found == wrong
    assert unsure == sorted(unsure)
    assert not set(wrong) & set(unsure)
    assert mining.unsure(tiny_decoder, examples(), below=0.0, max_length=900) == ([], [])
    # Whole answers are all decoded, so also where no free probability is under the bound.
    assert mining.unsure(tiny_decoder, examples(), below=0.0, max_length=5, whole=True)[0] == wrong


def test_a_confident_right_answer_is_dropped(
    tiny_decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decoder is asked about the doubtful ones alone, and its confidence decides."""
    asked: list[str] = []

    def decode_many(self: Decoder, texts: Any) -> Any:
        for text in texts:
            asked.append(text)
            answer = operation_to_json(parse(text)) if text != "halt" else "{}"
            yield type("Answer", (), {"json": answer, "confidence": 0.5 if "j" in text else 0.99})

    monkeypatch.setattr(Decoder, "decode_many", decode_many)
    free = dict(zip(TEXTS, (0.1, 0.2, 0.95, 0.3, None), strict=True))
    monkeypatch.setattr(
        mining, "answer_probabilities", lambda m, t, window, **_: [free[e.text] for e in window]
    )
    kept = mining.unsure(tiny_decoder, examples(), below=0.9, max_length=900)
    assert asked == ["halt", "sub r5 r3 r1", "jmp there"]
    assert [[TEXTS[place] for place in places] for places in kept] == [["halt"], ["jmp there"]]


def test_the_result_is_remembered(
    tmp_path: Path, tiny_adapter: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumed training reads it; other examples or another bound are looked at anew."""
    calls: list[float] = []

    def unsure(decoder: Any, found: Any, *, below: float, **_: Any) -> tuple[list[int], list[int]]:
        calls.append(below)
        return [1, 3], [2]

    monkeypatch.setattr(mining, "unsure", unsure)
    options: dict[str, Any] = {
        "base": str(tiny_base), "max_length": 900, "memory": tmp_path / "runs" / "mined.json"
    }  # fmt: skip
    first = mining.mine(tiny_adapter, examples(), below=0.9, **options)
    assert [example.text for example in first[0]] == ["sub r5 r3 r1", "jmp there"]
    assert [example.text for example in first[1]] == [TEXTS[2]]
    assert mining.mine(tiny_adapter, examples(), below=0.9, **options) == first
    assert calls == [0.9]
    mining.mine(tiny_adapter, examples(), below=0.8, **options)
    mining.mine(tiny_adapter, examples()[:4], below=0.8, **options)
    mining.mine(tiny_adapter, examples()[:4], below=0.8, dialect="lenient", **options)
    mining.mine(tiny_adapter, examples()[:4], below=0.8, dialect="lenient", whole=True, **options)
    assert calls == [0.9, 0.8, 0.8, 0.8, 0.8]
    assert json.loads(options["memory"].read_text("utf-8"))["wrong"] == [1, 3]


def test_mining_needs_an_adapter(capsys: pytest.CaptureFixture[str]) -> None:
    """Without one there is nobody to be unsure."""
    with pytest.raises(SystemExit, match="2"):
        main(["--mined", "10"])
    assert "needs --start-from" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--preset", "cpu-sharpen"])
    assert "needs --start-from" in capsys.readouterr().err
