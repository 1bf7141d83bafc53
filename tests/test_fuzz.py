"""``pytest -m fuzz``: the real model under the constraint against the reference parser."""

import pytest

from tests.campaign import run_campaign
from tests.fuzz_plugin import Campaign
from tests.strategies import STRATEGIES

pytestmark = [pytest.mark.fuzz, pytest.mark.model]


@pytest.mark.parametrize("name", STRATEGIES)
def test_model_and_parser_agree(name: str, fuzz: Campaign) -> None:
    """Every answer is valid, and every answer is the parser's."""
    share = len(STRATEGIES)
    outcome = run_campaign(
        name,
        STRATEGIES[name],
        -(-fuzz.examples // share),
        fuzz.seed,
        fuzz.decoder.decode_many,
        seconds=60 * fuzz.minutes / share if fuzz.minutes else None,
        progress=fuzz.progress,
    )
    fuzz.outcomes.append(outcome)
    assert outcome.valid == outcome.examples
    assert not outcome.disagreements, f"{len(outcome.disagreements)} of {outcome.examples} disagree"
