"""The law of sets: each one goes through the whole pipeline, with no code of its own."""

import copy
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kvrm_grammar.agreement import compare
from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import INVALID, InstructionSet, operation_to_json
from kvrm_grammar.isa.cases import read_cases
from kvrm_grammar.isa.sampling import draw_text
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.language.grounding import Grounding
from kvrm_grammar.language.index import TokenIndex, build_index, compile_index
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.language.vocabulary import TokenVocabulary, read_vocabulary
from kvrm_grammar.oracle.program import parse_program
from kvrm_grammar.oracle.reference import explain
from kvrm_grammar.weights.loading import LoadedModel, load_model
from tests.language.independent import TABLES, Oracle
from tests.language.test_proof import prove
from tests.sets import every_set
from training.data.strict import generate_examples

BYTES = TokenVocabulary({byte + 1: bytes([byte]) for byte in range(256)}, 0, 257)


@pytest.fixture(scope="module", params=every_set(), ids=lambda isa: isa.name)
def isa(request: pytest.FixtureRequest) -> InstructionSet:
    found: InstructionSet = request.param
    return found


@pytest.fixture(scope="module")
def index(isa: InstructionSet, tiny_tokenizer: Any) -> TokenIndex:
    return build_index(build_constraint(isa), tiny_tokenizer, use_cache=False)


@pytest.fixture(scope="module")
def loaded(tiny_adapter: Path) -> LoadedModel:
    return load_model(tiny_adapter, dtype="float32")


@pytest.fixture(scope="module")
def decoder(isa: InstructionSet, loaded: LoadedModel) -> Decoder:
    return Decoder.from_loaded(loaded, find_dialect("strict", isa))


@pytest.fixture(scope="module")
def drawn(isa: InstructionSet) -> list[tuple[str, str]]:
    """300 texts of training's makers with their answers, refusals among them."""
    examples = generate_examples(300, 5, isa=isa)
    texts = [(example.text, example.answer) for example in examples]
    assert len({answer for _, answer in texts}) >= 40
    return texts


def test_there_are_sets_to_look_at() -> None:
    """KVRM, the scaffold and the test set, each with a table written by hand."""
    assert {isa.name for isa in every_set()} >= {"kvrm", "scaffold", "zeta"}
    assert {isa.name for isa in every_set()} == {*TABLES}


@pytest.mark.parametrize("of", ["bytes", "tiny tokenizer"])
def test_masks_are_the_independent_automatons(
    of: str, isa: InstructionSet, index: TokenIndex, tiny_tokenizer: Any
) -> None:
    """Every state, every token: no bit differs."""
    vocabulary = BYTES if of == "bytes" else read_vocabulary(tiny_tokenizer)
    own = compile_index(build_constraint(isa), BYTES) if of == "bytes" else index
    table = prove(own, vocabulary, TABLES[isa.name])
    assert table["differing"] == 0
    assert table["states"] >= 100
    assert table["bits"] >= 25_000


def test_sources_agree(isa: InstructionSet) -> None:
    """What `isa check` compares has no problem, and there was something to compare."""
    report = compare(isa, read_cases(isa))
    assert report.problems == ()
    assert sum(one.count for one in report.comparisons) >= 3000
    assert any(one.is_proof and one.count for one in report.comparisons)
    assert report.largest_language >= 2


def test_the_right_answer_is_in_the_grounded_language(
    isa: InstructionSet, index: TokenIndex, tiny_tokenizer: Any, drawn: list[tuple[str, str]]
) -> None:
    """Of 300 texts none loses its answer; members are the schemas', of mentions alone."""
    strict, pattern = find_dialect("strict", isa), re.compile(build_constraint(isa).regex)
    grounding = Grounding(isa, index, read_vocabulary(tiny_tokenizer))
    oracle, closed = Oracle(TABLES[isa.name]), 0
    for text, answer in drawn:
        reading = strict.read(text)
        language = grounding.language(reading.mentions)
        state: int | None = language.initial_state
        for token_id in encode_plain(tiny_tokenizer, answer):
            assert state is not None and token_id in language.allowed(state), (text, answer)
            state = language.next_state(state, token_id)
        assert state is not None and language.eos_token_id in language.allowed(state)
        for member in language.texts or ():
            closed += 1
            assert pattern.fullmatch(member)
            assert oracle.accepts(oracle.walk(member.encode()) or ())
            mentioned = {value for own in reading.mentions.values() for value in own or ()}
            params = json.loads(member)["params"].values()
            assert {json.dumps(value) for value in params} <= mentioned
    assert closed >= 100


def told(answers: list[Decoded]) -> list[tuple[str | None, str]]:
    return [(answer.json, str(answer.error)) for answer in answers]


def test_verify_is_stepwise(decoder: Decoder, drawn: list[tuple[str, str]]) -> None:
    """A tiny model of random weights answers alike with a draft and token by token."""
    texts = [text for text, _ in drawn[:24]]
    answers = [*decoder.decode_many(texts)]
    stepwise = Decoder(
        decoder.loaded, decoder.dialect, decoder.schema, decoder.index, method="stepwise"
    )
    assert told([*stepwise.decode_many(texts)]) == told(answers)
    assert [answer.text for answer in answers] == texts
    for answer in answers:
        assert answer.operation is not None and answer.confidence is not None
        assert decoder.isa.parse_json(answer.json or "") == answer.operation
    assert {answer.passes for answer in answers} != {1}  # the model is untrained


def test_answers_are_values(decoder: Decoder, drawn: list[tuple[str, str]]) -> None:
    """Copied, pickled and compared like those of any set; a refusal says why."""
    answers = [*decoder.decode_many([text for text, _ in drawn[:12]])]
    answers.append(Decoded("?", INVALID, reading=decoder.dialect.read("?")))
    for answer in answers:
        for other in (copy.deepcopy(answer), pickle.loads(pickle.dumps(answer))):
            assert (other, hash(other)) == (answer, hash(answer))
            assert other.reason == answer.reason
            assert (other.reason is None) == answer.valid


def test_answers_go_to_another_process(isa: InstructionSet) -> None:
    """A new process loads the set that an operation is of, also from a folder."""
    text, operation = draw_text(Random(1), isa)
    payload = pickle.dumps((operation, find_dialect("strict", isa).read(text)))
    code = (
        "import pickle, sys; o, r = pickle.load(sys.stdin.buffer);"
        "print(o.model_dump_json()); print(r.verdict.operation == o, r.dialect.isa.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=payload, capture_output=True)
    assert done.stdout.decode().split() == [operation_to_json(operation), "True", isa.name]


def test_programs_count_in_the_sets_own_steps(isa: InstructionSet) -> None:
    """What a text means in a program is what it means alone."""
    rng = Random(2)
    drawn = [draw_text(rng, isa) for _ in range(6)]
    texts = [text for text, _ in drawn]
    values = (value for _, one in drawn for value in one.params.model_dump().values())
    labels = {f"{value}:" for value in values if isinstance(value, str) and isa.is_label(value)}
    program = parse_program("\n".join(["here:", *sorted(labels), *texts]), isa)
    size = isa.definition.instruction_size
    assert [one.address for one in program.instructions] == [size * n for n in range(6)]
    assert program.labels["here"] == 0
    assert [one.reason for one in program.instructions] == [explain(t, isa).reason for t in texts]
