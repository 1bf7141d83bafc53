"""leave_one_out.py: one short training for each kind, each asked for what it did not see."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.isa import operation_from_json
from training import leave_one_out, train_decode
from training.data.examples import read_examples
from training.data.lenient import lenient_kind
from training.defaults import EVALUATION_SEED, TRAINING_SEEDS
from training.texts.lenient.lexicon import HELD_OUT_LEXICON
from training.texts.strict.words import HELD_OUT_WORDS

KINDS = ("infix", "call")


@pytest.fixture
def trainings(tiny_decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A training that only notes its command, and a reader that knows infix alone."""
    commands: list[list[str]] = []
    labels = {
        example.text: example.answer
        for kind in KINDS
        for example in lenient_kind(kind, 5, EVALUATION_SEED, HELD_OUT_WORDS, HELD_OUT_LEXICON)
        if kind == "infix"
    }

    def train(command: list[str]) -> int:
        commands.append(command)
        output = Path(command[command.index("--output") + 1])
        output.mkdir(parents=True)
        (output / "training.json").write_text("{}")
        return 0

    def decode_many(self: Any, texts: Iterable[str], **_: Any) -> Iterator[Decoded]:
        for text in texts:
            known = labels.get(text, '{"key":"OP_INVALID","params":{}}')
            yield Decoded(text, operation_from_json(known))

    monkeypatch.setattr(train_decode, "main", train)
    monkeypatch.setattr(Decoder, "from_pretrained", lambda *_, **__: tiny_decoder)
    monkeypatch.setattr(Decoder, "decode_many", decode_many)
    return commands


def command(tmp_path: Path) -> list[str]:
    return [
        "--kinds", *KINDS, "--samples", "240", "--count", "5",
        "--runs", str(tmp_path / "runs"), "--output", str(tmp_path / "table.json"),
    ]  # fmt: skip


def test_each_training_lacks_its_kind_and_is_asked_for_it(
    trainings: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One with everything, one for each kind; the table compares them."""
    assert leave_one_out.main(command(tmp_path)) == 0
    shown = [
        {kind for example in read_examples(Path(one[one.index("--data") + 1]))
         for kind in example.kinds}
        for one in trainings
    ]  # fmt: skip
    assert [set(KINDS) - kinds for kinds in shown] == [set(), {"infix"}, {"call"}]
    report = json.loads((tmp_path / "table.json").read_text())
    rates = {
        name: {kind: row[kind]["rate"] for kind in KINDS if kind in row}
        for name, row in report["without"].items()
    }
    assert rates == {
        "nothing": {"infix": 1.0, "call": 0.0}, "infix": {"infix": 1.0}, "call": {"call": 0.0},
    }  # fmt: skip
    assert set(report["draft"]) == set(KINDS)
    assert report["draft"]["call"]["rate"] == 1.0
    assert "trained without it" in capsys.readouterr().out


def test_a_family_can_be_left_out(trainings: list[list[str]], tmp_path: Path) -> None:
    """Neither its texts nor its faults are trained on; it is asked without its faults."""
    options = command(tmp_path)
    options[1:3] = ["german"]
    options[options.index("--samples") + 1] = "1600"
    assert leave_one_out.main(options) == 0
    every, without = (read_examples(Path(one[one.index("--data") + 1])) for one in trainings)
    assert any("german" in example.kinds for example in every)
    assert not any("german" in example.kinds for example in without)
    report = json.loads((tmp_path / "table.json").read_text())
    assert report["without"]["german"]["german"]["examples"] == 5


def test_what_is_done_is_not_done_again(trainings: list[list[str]], tmp_path: Path) -> None:
    """An interrupted run goes on where it was; other arguments or data start anew."""
    assert leave_one_out.main(command(tmp_path)) == 0
    assert leave_one_out.main(command(tmp_path)) == 0
    assert len(trainings) == 3
    table = tmp_path / "table.json"
    report = json.loads(table.read_text())
    report["without"]["call"]["data_sha256"] = "of other makers"
    table.write_text(json.dumps(report))
    assert leave_one_out.main(command(tmp_path)) == 0
    assert json.loads(table.read_text())["without"]["call"]["data_sha256"] != "of other makers"
    assert len(trainings) == 3  # its adapter was still there
    assert leave_one_out.main([*command(tmp_path), "--samples", "50"]) == 0
    assert len(trainings) == 6


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_another_file_is_not_written_over(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no such table is told, and kept."""
    (tmp_path / "table.json").write_text(content)
    assert leave_one_out.main(command(tmp_path)) == 1
    assert "is no table of left out kinds" in capsys.readouterr().err
    assert (tmp_path / "table.json").read_text() == content


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--samples", "0"], "--samples: must be at least 1, got 0"),
        (["--count", "0"], "--count: must be at least 1, got 0"),
        (["--kinds", "xor"], "invalid choice"),
        (["--seed", str(TRAINING_SEEDS["lenient"])], "makes the training data"),
    ],
    ids=str,
)
def test_usage_errors(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told before anything is trained."""
    with pytest.raises(SystemExit) as caught:
        leave_one_out.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
