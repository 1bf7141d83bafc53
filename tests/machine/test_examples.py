"""The example programs end as they say."""

import pytest

from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.facade import decode_program, default_decoder
from kvrm_grammar.machine import run
from kvrm_grammar.oracle.program import Program, parse_program
from tests.machine.examples import ENDINGS, EXAMPLES, FOLDER, Example


def _end(program: Program) -> dict[str, int]:
    """Registers that are not 0 at the end."""
    return {name: number for name, number in run(program).final.registers.items() if number}


def _promised(source: str) -> dict[str, int]:
    """What the line ``; ends: R0=1 R1=0`` says, without the zeros."""
    (line,) = (line for line in source.splitlines() if line.startswith("; ends: "))
    pairs = (word.split("=") for word in line.removeprefix("; ends: ").split())
    return {name: int(number) for name, number in pairs if int(number)}


def test_every_file_is_an_example() -> None:
    """No program lacks a result, and there are a dozen and more, of both dialects."""
    files = {path for path in FOLDER.rglob("*") if path.is_file()}
    named = {FOLDER / e.dialect / f"{e.name}{ENDINGS[e.dialect]}" for e in EXAMPLES}
    assert files == {*named, FOLDER / "expected.toml"}
    counts = {dialect: sum(e.dialect == dialect for e in EXAMPLES) for dialect in ENDINGS}
    assert counts["strict"] >= 12 and counts["lenient"] >= 6


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_program_says_how_it_ends(example: Example) -> None:
    """Its comment and the data file say the same."""
    assert _promised(example.source) == example.registers


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.dialect == "strict"], ids=str)
def test_strict_programs_by_the_reference_parser(example: Example) -> None:
    """Decoded by the parser, each ends with its registers."""
    assert _end(parse_program(example.source)) == example.registers


@pytest.fixture(scope="module", params=ENDINGS)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return default_decoder(request.param)


@pytest.mark.model
def test_programs_by_the_model(decoder: Decoder) -> None:
    """Decoded by the model, line for line, each ends with its registers."""
    own = [e for e in EXAMPLES if e.dialect == decoder.dialect.name]
    ends = {e.name: _end(decode_program(e.source, decoder=decoder)) for e in own}
    assert ends == {e.name: e.registers for e in own}


@pytest.mark.model
def test_the_model_reads_strict_programs_as_the_parser_does() -> None:
    """Every instruction, address and line is the parser's; each has a confidence."""
    strict = [e.source for e in EXAMPLES if e.dialect == "strict"]
    programs = [decode_program(source, decoder=default_decoder()) for source in strict]
    assert programs == [parse_program(source) for source in strict]
    confidences = [one.confidence for program in programs for one in program.instructions]
    assert len(confidences) >= 100
    assert all(c is not None and c > 0.5 for c in confidences)
