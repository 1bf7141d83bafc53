"""The campaign itself: it counts, finds what is planted, shrinks it, and repeats by seed."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.errors import DecodeError, InputError
from kvrm_grammar.isa import INVALID, operation_from_json, operation_to_json
from kvrm_grammar.oracle.reference import parse
from tests.fuzz.campaign import Labelled, Outcome, expected_of, run_campaign, summary
from tests.fuzz.lenient_strategies import LENIENT_STRATEGIES
from tests.fuzz.plugin import EXAMPLES, Campaign, _provenance, _save
from tests.fuzz.strategies import STRATEGIES


def parser(texts: Iterable[str]) -> Iterator[Decoded]:
    """Answers as the parser would."""
    for text in texts:
        try:
            yield Decoded(text, parse(text), confidence=0.5)
        except InputError as error:
            yield Decoded(text, None, error=error)


def shy_of_thousands(texts: Iterable[str]) -> Iterator[Decoded]:
    """The parser, but it refuses numbers of four digits and more."""
    for text, decoded in zip(texts := list(texts), parser(texts), strict=True):
        yield Decoded(text, INVALID, confidence=0.5) if len(text) >= len("jmp 1000") else decoded


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_parser_agrees_with_itself(name: str) -> None:
    """Every strategy makes texts, different ones, and a perfect decoder has no failure."""
    outcome = run_campaign(name, STRATEGIES[name], 30, 7, parser)
    assert 20 <= outcome.examples <= 30
    assert outcome.examples == outcome.valid == outcome.exact
    assert outcome.disagreements == []


def labels(texts: Iterable[str]) -> Iterator[Decoded]:
    """Answers as the labels say."""
    for text in texts:
        assert isinstance(text, Labelled)
        yield Decoded(text, operation_from_json(text.expected), confidence=0.5)


@pytest.mark.parametrize("name", LENIENT_STRATEGIES)
def test_lenient_texts_bring_their_labels(name: str) -> None:
    """Each strategy makes different texts; what strict accepts has the label's meaning."""
    outcome = run_campaign(name, LENIENT_STRATEGIES[name], 60, 7, labels)
    assert 40 <= outcome.examples <= 60
    assert outcome.exact == outcome.examples
    confused = run_campaign(name, LENIENT_STRATEGIES[name], 60, 7, parser)
    for one in confused.disagreements:
        assert one.answer in (operation_to_json(INVALID), "LineTooLongError"), one


def test_a_planted_fault_is_found_and_shrunk() -> None:
    """The smallest failing text of the strategy is reported, with what both sides say."""
    numbers = st.integers(0, 10**6).map(lambda n: f"jmp {n}")
    outcome = run_campaign("numbers", numbers, 200, 1, shy_of_thousands)
    first = outcome.disagreements[0]
    assert int(first.text.removeprefix("jmp ")) >= 1000
    assert (first.shrunk or first.text) == "jmp 1000"
    assert first.answer == operation_to_json(INVALID)
    assert first.expected == expected_of(first.text)[0]
    assert outcome.exact == outcome.examples - len(outcome.disagreements)
    assert outcome.valid == outcome.examples


def test_the_seed_decides() -> None:
    """The same seed draws the same texts, another seed others."""
    drawn: list[list[str]] = []

    def note(texts: Iterable[str]) -> Iterator[Decoded]:
        drawn.append(list(texts))
        return parser(drawn[-1])

    for seed in (1, 1, 2):
        run_campaign("one edit", STRATEGIES["one edit"], 20, seed, note)
    assert drawn[0] == drawn[1] != drawn[2]


def test_time_runs_out() -> None:
    """No chunk is begun after the time, and what was decoded counts."""
    outcome = run_campaign("numbers", st.integers().map(str), 2_000, 1, parser, seconds=0.0)
    assert 0 < outcome.examples < 2_000


def test_errors_are_judged() -> None:
    """A line too long is right as the error it is; a failed decode is neither valid nor exact."""
    long = st.integers(300, 400).map(lambda n: "a" * n)
    outcome = run_campaign("long", long, 5, 1, parser)
    assert outcome.exact == outcome.valid == outcome.examples == 5

    def broken(texts: Iterable[str]) -> Iterator[Decoded]:
        return (Decoded(text, None, error=DecodeError("not a number")) for text in texts)

    outcome = run_campaign("one", st.just("halt"), 1, 1, broken)
    assert (outcome.examples, outcome.valid, outcome.exact) == (1, 0, 0)
    assert outcome.disagreements[0].answer == "DecodeError"


def test_the_summary_adds_up() -> None:
    """Totals, refusals and intervals."""
    report = summary([Outcome("a", 10, 10, 9, 5, 5, 1.0), Outcome("b", 30, 30, 30, 10, 9, 2.0)])
    assert report["all"]["examples"] == 40
    assert report["all"]["exact"] == 39
    assert (report["all"]["refusals"], report["all"]["refusals_exact"]) == (15, 14)
    low, high = report["all"]["exact_interval_95"]
    assert 0.86 < low < 39 / 40 < high < 1
    assert report["all"]["seconds"] == 3.0


def test_saved_disagreements_are_not_repeated(tmp_path: Path) -> None:
    """Text and shrunk text are appended once."""
    file = tmp_path / "new" / "corpus.jsonl"
    rows: list[dict[str, Any]] = [
        {"text": "jmp 19", "shrunk": "jmp 9", "strategy": "x"},
        {"text": "jmp 9", "shrunk": None, "strategy": "y"},
    ]
    _save(file, rows, 1)
    _save(file, rows, 2)
    written = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [row["text"] for row in written] == ["jmp 19", "jmp 9"]
    assert written[0] == {"text": "jmp 19", "strategy": "x", "seed": 1}


def test_a_nightly_campaign_is_large_enough() -> None:
    """At least 20,000 examples, the same number for each strategy."""
    assert EXAMPLES["nightly"] >= 20_000
    assert all(count % len(STRATEGIES) == 0 for count in EXAMPLES.values())


def test_the_options_take_a_file_that_exists() -> None:
    """Pytest takes the file for a path to search for tests, and knows options and profiles."""
    file = Path(__file__).parent / "corpus" / "campaign-1.jsonl"
    before = file.read_bytes()
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "fuzz"]
    command += ["--hypothesis-profile", "nightly"]
    for option in ("--fuzz-report", "--fuzz-save"):
        done = subprocess.run(
            [*command, option, str(file)], capture_output=True, text=True, check=False,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert (done.returncode, "unrecognized" in done.stderr) == (0, False), done.stderr
        assert "test_model_and_parser_agree[grammar]" in done.stdout
    assert file.read_bytes() == before


def test_a_report_names_the_adapter_that_was_asked(tiny_decoder: Decoder) -> None:
    """Not the strict one where lenient texts alone were read."""
    lenient = Decoder.from_loaded(tiny_decoder.loaded, dialect="lenient")
    campaign = Campaign(seed=1, examples=9, minutes=None, adapter=None)
    vars(campaign)["lenient_decoder"] = lenient
    assert list(_provenance(campaign)["adapters"]) == ["lenient"]
    vars(campaign)["decoder"] = tiny_decoder
    assert list(_provenance(campaign)["adapters"]) == ["strict", "lenient"]
