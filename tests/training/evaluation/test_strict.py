"""The strict evaluation: what is counted, and in which order it is done."""

import json
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.isa import INVALID, operation_to_json
from kvrm_grammar.oracle.reference import parse
from training.data.examples import Example
from training.data.files import file_digest
from training.evaluation import lenient, strict
from training.evaluation.outcomes import Outcome
from training.evaluation.strict import (
    category,
    evaluate_strict,
    is_trained_on,
    print_strict,
    summarise,
)

REFUSAL = operation_to_json(INVALID)


def meant(text: str, *kinds: str) -> Example:
    return Example(text, operation_to_json(parse(text)), kinds)


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (meant("mov r1, 5", "decimal"), "decimal"),
        (meant("jmp loop", "label"), "label"),
        (meant("mov r1, r2", "register"), "register"),
        (meant("halt"), "no_operand"),
        (meant("inc r8", "refusal"), "refusal"),
        (meant("inc r7", "near_miss"), "near_miss"),
        (meant("mov r1, 0x10", "decimal"), "hexadecimal"),
        (meant("jmp 0b1"), "binary"),
        (meant("mov r1, 0o7"), "octal"),
        (meant("mov r1, 'a'"), "character"),
        (meant("jmp a0x1 ; 0x1", "label"), "label"),
    ],
)
def test_examples_are_sorted_by_what_is_hardest(example: Example, expected: str) -> None:
    """Refusals first, then notations to convert; a comment and a label hold no notation."""
    assert category(example) == expected


def test_the_summary_counts() -> None:
    """Exact, valid and refused answers, and texts that training saw."""
    halt, refused = meant("halt"), meant("inc r8", "refusal")
    outcomes = [
        Outcome(halt, halt.answer),
        Outcome(halt, REFUSAL),
        Outcome(refused, REFUSAL),
        Outcome(refused, "nonsense"),
    ]
    found = summarise(outcomes, frozenset({"halt"}))
    assert (found["examples"], found["validity"]) == (4, 0.75)
    assert (found["exact_match"]["exact"], found["exact_match"]["examples"]) == (2, 4)
    assert found["exact_match_unseen_texts"]["examples"] == 2
    assert (found["refusal_precision"], found["refusal_recall"]) == (0.5, 0.5)
    assert [row["answer"] for row in found["failures"]] == [REFUSAL, "nonsense"]


def test_what_training_saw_is_not_guessed() -> None:
    """Without its file no text counts as unseen; an empty file is one."""
    outcomes = [Outcome(halt := meant("halt"), halt.answer)]
    assert summarise(outcomes, None)["exact_match_unseen_texts"] is None
    assert summarise(outcomes, frozenset())["exact_match_unseen_texts"]["examples"] == 1


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tiny_decoder: Decoder) -> list[str]:
    """Texts that were decoded, by a decoder that answers as the reference parser does."""
    texts_asked: list[str] = []

    def decode_many(self: Any, texts: Iterable[str], **_: Any) -> Iterator[Decoded]:
        for text in texts:
            texts_asked.append(text)
            yield Decoded(text, parse(text), confidence=0.9, passes=1)

    monkeypatch.setattr(Decoder, "from_pretrained", lambda *_, **__: tiny_decoder)
    monkeypatch.setattr(Decoder, "decode_many", decode_many)
    return texts_asked


def options() -> Namespace:
    return Namespace(
        backend=None,
        precision=None,
        adapter=None, base=None, method="verify", schema=False, count=8, seed=9, batch_size=4,
        free=0, training_data=Path("nowhere"),
    )  # fmt: skip


def test_a_reader_that_knows_everything(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every example is exact and valid, every spot check passes, and the table says so."""
    report = evaluate_strict(options())
    assert report["results"]["exact_match_with_converted_notations"]["rate"] == 1.0
    assert report["results"]["validity"] == 1.0
    assert all(check["failed"] == [] for check in report["checks"].values())
    assert report["texts_also_in_training_data"] is None
    assert len(asked) == 8 + sum(check["total"] for check in report["checks"].values())
    print_strict(report)
    assert "built-in checks: 7 of 7" in capsys.readouterr().out


def test_data_are_known_by_their_bytes(tmp_path: Path) -> None:
    """Those of any round count; those of the same name but another seed do not."""
    data = tmp_path / "data.jsonl"
    data.write_text("{}", "utf-8")
    digest, adapter = file_digest(data), tmp_path / "adapter"
    adapter.mkdir()
    assert not is_trained_on(data, adapter)
    rounds = {"data_sha256": "other", "previous": {"data_sha256": digest, "previous": None}}
    (adapter / "training.json").write_text(json.dumps(rounds), "utf-8")
    assert is_trained_on(data, adapter)
    assert not is_trained_on(data, None)
    assert not is_trained_on(tmp_path / "none.jsonl", adapter)
    data.write_text("[]", "utf-8")
    assert not is_trained_on(data, adapter)


@pytest.mark.parametrize("dialect", ["strict", "lenient"])
def test_provenance_is_asked_before_anything_is_measured(
    dialect: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be told fails at once, not after minutes of decoding."""

    def fails(*_: Any) -> Any:
        raise RuntimeError("no provenance")

    monkeypatch.setattr({"strict": strict, "lenient": lenient}[dialect], "provenance", fails)
    evaluate = {"strict": evaluate_strict, "lenient": lenient.evaluate_lenient}[dialect]
    with pytest.raises(RuntimeError, match="no provenance"):
        evaluate(options())
    assert asked == []
