"""benchmarks/posterior.py: both probabilities of the same texts, and where they differ."""

from benchmarks import posterior
from kvrm_grammar.decoding.decoder import Decoder


def test_both_are_measured(tiny_decoder: Decoder) -> None:
    """Every text has a bin in both, and a difference names both answers."""
    examples = posterior.drawn(tiny_decoder, 12, 1)
    assert len(examples) == 12
    found = posterior.measure(tiny_decoder, examples)
    assert found["texts"] == found["greedy"]["examples"] == found["posterior"]["examples"] == 12
    assert sum(row["examples"] for row in found["posterior"]["bins"]) == 12
    assert found["differ"] == len(found["differences"])
    for row in found["differences"]:
        assert row["greedy"] != row["best"]
    right = found["greedy_right_where_they_differ"] + found["posterior_right_where_they_differ"]
    assert right <= found["differ"]
    assert found["passes"]["most"] >= 1
    assert found["answers"]["most"] >= 3
