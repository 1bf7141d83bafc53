"""Training and evaluation of a set that is not the packaged one."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects.base import PROMPT_VERSION
from kvrm_grammar.errors import AdapterError, DataError
from kvrm_grammar.isa import load_set, operation_to_json
from kvrm_grammar.oracle.reference import parse
from kvrm_grammar.weights.manifest import Manifest, read_manifest
from tests.sets import SCAFFOLD, ZETA
from tests.training.short_training import train
from training import evaluate, generate_cpu_data, leave_one_out
from training.data.examples import Example, read_examples, write_examples
from training.data.near_disagreements import neighbours_of_file
from training.data.strict import generate_examples
from training.evaluation.strict import category
from training.fitting import doubtful_examples


@pytest.fixture(scope="module")
def zeta_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short examples of the test set."""
    drawn = generate_examples(300, seed=7, isa=ZETA)
    short = [e for e in drawn if len(e.text) < 20 and len(e.answer) < 70]
    file = tmp_path_factory.mktemp("zeta") / "data.jsonl"
    write_examples(file, short[:48])
    assert len(short) >= 48
    return file


@pytest.fixture(scope="module")
def zeta_adapter(
    zeta_data: Path, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An adapter of four steps for the test set."""
    output = tmp_path_factory.mktemp("run") / "adapter"
    threads = torch.get_num_threads()
    try:
        assert train(output, "--isa", ZETA.source, base=tiny_base, data=zeta_data) == 0
    finally:
        torch.set_num_threads(threads)
    return output


def test_data_of_a_set_are_judged_by_its_own_parser(tmp_path: Path) -> None:
    """Every answer is what the set's parser says, and the packaged set refuses to read them."""
    file = tmp_path / "data.jsonl"
    command = ["--isa", ZETA.source, "--output", str(file), "--count", "400", "--seed", "3"]
    assert generate_cpu_data.main(command) == 0
    examples = read_examples(file, isa=ZETA)
    assert len(examples) == 400
    assert all(operation_to_json(parse(e.text, ZETA)) == e.answer for e in examples)
    assert {json.loads(e.answer)["key"] for e in examples} == {*ZETA.keys}
    with pytest.raises(DataError, match="not an operation"):
        read_examples(file)


def test_an_adapter_names_the_set_it_was_trained_for(zeta_adapter: Path) -> None:
    """Manifest and record have the set's name and digest, not those of the packaged set."""
    wanted = Manifest("zeta", ZETA.digest, "strict", PROMPT_VERSION)
    assert read_manifest(zeta_adapter) == wanted
    record = json.loads((zeta_adapter / "training.json").read_text("utf-8"))
    assert (record["set"], record["set_digest"]) == ("zeta", ZETA.digest)
    assert ZETA.digest != load_set().digest


def test_the_adapter_decodes_its_set_and_no_other(zeta_adapter: Path, cache_folder: Path) -> None:
    """With its folder every answer is an operation of the set; with another set nothing loads."""
    decoder = Decoder.from_pretrained(zeta_adapter, isa=ZETA.source)
    answers = [decoder.decode(text).json for text in ("plus a0, a1, a2", "beep", "nonsense")]
    assert all(ZETA.parse_json(answer or "").key in ZETA.keys for answer in answers)
    with pytest.raises(AdapterError, match="'zeta', not 'kvrm'"):
        Decoder.from_pretrained(zeta_adapter, isa="kvrm")


def test_a_set_is_evaluated_on_its_own_texts(
    zeta_adapter: Path, tmp_path: Path, cache_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Provenance names the set, validity is the set's, and no spot check of another set is run."""
    report = tmp_path / "evaluation.json"
    command = ["--isa", ZETA.source, "--adapter", str(zeta_adapter), "--output", str(report)]
    assert evaluate.main([*command, "--count", "24"]) == 0
    found = json.loads(report.read_text("utf-8"))
    assert (found["provenance"]["set"], found["provenance"]["set_digest"]) == (
        "zeta",
        ZETA.digest,
    )
    assert found["results"]["validity"] == 1.0
    assert set(found["checks"]) == {"cases"}
    assert "validity 100.00%" in capsys.readouterr().out


def test_a_sets_comments_are_no_part_of_what_is_hard(tmp_path: Path) -> None:
    """A notation behind the set's own comment sign does not count, one before it does."""
    example = Example("plusi a0, a1, 5 # 0x10", "{}", ("decimal",))
    assert category(example, ZETA) == "decimal"
    assert category(Example("plusi a0, a1, 0x10 # five", "{}", ()), ZETA) == "hexadecimal"
    assert category(Example("go x ; 0x10", "{}", ("label",)), ZETA) == "hexadecimal"


def test_neighbours_and_doubts_ask_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is near a disagreement, and what an adapter doubts, are judged as the set reads."""
    file = tmp_path / "wrong.jsonl"
    file.write_text('{"text": "plus a0, a1, a2"}\n')
    near = neighbours_of_file(file, 30, 1, isa=ZETA)
    assert all(operation_to_json(parse(e.text, ZETA)) == e.answer for e in near)
    assert any(json.loads(e.answer)["key"] == "OP_PLUS" for e in near)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    asked: list[Any] = []
    monkeypatch.setattr(Decoder, "from_pretrained", lambda *_, **options: asked.append(options))
    monkeypatch.setattr(doubtful_examples, "unsure", lambda *_, **__: ([0], []))
    options: dict[str, Any] = {"base": None, "below": 0.9, "max_length": 9}
    memory = tmp_path / "mined.json"
    assert doubtful_examples.mine(tmp_path, near, isa=ZETA, memory=memory, **options)[0] == near[:1]
    assert [one["isa"] for one in asked] == [ZETA]


@pytest.mark.parametrize(
    "main", [generate_cpu_data.main, evaluate.main, leave_one_out.main], ids=lambda f: f.__module__
)
def test_a_set_that_is_not_there_is_told(
    main: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names the folder, before anything is drawn or loaded."""
    missing = tmp_path / "nowhere"
    try:
        code = main(["--isa", str(missing), "--output", str(tmp_path / "x.json")])
    except SystemExit as error:
        code = error.code
    assert code in (1, 2)
    assert f"no folder {missing}" in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_left_out_kinds_need_the_sets_lenient_dialect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A set without one is told so, and the packaged adapter's table is not written over."""
    assert SCAFFOLD.dialect_data is None
    command = ["--isa", SCAFFOLD.source, "--runs", str(tmp_path), "--samples", "8"]
    assert leave_one_out.main(command) == 1
    assert "no lenient dialect" in capsys.readouterr().err
