"""facade.py: the answers of the earlier report's interface, with and without a model."""

import copy
import json
import operator
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kvrm_grammar import facade, resources
from kvrm_grammar.decoding.decoded import Alternative, Refusal
from kvrm_grammar.decoding.decoder import Decoded, Decoder
from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import (
    AdapterError,
    InputError,
    LineTooLongError,
    ModelError,
    ProgramError,
    UnknownLabelError,
)
from kvrm_grammar.facade import (
    DecodeLLM,
    DecodeResult,
    decode_program,
    decode_structured,
    default_decoder,
    refusal_reason,
)
from kvrm_grammar.isa import INVALID, load_set, operation_to_json
from kvrm_grammar.oracle.program import parse_program, resolve_labels
from kvrm_grammar.oracle.reference import explain, parse
from training.evaluation.spot_checks import BUILT_IN_CHECKS, EXTENDED_CHECKS

SEVEN = {
    "MOV R3, 42": ("OP_MOV_REG_IMM", {"dest": "R3", "value": 42}),
    "ADD R0, R1, R2": ("OP_ADD", {"dest": "R0", "src1": "R1", "src2": "R2"}),
    "CMP R3, R4": ("OP_CMP", {"src1": "R3", "src2": "R4"}),
    "JMP loop": ("OP_JMP", {"addr": "loop"}),
    "HALT": ("OP_HALT", {}),
    "sub r5 r3 r1": ("OP_SUB", {"dest": "R5", "src1": "R3", "src2": "R1"}),
    "FOO R1, R2": ("OP_INVALID", {"raw": "FOO R1, R2"}),
}
EXTENDED = {
    "INC R7": ("OP_INC", {"dest": "R7"}),
    "dec r0": ("OP_DEC", {"dest": "R0"}),
    "JS minus": ("OP_JS", {"addr": "minus"}),
    "JNS plus": ("OP_JNS", {"addr": "plus"}),
    "JZ 0": ("OP_JZ", {"addr": 0}),
    "JNZ .L0": ("OP_JNZ", {"addr": ".L0"}),
    "ADD R7 R6 R5": ("OP_ADD", {"dest": "R7", "src1": "R6", "src2": "R5"}),
    "mul r1,r2,r3": ("OP_MUL", {"dest": "R1", "src1": "R2", "src2": "R3"}),
    "MOV R1, R2": ("OP_MOV_REG_REG", {"dest": "R1", "src": "R2"}),
    "MOV R1, -1": ("OP_MOV_REG_IMM", {"dest": "R1", "value": -1}),
    "MOV R1, #-0x80000000": ("OP_MOV_REG_IMM", {"dest": "R1", "value": -(2**31)}),
    "MOV R1, 0xff": ("OP_MOV_REG_IMM", {"dest": "R1", "value": 255}),
    "MOV R1, 0b11": ("OP_MOV_REG_IMM", {"dest": "R1", "value": 3}),
    "MOV R1, 0o17": ("OP_MOV_REG_IMM", {"dest": "R1", "value": 15}),
    "MOV R1, ';'": ("OP_MOV_REG_IMM", {"dest": "R1", "value": 59}),
    "JMP 2147483647": ("OP_JMP", {"addr": 2**31 - 1}),
    "JMP 0x10": ("OP_JMP", {"addr": 16}),
    "JMP Add": ("OP_JMP", {"addr": "Add"}),
    "NOP // nothing": ("OP_NOP", {}),
    "end: halt # stop": ("OP_HALT", {}),
    "MOV R1, 2147483648": ("OP_INVALID", {"raw": "MOV R1, 2147483648"}),
    "ADD R1, R2": ("OP_INVALID", {"raw": "ADD R1, R2"}),
    "JMP R3": ("OP_INVALID", {"raw": "JMP R3"}),
    "": ("OP_INVALID", {"raw": ""}),
}


class Oracle:
    """What a perfectly trained decoder would do."""

    dialect = DIALECTS["strict"]

    def decode(self, text: str, *, min_confidence: float = 0.0) -> Decoded:
        return next(self.decode_many([text])).unless_uncertain(min_confidence)

    def decode_many(self, texts: Iterable[str], **_: object) -> Iterator[Decoded]:
        for text in texts:
            yield Decoded(text, parse(text), confidence=0.75, _search=self._search)

    @staticmethod
    def _search(text: str, k: int) -> tuple[Alternative, ...]:
        return (Alternative(parse(text), 0.75), Alternative(INVALID, 0.2))[:k]


@pytest.fixture
def mock() -> DecodeLLM:
    """The interface without a model."""
    llm = DecodeLLM(mock_mode=True)
    llm.load()
    return llm


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packaged decoder is one that never errs."""
    monkeypatch.setattr(facade, "default_decoder", lambda dialect="strict": Oracle())


@pytest.mark.parametrize(("text", "expected"), [*SEVEN.items(), *EXTENDED.items()])
def test_checks(text: str, expected: tuple[str, dict[str, Any]], mock: DecodeLLM) -> None:
    """The seven built-in checks and the extended list: key, operands and the raw text."""
    result = mock.decode(text)
    assert (result.key, result.params) == expected
    assert result.valid == (expected[0] != "OP_INVALID")
    assert (result.error is None) == result.valid
    assert result.raw_instruction == text


def test_the_lists_of_checks_are_complete() -> None:
    """Seven checks, at least fifteen more, and training's own lists are right."""
    assert [text for text, _ in BUILT_IN_CHECKS] == list(SEVEN)
    assert len(EXTENDED) >= 15 and len(EXTENDED_CHECKS) >= 15
    for text, expected in (*BUILT_IN_CHECKS, *EXTENDED_CHECKS):
        assert operation_to_json(parse(text)) == expected


@pytest.mark.parametrize("text", ["FOO R1, R2", "ADD R1, R9, R2", "HALT\nHALT", "\ud800", "\0"])
def test_refusals_carry_text_and_reason(text: str, mock: DecodeLLM) -> None:
    """A refused text is an invalid result with the raw text and the reference's reason."""
    reason = explain(text).reason
    assert reason is not None
    assert mock.decode(text) == DecodeResult("OP_INVALID", {"raw": text}, False, reason, text)


def test_a_line_that_is_too_long_is_an_invalid_result(mock: DecodeLLM) -> None:
    """Bad input gives a result, not an exception."""
    result = mock.decode("x" * 257)
    assert (result.key, result.valid, result.params) == ("OP_INVALID", False, {"raw": "x" * 257})
    assert result.error is not None and "257 characters" in result.error


def test_labels_resolve_once_they_are_set(mock: DecodeLLM) -> None:
    """Names until ``set_labels``, addresses after it; the caller's dictionary is copied."""
    assert mock.decode("JMP loop").params == {"addr": "loop"}
    labels = {"loop": 3, "Loop": 4}
    mock.set_labels(labels)
    labels["loop"] = 99
    assert mock.decode("JMP loop").params == {"addr": 3}
    assert mock.decode("jz Loop").params == {"addr": 4}
    assert mock.decode("JMP 7").params == {"addr": 7}
    assert mock.decode("HALT").params == {}
    mock.set_labels({"loop": 5})
    assert mock.decode("JMP loop").params == {"addr": 5}


@pytest.mark.parametrize("labels", [{}, {"LOOP": 1}, {"loop2": 1}])
@pytest.mark.parametrize("mnemonic", ["JMP", "JZ", "JNZ", "JS", "JNS"])
def test_unknown_labels(labels: dict[str, int], mnemonic: str, mock: DecodeLLM) -> None:
    """A jump to a label that is not set is invalid, and the error says so."""
    mock.set_labels(labels)
    text = f"{mnemonic} loop"
    expected = DecodeResult("OP_INVALID", {"raw": text}, False, "Unknown label: 'loop'", text)
    assert mock.decode(text) == expected


@pytest.mark.parametrize("address", [-1, 2**31])
def test_label_addresses_have_a_range(address: int, mock: DecodeLLM) -> None:
    """A label's address that no jump can hold is an invalid result."""
    mock.set_labels({"far": address})
    result = mock.decode("JMP far")
    assert not result.valid
    assert result.error is not None and str(address) in result.error


def test_a_model_must_be_loaded_first() -> None:
    """Without ``load`` there is no answer, and the error says what to do."""
    with pytest.raises(ModelError, match=r"call load\(\) first"):
        DecodeLLM().decode("halt")


def test_mock_mode_needs_no_load_and_no_folder() -> None:
    """The mock answers at once, whatever the model path is."""
    llm = DecodeLLM(mock_mode=True, model_path="/nowhere")
    assert llm.decode("halt").key == "OP_HALT"
    llm.load()
    assert llm.decode("halt").valid


def test_a_loaded_model_answers(
    tiny_adapter: Path, tiny_decoder: Decoder, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a model, the result is the decoder's answer in the same form."""
    llm = DecodeLLM(model_path=tiny_adapter)
    monkeypatch.setattr(Decoder, "from_pretrained", lambda path, **_: tiny_decoder)
    llm.load()
    for text in ("sub r5 r3 r1", "HALT", "what?", ""):
        operation = tiny_decoder.decode(text).operation
        assert operation is not None
        result = llm.decode(text)
        assert (result.key, result.raw_instruction) == (operation.key, text)
        if operation != INVALID:
            assert result == DecodeResult(
                operation.key, operation.params.model_dump(), True, None, text
            )
    assert "257 characters" in str(llm.decode("x" * 257).error)


def test_load_reads_the_adapter(tiny_adapter: Path, cache_folder: Path) -> None:
    """``load`` really loads: a folder named by a path or a string gives answers."""
    llm = DecodeLLM(mock_mode=False, model_path=str(tiny_adapter))
    llm.load()
    assert llm.decode("halt").key.startswith("OP_")


def _loaded_from(llm: DecodeLLM, monkeypatch: pytest.MonkeyPatch) -> Path:
    seen: list[Path] = []
    monkeypatch.setattr(Decoder, "from_pretrained", lambda path, **_: seen.append(path))
    llm.load()
    return seen[0].resolve()


def test_a_relative_path_is_looked_up_here_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative model path means the current folder, and where it is not there, the package."""
    here, packaged = tmp_path / "here", tmp_path / "packaged"
    for folder in (here / "models/own", packaged / "models/own", packaged / "models/shipped"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setattr(resources, "_ROOTS", (packaged,))
    for name, root in (("models/own", here), ("models/shipped", packaged)):
        assert _loaded_from(DecodeLLM(model_path=name), monkeypatch) == (root / name).resolve()


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` is the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "own").mkdir()
    loaded_from = _loaded_from(DecodeLLM(model_path="~/own"), monkeypatch)
    assert loaded_from == (tmp_path / "own").resolve()


@pytest.mark.parametrize("name", ["nowhere", "/no/where"])
def test_a_missing_adapter(name: str) -> None:
    """A model path that is nowhere is an error that names it."""
    with pytest.raises(AdapterError, match=f"no adapter folder .*{name}"):
        DecodeLLM(model_path=name).load()


# --- functions ---------------------------------------------------------------------------


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
    monkeypatch.setattr(facade, "default_decoder", lambda dialect="strict": tiny_decoder)
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


@pytest.mark.usefixtures("none_loaded")
def test_the_packaged_decoder_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process, one packaged model; a failed load is tried again."""
    calls: list[Path] = []

    def load(path: Path, *, dialect: str) -> Oracle:
        calls.append(path)
        if len(calls) == 1:
            raise ModelError("not today")
        return Oracle()

    monkeypatch.setattr(Decoder, "from_pretrained", load)
    with pytest.raises(ModelError, match="not today"):
        decode_structured("halt")
    assert decode_structured("halt") == decode_structured("HALT")
    assert decode_program("halt").instructions[0].operation == parse("halt")
    assert default_decoder() is default_decoder("strict") is default_decoder(dialect="strict")
    assert len(calls) == 2
    assert calls[0].as_posix().endswith("models/decode_llm")


@pytest.mark.usefixtures("none_loaded")
def test_two_dialects_share_a_base(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second dialect that is asked for comes with the first on one base."""
    asked: list[tuple[str, ...]] = []

    def share(dialects: Iterable[str]) -> dict[str, Oracle]:
        asked.append(tuple(dialects))
        return {name: Oracle() for name in asked[-1]}

    monkeypatch.setattr(Decoder, "from_pretrained", lambda path, **_: Oracle())
    monkeypatch.setattr(facade, "_share_base", share)
    alone = default_decoder("lenient")
    assert default_decoder("lenient") is alone
    strict = default_decoder()
    assert asked == [("lenient", "strict")]
    assert default_decoder("lenient") is not alone
    assert default_decoder("strict") is strict
    assert len(asked) == 1


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
        assert (copied.raw, copied.reason) == (refused.raw, refused.reason)
    with pytest.raises(ValidationError, match="frozen"):
        refused.key = "OP_NOP"  # type: ignore[assignment]
    assert decode_structured("what", dialect="lenient").reason.startswith("the model")  # type: ignore[union-attr]


@pytest.mark.usefixtures("oracle")
def test_an_uncertain_answer_is_among_the_alternatives() -> None:
    """What was not said for lack of confidence can still be looked at."""
    refused = decode_structured("halt", min_confidence=0.9)
    assert isinstance(refused, Refusal)
    assert refused.reason == "uncertain"
    assert [one.json for one in refused.alternatives] == [
        operation_to_json(parse("halt")),
        operation_to_json(INVALID),
    ]
    assert refused.alternatives[0].probability == 0.75


@pytest.mark.usefixtures("oracle")
def test_what_is_uncertain_is_refused() -> None:
    """Below the confidence that is asked for, an instruction becomes a refusal with a reason."""
    assert decode_structured("halt", min_confidence=0.75).key == "OP_HALT"
    assert decode_structured("halt", min_confidence=0.76) == INVALID
    llm = DecodeLLM(min_confidence=0.9)
    llm._decoder = Oracle()  # type: ignore[assignment]
    assert llm.decode("halt").error == "uncertain"
    assert llm.decode("what").error == explain("what").reason
    llm.min_confidence = 0.0
    assert llm.decode("halt").valid


def test_the_dialect_chooses_the_adapter() -> None:
    """A path that is named wins."""
    assert DecodeLLM().model_path.as_posix() == "models/decode_llm"
    assert DecodeLLM(dialect="lenient").model_path.as_posix() == "models/decode_llm_lenient"
    assert DecodeLLM(model_path="a/b", dialect="lenient").model_path.as_posix() == "a/b"
    with pytest.raises(InputError, match="unknown dialect"):
        DecodeLLM(dialect="casual")


def test_a_dialect_without_rules_gives_no_reason() -> None:
    """The reference parser explains the strict dialect alone."""
    assert refusal_reason("add r1 r2") == "ADD takes 3 operands, got 2"
    assert "did not recognise" in refusal_reason("add r1 r2", "lenient")


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


def test_decode_program_with_a_model(tiny_decoder: Decoder) -> None:
    """A program's operations are the model's answers, line by line, with labels resolved."""
    lines = ["sub r5 r3 r1", "HALT", "inc r1", "MOV R1, 5"]
    answers = [answer.operation for answer in tiny_decoder.decode_many(lines)]
    names = {a.params.addr for a in answers if isinstance(getattr(a.params, "addr", 0), str)}
    labels = {name: len(lines) for name in names}  # whatever the model makes up
    source = "\n".join([*lines, *(f"{name}:" for name in names)])
    program = decode_program(source, decoder=tiny_decoder)
    assert [i.operation for i in program.instructions] == [
        resolve_labels(answer, labels) for answer in answers
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

    class Lenient(Oracle):
        dialect = DIALECTS["lenient"]

    program = decode_program("halt\nfly away", decoder=Lenient())  # type: ignore[arg-type]
    reasons = [one.reason for one in program.instructions]
    assert reasons == [None, "the model did not recognise this instruction"]


def test_decode_program_raises_the_decoders_error() -> None:
    """A line without an answer stops the program: its addresses would be wrong."""

    class Broken(Oracle):
        def decode_many(self, texts: Iterable[str], **_: object) -> Iterator[Decoded]:
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
    assert refusal_reason(text) == reason


def test_a_result_is_immutable_and_json(mock: DecodeLLM) -> None:
    """Fields cannot be replaced, and params can be written as JSON."""
    result = mock.decode("MOV R1, 5")
    assert json.loads(json.dumps(result.params)) == {"dest": "R1", "value": 5}
    with pytest.raises(AttributeError):
        result.valid = False  # type: ignore[misc]
