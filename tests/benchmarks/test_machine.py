"""benchmarks/machine.py: programs by the model beside those by the parser."""

from benchmarks import machine
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.oracle.program import parse_program


def test_what_is_decoded_otherwise_is_counted(tiny_decoder: Decoder) -> None:
    """An untrained model differs everywhere; every difference shows both answers or both ends."""
    found = machine.measure(tiny_decoder, 6, 1)
    assert found["programs"] == sum(found["endings"].values()) == 6
    assert 0 < found["instructions_differ"] <= found["instructions"]
    assert len(found["differences"]) == found["programs_differ"] >= found["ends_differ"]
    for row in found["differences"]:
        assert row["lines"] or row["end"] != row["right"]
        assert all(line["decoded"] != line["right"] for line in row["lines"])


def test_the_same_seed_draws_the_same_programs(tiny_decoder: Decoder) -> None:
    """All but the time is the same."""
    first, second = (machine.measure(tiny_decoder, 3, 7) for _ in range(2))
    assert {**first, "decode_s": 0} == {**second, "decode_s": 0}


def test_every_kind_of_end_is_told() -> None:
    """Stopped, outside of the program, without an end, and not run at all."""
    ends = {
        source: machine.ending(parse_program(source), {"R1": 3})
        for source in ("inc r1", "jmp 9", "jmp 0", "foo")
    }
    assert [end["how"] for end in ends.values()] == [
        "stopped",
        "JumpError",
        "CycleLimitError",
        "RefusedLineError",
    ]
    assert ends["inc r1"]["registers"]["R1"] == 4
    assert ends["jmp 0"]["cycles"] == machine.MAX_CYCLES
    assert ends["foo"] == {"how": "RefusedLineError"}
