"""benchmarks/sets.py: one decode of each set, by the tokens that it reads."""

from pytest import approx

from benchmarks import sets
from benchmarks.timing import whole_text
from kvrm_grammar.decoding.decoder import Decoder
from training.data.strict import generate_examples


def test_sets_take_turns_and_are_told_by_the_token(tiny_decoder: Decoder) -> None:
    """The first texts are warm-up; tokens are those of prompt and answer; the first set is 1."""
    examples = list(generate_examples(9, 5, isa=tiny_decoder.isa))
    found = sets.measure(
        {"one": tiny_decoder, "two": tiny_decoder}, {"one": examples, "two": examples}
    )
    assert list(found) == ["one", "two"]
    tokens = [len(whole_text(tiny_decoder, example)) for example in examples[5:]]
    for row in found.values():
        assert row["texts"] == len(tokens) == 4
        assert row["tokens"] == approx(sum(tokens) / len(tokens))
        assert row["passes"] >= 1
        assert row["p50_ms"] > 0
    assert found["one"]["times_the_first"] == 1
    assert found["two"]["times_the_first"] == approx(
        found["two"]["us_a_token"] / found["one"]["us_a_token"]
    )
