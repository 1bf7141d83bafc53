"""benchmarks/sets.py: one decode of each set, by the tokens that it reads."""

from pytest import approx

from benchmarks import sets
from benchmarks.timing import counting
from kvrm_grammar.decoding.decoder import Decoder
from training.data.strict import generate_examples


def test_sets_take_turns_and_are_told_by_the_token(tiny_decoder: Decoder) -> None:
    """The first texts are warm-up; the first set is 1."""
    examples = list(generate_examples(9, 5, isa=tiny_decoder.isa))
    found = sets.measure(
        {"one": tiny_decoder, "two": tiny_decoder}, {"one": examples, "two": examples}
    )
    assert list(found) == ["one", "two"]
    for row in found.values():
        assert row["texts"] == 4
        assert row["tokens"] > 0
        assert row["passes"] >= 1
        assert row["p50_ms"] > 0
    assert found["one"]["times_the_first"] == 1
    assert found["two"]["times_the_first"] == approx(
        found["two"]["us_a_token"] / found["one"]["us_a_token"]
    )


def test_what_is_read_is_counted(tiny_decoder: Decoder) -> None:
    """The prompt in every pass; the decoder that it comes from is not watched."""
    decoder, reads = counting(tiny_decoder)
    decoded = decoder.decode("sub r5 r3 r1")
    assert decoded.json == tiny_decoder.decode("sub r5 r3 r1").json
    prompt = len(tiny_decoder.pipeline.prompt(tiny_decoder.dialect.read("sub r5 r3 r1")))
    assert decoded.passes is not None
    assert decoded.passes * prompt <= reads.tokens
    before = reads.tokens
    tiny_decoder.decode("sub r5 r3 r1")
    assert reads.tokens == before
