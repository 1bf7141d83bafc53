"""The command ``decode``: its options, and what it adds to each line."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from kvrm_grammar.cli import inputs
from kvrm_grammar.cli.decode import MethodOption
from kvrm_grammar.cli.options import BackendOption, ConstraintOption, DialectOption
from kvrm_grammar.decoding.backends.loading import BACKENDS
from kvrm_grammar.decoding.decoded import CONSTRAINTS, METHODS
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import DecodeError
from kvrm_grammar.isa import load_set, operation_from_json, operation_to_json
from tests.cli.running import FIELDS, MIXED, Oracle, rows, run


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("batch_size", ["1", "3", "16"])
def test_an_untrained_model_prints_valid_operations(batch_size: str) -> None:
    """Whatever comes in, every answered line is a valid operation in canonical JSON."""
    result = run("decode", "--batch-size", batch_size, "-", stdin=MIXED)
    found = rows(result.stdout)
    assert [list(row) for row in found].count(["error"]) == 2  # not UTF-8, and too long
    keys = {str(get_args(model.model_fields["key"].annotation)[0]) for model in load_set().models}
    for line, row in zip(result.stdout.splitlines(), found, strict=True):
        if "error" not in row:
            assert operation_to_json(operation_from_json(line)) == line
            assert row["key"] in keys
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("tiny")
def test_the_exit_code_says_whether_all_is_well() -> None:
    """0 if and only if every row is ok; a row is ok if and only if it is an instruction."""
    for texts in (["HALT"], ["sub r5 r3 r1", "jmp a"], ["?"]):
        result = run("decode", "--jsonl", *texts)
        found = rows(result.stdout)
        assert [list(row) for row in found] == [FIELDS] * len(texts)
        assert [row["ok"] for row in found] == [row["key"] != "OP_INVALID" for row in found]
        assert result.exit_code == (0 if all(row["ok"] for row in found) else 1)


@pytest.mark.usefixtures("oracle")
def test_decode_explains_refusals_like_parse() -> None:
    """What the model refuses is explained by the reference; the two commands look the same."""
    texts = ["HALT", "ADD R1, R2", "JMP R3", "x" * 257]
    for options in ([], ["--jsonl"]):
        decoded, parsed = (run(name, *options, *texts) for name in ("decode", "parse"))
        assert decoded.stdout == parsed.stdout
        assert decoded.stderr == parsed.stderr
        assert decoded.exit_code == parsed.exit_code == 1


def test_options_reach_the_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever chooses a model is handed on, or the usual."""
    calls: list[Any] = []
    decoder = Oracle()

    def load(path: Path | None, **options: Any) -> Oracle:
        calls.append((path, options))
        return decoder

    monkeypatch.setattr(Decoder, "from_pretrained", load)
    chosen = {
        "base": "a/b",
        "constraint": "schema",
        "dialect": "lenient",
        "method": "stepwise",
        "device": "cpu",
        "precision": "bfloat16",
        "backend": "torch",
    }
    options = [part for name, value in chosen.items() for part in (f"--{name}", value)]
    options += ["--batch-size", "3", "--min-confidence", "0.9", "--adapter", "some/folder"]
    run("decode", *options, "HALT")
    run("decode", "HALT")
    usual = {
        **dict.fromkeys(("base", "device", "precision", "backend")),
        **{"constraint": "grounded", "dialect": None, "method": "verify"},
    }
    assert calls == [
        (Path("some/folder"), {**chosen, "isa": None, "progress": False}),
        (None, {**usual, "isa": None, "progress": False}),
    ]
    assert decoder.calls == [
        {"batch_size": 3, "min_confidence": 0.9},
        {"batch_size": 16, "min_confidence": 0.0},
    ]


def test_the_choices_are_the_packages() -> None:
    """Names that help lists, without loading the modules they come from, are those modules'."""
    for option, names in (
        (DialectOption, tuple(DIALECTS)),
        (ConstraintOption, CONSTRAINTS),
        (MethodOption, METHODS),
        (BackendOption, BACKENDS),
    ):
        chosen = get_args(option)[0]
        literal = get_args(chosen)[0] if type(None) in get_args(chosen) else chosen
        assert get_args(literal) == names


def test_a_person_who_types_is_answered_line_by_line(
    oracle: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a terminal one line at a time, from a file or a pipe in batches."""
    for terminal in (True, False):
        monkeypatch.setattr(inputs, "is_terminal", lambda _, terminal=terminal: terminal)
        run("decode", "-", stdin="HALT\n")
    assert [call["batch_size"] for call in oracle.calls] == [1, 16]


@pytest.mark.usefixtures("tiny")
def test_confidence_is_added_on_request() -> None:
    """A probability for each answer, none for a line without one, with or without --jsonl."""
    texts = ["HALT", "x" * 257]
    plain = rows(run("decode", "--confidence", *texts).stdout)
    assert list(plain[0]) == ["key", "params", "confidence"]
    assert list(plain[1]) == ["error"]
    told = rows(run("decode", "--confidence", "--jsonl", *texts).stdout)
    assert [list(row) for row in told] == [[*FIELDS, "confidence"]] * 2
    assert 0 < told[0]["confidence"] <= 1
    assert told[0]["confidence"] == pytest.approx(plain[0]["confidence"])
    assert told[1]["confidence"] is None


@pytest.mark.usefixtures("tiny")
def test_what_is_uncertain_is_refused() -> None:
    """An untrained model is sure of nothing: exit code 1, and the reason."""
    told = run("decode", "--min-confidence", "1", "--jsonl", "sub r5 r3 r1")
    (row,) = rows(told.stdout)
    assert row["key"] == "OP_INVALID"
    assert row["error"] in ("uncertain", "the model did not recognise this instruction")
    assert told.exit_code == 1


@pytest.mark.usefixtures("tiny")
def test_alternatives_are_added_on_request(tiny_decoder: Decoder) -> None:
    """The K most probable answers, best first, each with its probability; none for no line."""
    for jsonl in ([], ["--jsonl"]):
        found = rows(run("decode", "--alternatives", "2", *jsonl, "jmp a", "x" * 257).stdout)
        expected = tiny_decoder.alternatives(tiny_decoder.decode("jmp a"), 2)
        assert 1 <= len(expected) <= 2
        assert found[0]["alternatives"] == [
            {**json.loads(one.json), "probability": pytest.approx(one.probability)}
            for one in expected
        ]
        if jsonl:
            assert found[1]["alternatives"] == []
    assert list(found[0]) == [*FIELDS, "alternatives"]


@pytest.mark.usefixtures("tiny")
def test_a_posterior_is_added_on_request(tiny_decoder: Decoder) -> None:
    """The best as a whole, how many answers there are, and marginals; null for no line."""
    for jsonl in ([], ["--jsonl"]):
        found = rows(run("decode", "--posterior", *jsonl, "jmp a", "x" * 257).stdout)
        expected = tiny_decoder.posterior("jmp a")
        own = found[0]["posterior"]
        assert own["answers"] == len(expected.operations) >= 3
        assert own["best"]["key"] == expected.best.operation.key
        assert own["best"]["probability"] == pytest.approx(expected.best.probability, rel=1e-3)
        assert own["entropy"] == pytest.approx(expected.entropy, rel=1e-2, abs=1e-4)
        assert sum(own["fields"]["key"].values()) == pytest.approx(1, abs=1e-4)
        if jsonl:
            assert found[1]["posterior"] is None
    assert list(found[0]) == [*FIELDS, "posterior"]


@pytest.mark.usefixtures("tiny")
def test_a_posterior_that_fails_costs_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told; the line's answer is there."""

    def fail(*_: object) -> None:
        raise DecodeError("no numbers")

    monkeypatch.setattr(Decoder, "posterior", fail)
    result = run("decode", "--posterior", "--jsonl", "jmp a")
    (row,) = rows(result.stdout)
    assert row["posterior"] is None and row["key"] is not None
    assert "input 1: no posterior: no numbers\n" in result.stderr


@pytest.mark.usefixtures("tiny")
def test_alternatives_that_fail_cost_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that fails is told; the line's answer and the other lines are there."""

    def fail(*_: object) -> None:
        raise DecodeError("no numbers")

    monkeypatch.setattr(Decoder, "alternatives", fail)
    result = run("decode", "--alternatives", "2", "--jsonl", "jmp a", "halt")
    assert [row["alternatives"] for row in rows(result.stdout)] == [None, None]
    assert "input 1: no alternatives: no numbers\n" in result.stderr
