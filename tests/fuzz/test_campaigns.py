"""``pytest -m fuzz``: the real model under the constraint against the reference parser."""

from typing import Any

import pytest
from hypothesis import strategies as st

from kvrm_grammar.isa import load_set
from tests.fuzz.campaign import run_campaign
from tests.fuzz.lenient_strategies import LENIENT_STRATEGIES
from tests.fuzz.plugin import Campaign
from tests.fuzz.strategies import STRATEGIES, strategies

pytestmark = [pytest.mark.fuzz, pytest.mark.model]


@pytest.mark.parametrize("name", STRATEGIES)
def test_model_and_parser_agree(name: str, fuzz: Campaign) -> None:
    """Every answer is valid, and every answer is the parser's."""
    _fuzz(name, strategies(fuzz.isa)[name], fuzz, fuzz.decoder)


@pytest.mark.parametrize("name", LENIENT_STRATEGIES)
def test_lenient_texts_mean_what_they_were_made_from(name: str, fuzz: Campaign) -> None:
    """Every answer is valid, and every answer is the text's own label."""
    if fuzz.isa is not load_set():
        pytest.skip("lenient texts are made for the packaged set")
    _fuzz(name, LENIENT_STRATEGIES[name], fuzz, fuzz.lenient_decoder)


def _fuzz(name: str, strategy: st.SearchStrategy[str], fuzz: Campaign, decoder: Any) -> None:
    share = len(STRATEGIES)
    outcome = run_campaign(
        name,
        strategy,
        -(-fuzz.examples // share),
        fuzz.seed,
        decoder.decode_many,
        isa=fuzz.isa,
        seconds=60 * fuzz.minutes / share if fuzz.minutes else None,
        progress=fuzz.progress,
    )
    fuzz.outcomes.append(outcome)
    assert outcome.valid == outcome.examples
    assert not outcome.disagreements, f"{len(outcome.disagreements)} of {outcome.examples} disagree"
