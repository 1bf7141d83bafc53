"""The law of sets: each one goes through the whole pipeline, with no code of its own.

A new set is one line of :func:`tests.sets.every_set` and one table of :mod:`tests.language.tables`,
which is written by hand.
"""

import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kvrm_grammar.agreement import compare
from kvrm_grammar.decoding.decoded import METHODS, Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS, Dialect, find_dialect
from kvrm_grammar.isa import (
    INVALID,
    INVALID_KEY,
    InstructionSet,
    operation_to_json,
    packaged_sets,
)
from kvrm_grammar.isa.cases import read_cases
from kvrm_grammar.isa.sampling import draw_text
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.language.grounding import Grounding
from kvrm_grammar.language.index import TokenIndex, compile_index
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.language.vocabulary import TokenVocabulary, read_vocabulary
from kvrm_grammar.oracle.program import parse_program
from kvrm_grammar.oracle.reference import explain, parse
from kvrm_grammar.weights.pytorch.loading import LoadedModel, load_model
from tests.language.independent import Oracle
from tests.language.proof import prove
from tests.language.tables import TABLES
from tests.sets import every_set
from tests.sets.drawn import dialects, follow, is_told_apart, members, refused, uses, variants

BYTES = TokenVocabulary({byte + 1: bytes([byte]) for byte in range(256)}, 0, 257)
EVERY_DIALECT = [dialect for isa in every_set() for dialect in dialects(isa)]


@pytest.fixture(scope="module", params=every_set(), ids=lambda isa: isa.name)
def isa(request: pytest.FixtureRequest) -> InstructionSet:
    found: InstructionSet = request.param
    return found


@pytest.fixture(scope="module", params=["bytes", "tiny tokenizer"])
def vocabulary(request: pytest.FixtureRequest, tiny_tokenizer: Any) -> TokenVocabulary:
    return BYTES if request.param == "bytes" else read_vocabulary(tiny_tokenizer)


@pytest.fixture(scope="module")
def index(isa: InstructionSet, vocabulary: TokenVocabulary) -> TokenIndex:
    return compile_index(build_constraint(isa), vocabulary)


@pytest.fixture(scope="module", params=EVERY_DIALECT, ids=lambda d: f"{d.isa.name}-{d.name}")
def dialect(request: pytest.FixtureRequest) -> Dialect:
    found: Dialect = request.param
    return found


@pytest.fixture(scope="module")
def loaded(tiny_adapter: Path) -> Iterator[LoadedModel]:
    """A model of random weights, on one thread: on a busy machine two wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_model(tiny_adapter, dtype="float32")
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def decoder(isa: InstructionSet, loaded: LoadedModel) -> Decoder:
    return Decoder.from_loaded(loaded, find_dialect("strict", isa))


@pytest.fixture(scope="module")
def texts(isa: InstructionSet) -> list[str]:
    """Instructions, and texts that are none."""
    return [*(variant.text for variant in variants(isa)[:24]), *refused(isa)[:12]]


@pytest.fixture(scope="module")
def answers(decoder: Decoder, texts: list[str]) -> list[Decoded]:
    return [*decoder.decode_many(texts)]


def test_there_are_sets_to_look_at() -> None:
    """What is packaged, the scaffold and the test set; two come in a folder; all have tables."""
    names = [isa.name for isa in every_set()]
    assert {*names} >= {*packaged_sets(), "kvrm", "scaffold", "zeta"}
    assert sorted(names) == sorted(TABLES)
    assert sum(Path(isa.source).is_dir() for isa in every_set()) >= 2
    assert {dialect.name for dialect in EVERY_DIALECT} == {*DIALECTS}


def test_the_table_by_hand_is_of_this_set(isa: InstructionSet) -> None:
    """The same keys, and under each the same operands in the same order."""
    own = {opcode.key: [operand.name for operand in opcode.operands] for opcode in isa.opcodes}
    table = {
        key: [name for name, _ in operands] for key, operands in TABLES[isa.name].operations.items()
    }
    assert table == {**own, INVALID_KEY: []}


def test_sources_agree(isa: InstructionSet) -> None:
    """What `isa check` compares has no problem, and there was something to compare."""
    report = compare(isa, read_cases(isa))
    assert report.problems == ()
    assert sum(one.count for one in report.comparisons) >= 3000
    assert any(one.is_proof and one.count for one in report.comparisons)
    assert report.largest_language >= 2


def test_texts_mean_what_they_were_written_for(isa: InstructionSet) -> None:
    """The reference parser reads each as it was meant; every mnemonic of every opcode occurs."""
    for variant in variants(isa):
        assert parse(variant.text, isa) == variant.operation, variant.text
        assert isa.parse_json(operation_to_json(variant.operation)) == variant.operation
    assert {variant.operation.key for variant in variants(isa)} == {*isa.by_key}
    strict = find_dialect("strict", isa)
    first = {strict.read(variant.text).visible.split(" ")[0] for variant in variants(isa)}
    assert {*isa.by_mnemonic} <= {word.upper() for word in first} | first


def test_masks_are_the_independent_automatons(
    isa: InstructionSet, index: TokenIndex, vocabulary: TokenVocabulary
) -> None:
    """Every state, every token: no bit differs."""
    table = prove(index, vocabulary, Oracle(TABLES[isa.name]))
    assert table["differing"] == 0
    assert table["states"] >= 100
    assert table["bits"] >= 25_000
    assert table["allowed"] > table["states"]


def test_the_longest_answer_is_the_limit(isa: InstructionSet) -> None:
    """In single bytes the limit is exact: some answer has as many tokens, and none has more."""
    index = compile_index(build_constraint(isa), BYTES)
    layer, count = {index.initial_state}, 0
    while layer:
        steps = (index.next_state(s, token) for s in layer for token in index.allowed(s).tolist())
        layer, count = {step for step in steps if step is not None}, count + 1
    assert count == index.max_tokens


def test_the_right_answer_is_never_lost(
    dialect: Dialect, vocabulary: TokenVocabulary, tiny_tokenizer: Any
) -> None:
    """What each of 300 instructions means is in the language of its own text; so is the refusal."""
    isa = dialect.isa
    index = compile_index(build_constraint(isa), vocabulary)
    grounding = Grounding(isa, index, vocabulary, dialect.shorthand)
    drawn = [variant for variant in variants(isa) if is_told_apart(dialect, variant)]
    assert len(drawn) >= 290
    for variant in drawn:
        language = grounding.language(dialect.read(variant.text).mentions)
        for operation in (variant.operation, INVALID):
            answer = operation_to_json(operation)
            token_ids = [byte + 1 for byte in answer.encode()]
            if vocabulary is not BYTES:
                token_ids = encode_plain(tiny_tokenizer, answer)
            state = follow(language, token_ids)
            assert state is not None, (variant.text, answer)
            assert language.eos_token_id in language.allowed(state), (variant.text, answer)


def test_members_are_operations_of_what_is_mentioned(dialect: Dialect) -> None:
    """Each is in the schema's language, and uses mentions and what is implied alone."""
    isa, rng, seen, used = dialect.isa, Random(0), 0, 0
    pattern, oracle = re.compile(build_constraint(isa).regex), Oracle(TABLES[isa.name])
    index = compile_index(build_constraint(isa), BYTES)
    grounding = Grounding(isa, index, BYTES, dialect.shorthand)
    for text in (*(variant.text for variant in variants(isa)), *refused(isa)):
        mentions = dialect.read(text).mentions
        for member in members(grounding.language(mentions), rng):
            assert pattern.fullmatch(member), (text, member)
            assert oracle.accepts(oracle.walk(member.encode()) or ()), (text, member)
            operation = isa.parse_json(member)
            assert operation_to_json(operation) == member
            found = uses(dialect, operation, mentions)
            assert all(count <= most for _, count, most in found), (text, member)
            seen, used = seen + 1, used + len(found)
    assert seen >= 900
    assert used >= 700


def test_each_text_has_one_answer(decoder: Decoder, texts: list[str], answers: Any) -> None:
    """In order, an operation of the set, of what the text mentions; alone as in a batch."""
    assert [answer.text for answer in answers] == texts
    for answer in answers:
        assert answer.error is None and answer.json is not None
        assert decoder.isa.parse_json(answer.json) == answer.operation
        assert answer.confidence is not None and 0 < answer.confidence < 1.000001
        found = uses(decoder.dialect, answer.operation, answer.reading.mentions)
        assert all(count <= most for _, count, most in found), answer.text
    assert any(answer.valid for answer in answers)
    assert {answer.passes for answer in answers} != {1}  # the model is untrained
    assert [decoder.decode(text).json for text in texts[:4]] == [a.json for a in answers[:4]]


@pytest.mark.parametrize("constraint", ["grounded", "schema"])
def test_all_methods_agree(decoder: Decoder, texts: list[str], constraint: Any) -> None:
    """With drafts, without, and by Outlines' own generation, which knows the schema alone."""
    found = {
        method: [
            (one.json, str(one.error))
            for one in replace(decoder, method=method, constraint=constraint).decode_many(texts)
        ]
        for method in METHODS
        if constraint == "schema" or method != "outlines"
    }
    assert len(found) >= 2
    assert all(one == found["verify"] for one in found.values())


def test_the_first_draft_is_the_right_answer(decoder: Decoder, isa: InstructionSet) -> None:
    """For every instruction: a trained model needs one pass."""
    for variant in variants(isa):
        reading = decoder.dialect.read(variant.text)
        assert reading.guess == variant.operation, variant.text


def test_answers_are_values(decoder: Decoder, answers: list[Decoded]) -> None:
    """Copied, pickled and compared like those of any set; a refusal says why."""
    refusal = Decoded("?", INVALID, reading=decoder.dialect.read("?"))
    for answer in (*answers, refusal):
        for other in (copy.deepcopy(answer), pickle.loads(pickle.dumps(answer))):
            assert (other, hash(other)) == (answer, hash(answer))
            assert other.reason == answer.reason
            assert (other.reason is None) == answer.valid


def test_answers_go_to_another_process(answers: list[Decoded], isa: InstructionSet) -> None:
    """A new process loads the set that an answer is of, also from a folder, and sends it back."""
    code = (
        "import pickle, sys; answers = pickle.load(sys.stdin.buffer)\n"
        "assert {a.reading.dialect.isa.name for a in answers} == {sys.argv[1]}\n"
        "assert all(a.reading.verdict for a in answers)\n"
        "pickle.dump(([a.json for a in answers], answers), sys.stdout.buffer)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, isa.name], input=pickle.dumps(answers), capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    written, there = pickle.loads(done.stdout)
    assert written == [answer.json for answer in answers]
    assert there == answers


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
