"""facade.py: the functions for one answer, with fake decoders and with a tiny model."""

import asyncio
import copy
import operator
import pickle
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pydantic import ValidationError

from kvrm_grammar import facade
from kvrm_grammar.decoding.decoded import Alternative, Decoded, Refusal
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.pipeline import Pipeline
from kvrm_grammar.decoding.posterior import Posterior
from kvrm_grammar.dialects import DIALECTS, Reading, find_dialect
from kvrm_grammar.errors import (
    InputError,
    LineTooLongError,
    ModelError,
    ProgramError,
    UnknownLabelError,
)
from kvrm_grammar.facade import (
    decode_program,
    decode_structured,
    default_decoder,
)
from kvrm_grammar.isa import INVALID, InstructionSet, load_set, operation_to_json
from kvrm_grammar.oracle.program import parse_program, resolve_labels
from kvrm_grammar.oracle.reference import parse

WAIT_S = 60  # for what takes a moment: who waits so long hangs


class Oracle:
    """What a perfectly trained decoder would do."""

    dialect = find_dialect("strict")
    isa = load_set()

    def decode(self, text: str, *, min_confidence: float = 0.0) -> Decoded:
        return next(self.decode_many([text])).unless_uncertain(min_confidence)

    def decode_many(
        self, texts: Iterable[str], *, min_confidence: float = 0.0
    ) -> Iterator[Decoded]:
        for text in texts:
            reading = self.dialect.read(text)
            yield Decoded(text, parse(text), confidence=0.75, reading=reading)

    def alternatives(self, decoded: Decoded, k: int) -> tuple[Alternative, ...]:
        return (Alternative(parse(decoded.text), 0.75), Alternative(INVALID, 0.2))[:k]


class Lenient(Oracle):
    """One that reads the other dialect, as well."""

    dialect = find_dialect("lenient")


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packaged decoder is one that never errs."""
    decoders = {"strict": Oracle(), "lenient": Lenient()}
    monkeypatch.setattr(facade, "default_decoder", lambda dialect, isa=None: decoders[dialect])


@pytest.mark.usefixtures("oracle")
def test_decode_structured() -> None:
    """One text, one operation; labels stay names unless addresses are given."""
    assert decode_structured("sub r5 r3 r1") == parse("sub r5 r3 r1")
    assert decode_structured("FOO") == INVALID
    assert decode_structured("JMP loop") == load_set().operation("OP_JMP", {"addr": "loop"})
    assert decode_structured("JMP loop", labels={"loop": 9}) == load_set().operation(
        "OP_JMP", {"addr": 9}
    )
    with pytest.raises(UnknownLabelError, match="Unknown label: 'loop'"):
        decode_structured("JMP loop", labels={})
    with pytest.raises(LineTooLongError):
        decode_structured("x" * 257)


def test_the_constraint_is_handed_on(tiny_decoder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grounded by default, the schema alone on request, and no third choice."""
    used: list[str] = []
    usual = type(tiny_decoder).decode

    def decode(self: Any, text: str, **options: Any) -> Any:
        used.append(self.constraint)
        return usual(self, text, **options)

    monkeypatch.setattr(type(tiny_decoder), "decode", decode)
    monkeypatch.setattr(facade, "default_decoder", lambda dialect, isa=None: tiny_decoder)
    decode_structured("halt")
    decode_structured("halt", constraint="schema")
    assert used == ["grounded", "schema"]
    with pytest.raises(InputError, match="unknown constraint 'free'; available: grounded, schema"):
        decode_structured("halt", constraint="free")  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", ["", "STRICT", "nonsense", "strict "])
def test_unknown_dialects(dialect: str) -> None:
    """A dialect that does not exist is refused before any model is loaded."""
    with pytest.raises(InputError, match=r"unknown dialect .*; available: strict, lenient"):
        decode_structured("halt", dialect=dialect)
    with pytest.raises(InputError, match="unknown dialect"):
        default_decoder(dialect)


@pytest.fixture
def none_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has not loaded a model yet."""
    monkeypatch.setattr(facade, "_LOADED", {})
    monkeypatch.setattr(facade, "_LOADING", {})


@pytest.mark.usefixtures("none_loaded")
def test_the_packaged_decoder_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process, one packaged model of a dialect; a failed load is tried again."""
    calls: list[str] = []

    def load(*, dialect: str, isa: InstructionSet) -> Oracle:
        calls.append(dialect)
        if len(calls) == 1:
            raise ModelError("not today")
        return Oracle()

    monkeypatch.setattr(Decoder, "from_pretrained", load)
    with pytest.raises(ModelError, match="not today"):
        decode_structured("halt")
    assert decode_structured("halt") == decode_structured("HALT")
    assert decode_program("halt").instructions[0].operation == parse("halt")
    assert default_decoder() is default_decoder("strict") is default_decoder(dialect="strict")
    assert calls == ["strict", "strict"]


@pytest.mark.usefixtures("none_loaded")
def test_sets_without_a_source_have_decoders_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were bound by hand; the same set has the same one."""
    monkeypatch.setattr(Decoder, "from_pretrained", lambda **_: Oracle())
    one, other = load_set("kvrm"), load_set("rv32im")
    for isa in (one, other):
        monkeypatch.setitem(vars(isa), "source", "")
    assert default_decoder(isa=one) is default_decoder(isa=one)
    assert default_decoder(isa=one) is not default_decoder(isa=other)


@pytest.mark.usefixtures("none_loaded")
@pytest.mark.parametrize("order", [("strict", "lenient"), ("lenient", "strict")])
def test_a_decoder_does_not_depend_on_earlier_calls(
    order: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each dialect is loaded by itself, and stays what it was when another one follows."""
    asked: list[str] = []

    def load(*, dialect: str, isa: InstructionSet) -> Oracle:
        asked.append(dialect)
        return Lenient() if dialect == "lenient" else Oracle()

    monkeypatch.setattr(Decoder, "from_pretrained", load)
    before = {name: default_decoder(name) for name in order}
    after = {name: default_decoder(name) for name in reversed(order)}
    assert asked == [*order]
    assert all(before[name] is after[name] for name in order)
    assert {name: one.dialect.name for name, one in after.items()} == {n: n for n in order}


@pytest.mark.usefixtures("none_loaded")
@pytest.mark.parametrize("loaded_before", [True, False])
def test_a_dialect_does_not_wait_for_another(
    loaded_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one thread loads the lenient adapter, strict calls are answered."""
    loading, finish = Event(), Event()

    def load(*, dialect: str, isa: InstructionSet) -> Oracle:
        if dialect == "lenient":
            loading.set()
            assert finish.wait(WAIT_S)
        return Oracle()

    monkeypatch.setattr(Decoder, "from_pretrained", load)
    if loaded_before:
        default_decoder("strict")
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(default_decoder, "lenient")
        try:
            assert loading.wait(WAIT_S)
            quick = pool.submit(decode_structured, "halt")
            assert quick.result(WAIT_S) == parse("halt")
            assert not slow.done()
        finally:
            finish.set()
        assert slow.result(WAIT_S) is default_decoder("lenient")


@pytest.mark.usefixtures("none_loaded")
def test_threads_load_a_dialect_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes while the adapter is being loaded waits for it, and loads no second one."""
    calls: list[str] = []
    loading, finish = Event(), Event()

    def load(*, dialect: str, isa: InstructionSet) -> Oracle:
        calls.append(dialect)
        loading.set()
        assert finish.wait(WAIT_S)
        return Oracle()

    monkeypatch.setattr(Decoder, "from_pretrained", load)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(default_decoder)
        assert loading.wait(WAIT_S)
        others = [pool.submit(default_decoder) for _ in range(3)]
        finish.set()
        found = {id(one.result(WAIT_S)) for one in (first, *others)}
    assert (len(found), calls) == (1, ["strict"])


def test_another_constraint_builds_nothing_again(
    tiny_decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the schema alone is asked for, there is one engine with one prefix read."""
    built: list[Engine] = []

    def engine(*arguments: Any) -> Engine:
        built.append(Engine(*arguments))
        return built[-1]

    monkeypatch.setattr("kvrm_grammar.decoding.pipeline.Engine", engine)
    fresh = Decoder.from_loaded(tiny_decoder.loaded)
    monkeypatch.setattr(facade, "default_decoder", lambda dialect, isa=None: fresh)
    for _ in range(3):
        decode_structured("halt", constraint="schema")
        decode_structured("halt")
    assert len(built) == 1


def test_coroutines_share_the_packaged_decoder(
    tiny_decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Concurrent calls by ``asyncio.to_thread`` get what one caller gets."""
    monkeypatch.setattr(facade, "default_decoder", lambda dialect, isa=None: tiny_decoder)
    texts = ["sub r5 r3 r1", "halt"] * 2
    alone = {text: decode_structured(text) for text in texts}

    async def together() -> list[Any]:
        calls = (asyncio.to_thread(decode_structured, text) for text in texts)
        return await asyncio.wait_for(asyncio.gather(*calls), WAIT_S)

    assert asyncio.run(together()) == [alone[text] for text in texts]


@pytest.mark.usefixtures("none_loaded", "cache_folder")
def test_threads_over_two_dialects(
    two_adapters: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that load and decode two dialects at once get what one thread gets."""
    adapters = dict(zip(("strict", "lenient"), two_adapters, strict=True))
    usual = Decoder.from_pretrained
    monkeypatch.setattr(
        Decoder,
        "from_pretrained",
        lambda *, dialect, isa: usual(adapters[dialect], dialect=dialect),
    )
    jobs = [(text, name) for text in ("sub r5 r3 r1", "halt", "mov r1 5") for name in adapters] * 2
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda job: decode_structured(job[0], dialect=job[1]), jobs)]
    assert answers == [decode_structured(text, dialect=name) for text, name in jobs]
    assert answers[0] != answers[1]  # the adapters are not alike
    assert default_decoder("strict").loaded is not default_decoder("lenient").loaded


@pytest.mark.usefixtures("oracle")
def test_a_refusal_says_why() -> None:
    """It equals any OP_INVALID, writes the same JSON, and survives a copy with its reason."""
    refused = decode_structured("add r1 r2")
    assert isinstance(refused, Refusal)
    assert (refused.raw, refused.reason) == ("add r1 r2", "ADD takes 3 operands, got 2")
    assert refused.alternatives == ()
    assert refused == INVALID
    assert operator.eq(INVALID, refused)  # whichever side it is on
    assert {refused} == {INVALID}
    assert refused != parse("halt")
    assert operation_to_json(refused) == operation_to_json(INVALID)
    assert repr(refused) == "Refusal(reason='ADD takes 3 operands, got 2')"
    for copied in (copy.deepcopy(refused), pickle.loads(pickle.dumps(refused))):
        assert copied == refused
        assert (copied.raw, copied.reason) == (refused.raw, refused.reason)
    with pytest.raises(ValidationError, match="frozen"):
        refused.key = "OP_NOP"  # type: ignore[assignment]
    other = decode_structured("what", dialect="lenient")
    assert isinstance(other, Refusal)
    assert other.reason == "the model did not recognise this instruction"


@pytest.mark.usefixtures("oracle")
@pytest.mark.parametrize("k", [1, 2])
def test_a_refusal_has_the_alternatives_that_were_asked_for(k: int) -> None:
    """What was not said, for lack of confidence or because the model refused, can be had."""
    expected = [(operation_to_json(parse("halt")), 0.75), (operation_to_json(INVALID), 0.2)]
    refused = decode_structured("halt", min_confidence=0.9, alternatives=k)
    assert isinstance(refused, Refusal)
    assert refused.reason == "uncertain"
    assert [(one.json, one.probability) for one in refused.alternatives] == expected[:k]
    other = decode_structured("FOO", alternatives=k)
    assert isinstance(other, Refusal) and len(other.alternatives) == k
    copied = pickle.loads(pickle.dumps(refused))
    assert copied.alternatives == refused.alternatives
    with pytest.raises(ValueError, match="alternatives must be at least 0, got -1"):
        decode_structured("halt", alternatives=-1)


def test_alternatives_are_not_searched_unasked(
    tiny_decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal for lack of confidence costs no pass more than an answer."""
    searched: list[str] = []
    monkeypatch.setattr(facade, "default_decoder", lambda dialect, isa=None: tiny_decoder)

    def weigh(self: Pipeline, reading: Reading) -> Posterior:
        searched.append(reading.raw)
        return Posterior((), 0)

    monkeypatch.setattr(Pipeline, "posterior", weigh)
    for k in (0, 2):
        refused = decode_structured("sub r5 r3 r1", min_confidence=1.0, alternatives=k)
        assert isinstance(refused, Refusal) and refused.reason == "uncertain"
        assert searched == ["sub r5 r3 r1"] * (k > 0)


@pytest.mark.usefixtures("oracle")
def test_what_is_uncertain_is_refused() -> None:
    """Below the confidence that is asked for, an instruction becomes a refusal with a reason."""
    assert decode_structured("halt", min_confidence=0.75).key == "OP_HALT"
    assert decode_structured("halt", min_confidence=0.76) == INVALID


def test_a_dialect_without_rules_gives_no_reason() -> None:
    """The reference parser explains the strict dialect alone."""
    assert find_dialect("strict").read("add r1 r2").reason == "ADD takes 3 operands, got 2"
    assert "did not recognise" in find_dialect("lenient").read("add r1 r2").reason


SOURCE = "start: MOV R1, 3 ; three\n\nloop:\n DEC R1\nJNZ loop\r\nwhat is this\nJMP start\n"


def test_decode_program_assembles_like_the_reference() -> None:
    """With a decoder that never errs, a program is exactly what the reference makes of it."""
    program = decode_program(SOURCE, decoder=Oracle())  # type: ignore[arg-type]
    assert program == parse_program(SOURCE)
    assert dict(program.labels) == {"start": 0, "loop": 1}
    assert [i.operation.key for i in program.instructions] == [
        "OP_MOV_REG_IMM",
        "OP_DEC",
        "OP_JNZ",
        "OP_INVALID",
        "OP_JMP",
    ]


@pytest.mark.usefixtures("oracle")
def test_decode_program_takes_the_packaged_decoder() -> None:
    """Without a decoder, the packaged one is asked."""
    assert decode_program(SOURCE) == parse_program(SOURCE)
    assert decode_program("halt", dialect="lenient") == parse_program("halt")


def test_decode_program_with_a_model(tiny_decoder: Decoder) -> None:
    """A program's operations are the model's answers, line by line, with labels resolved."""
    lines = ["sub r5 r3 r1", "HALT", "inc r1", "MOV R1, 5"]
    answers = [answer.operation for answer in tiny_decoder.decode_many(lines)]
    assert None not in answers
    operations = [one for one in answers if one is not None]
    addresses = [getattr(one.params, "addr", None) for one in operations]
    names = {name for name in addresses if isinstance(name, str)}
    labels = {name: len(lines) for name in names}  # whatever the model makes up
    source = "\n".join([*lines, *(f"{name}:" for name in names)])
    program = decode_program(source, decoder=tiny_decoder)
    assert [i.operation for i in program.instructions] == [
        resolve_labels(operation, labels) for operation in operations
    ]
    assert [i.text for i in program.instructions] == lines


def test_decode_program_reports_unknown_labels_with_their_line() -> None:
    """A jump to nowhere names label and line, as with the reference."""
    with pytest.raises(UnknownLabelError, match="Unknown label: 'nowhere' in line 2"):
        decode_program("NOP\nJMP nowhere", decoder=Oracle())  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match="defined in line 1 and again in line 2"):
        decode_program("a: NOP\na: NOP", decoder=Oracle())  # type: ignore[arg-type]


def test_decode_program_of_the_lenient_dialect() -> None:
    """A line is refused for the model's reason: no parser knows better."""
    program = decode_program("halt\nfly away", decoder=Lenient())  # type: ignore[arg-type]
    reasons = [one.reason for one in program.instructions]
    assert reasons == [None, "the model did not recognise this instruction"]


@pytest.mark.parametrize("decoder", [Oracle(), Lenient()])
def test_decode_program_takes_no_contradiction(decoder: Oracle) -> None:
    """A decoder has one dialect: naming it again is no harm, naming another an error."""
    for name in DIALECTS:
        if name == decoder.dialect.name:
            program = decode_program("halt", dialect=name, decoder=decoder)  # type: ignore[arg-type]
            assert len(program.instructions) == 1
            continue
        with pytest.raises(InputError, match=f"for the dialect .*, not '{name}'"):
            decode_program("halt", dialect=name, decoder=decoder)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unknown dialect 'casual'"):
        decode_program("halt", dialect="casual", decoder=decoder)  # type: ignore[arg-type]


def test_decode_program_raises_the_decoders_error() -> None:
    """A line without an answer stops the program: its addresses would be wrong."""

    class Broken(Oracle):
        def decode_many(
            self, texts: Iterable[str], *, min_confidence: float = 0.0
        ) -> Iterator[Decoded]:
            return (Decoded(text, None, InputError(f"no {text}")) for text in texts)

    with pytest.raises(InputError, match="no HALT"):
        decode_program("HALT", decoder=Broken())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FOO R1", "FOO is not a mnemonic"),
        ("", "empty instruction"),
        ("HALT", "the model did not recognise this instruction"),
    ],
)
def test_refusal_reasons(text: str, reason: str) -> None:
    """The reference's reason; where it has none, it was the model that refused."""
    assert find_dialect("strict").read(text).reason == reason
