"""compat.py: the interface of the first training report, with and without a model."""

import json
from pathlib import Path
from typing import Any

import pytest

import kvrm_grammar
from kvrm_grammar import resources
from kvrm_grammar.compat import DecodeLLM, DecodeResult, parse_program
from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS, find_dialect
from kvrm_grammar.errors import AdapterError, InputError, ModelError, ProgramError
from kvrm_grammar.isa import INVALID, operation_to_json
from kvrm_grammar.oracle.program import parse_program as assembled
from kvrm_grammar.oracle.reference import explain, parse
from kvrm_grammar.resources import resource_path
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


@pytest.fixture
def mock() -> DecodeLLM:
    """The interface without a model."""
    llm = DecodeLLM(mock_mode=True)
    llm.load()
    return llm


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


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_path_means_the_package(
    dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of the current directory is never taken for the packaged adapter."""
    name = find_dialect(dialect).adapter or ""
    (tmp_path / name).mkdir(parents=True)
    packaged = resource_path(name).resolve()
    monkeypatch.chdir(tmp_path)
    loaded_from = _loaded_from(DecodeLLM(dialect=dialect), monkeypatch)
    assert loaded_from == packaged != (tmp_path / name).resolve()


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


def test_the_dialect_chooses_the_adapter() -> None:
    """A path that is named wins."""
    assert DecodeLLM().model_path == resource_path("models/decode_llm")
    lenient = DecodeLLM(dialect="lenient")
    assert lenient.model_path == resource_path("models/decode_llm_lenient")
    assert DecodeLLM(model_path="a/b", dialect="lenient").model_path.as_posix() == "a/b"
    with pytest.raises(InputError, match="unknown dialect"):
        DecodeLLM(dialect="casual")


def test_a_result_is_immutable_and_json(mock: DecodeLLM) -> None:
    """Fields cannot be replaced, and params can be written as JSON."""
    result = mock.decode("MOV R1, 5")
    assert json.loads(json.dumps(result.params)) == {"dest": "R1", "value": 5}
    with pytest.raises(AttributeError):
        result.valid = False  # type: ignore[misc]


def test_results_are_made_of_three_values() -> None:
    """Error and raw text have defaults, by place or by name, and the operands are copied."""
    params = {"dest": "R1"}
    result = DecodeResult("OP_INC", params, True)
    params["dest"] = "R2"
    assert result == DecodeResult(
        key="OP_INC", params={"dest": "R1"}, valid=True, error=None, raw_instruction=""
    )
    assert len({result, DecodeResult("OP_INC", {"dest": "R1"}, True)}) == 1
    with pytest.raises(TypeError, match="cannot be changed"):
        result.params["dest"] = "R3"  # type: ignore[index]


def test_the_mock_reads_one_dialect() -> None:
    """Only a model reads the lenient dialect: the mock does not pretend to be one."""
    with pytest.raises(InputError, match=r"mock_mode .* does not read the dialect 'lenient'"):
        DecodeLLM(mock_mode=True, dialect="lenient")
    assert DecodeLLM(True, None, dialect="strict").decode("halt").valid


def test_an_uncertain_answer_is_an_error_in_the_result() -> None:
    """Below the confidence that is asked for, a result is invalid; refusals keep their reason."""

    class Oracle:
        def decode(self, text: str, *, min_confidence: float) -> Decoded:
            verdict = explain(text)
            reading = find_dialect("strict").read(text)
            decoded = Decoded(text, verdict.operation, confidence=0.75, reading=reading)
            return decoded.unless_uncertain(min_confidence)

    llm = DecodeLLM(min_confidence=0.9)
    llm._decoder = Oracle()  # type: ignore[assignment]
    assert llm.decode("halt").error == "uncertain"
    assert llm.decode("what").error == explain("what").reason is not None
    llm.min_confidence = 0.0
    assert llm.decode("halt").valid


SOURCE = """\
; counts down
start:  MOV R1, 3      ; three
        MOV R2, ';'    # a semicolon

loop:   // here
        DEC R1\r
\tJNZ loop
        fly away
end:"""


def test_a_program_is_texts_and_labels() -> None:
    """Instructions without labels, comments and blanks; a label is the index of what follows."""
    instructions, labels = parse_program(SOURCE)
    assert instructions == ["MOV R1, 3", "MOV R2, ';'", "DEC R1", "JNZ loop", "fly away"]
    assert labels == {"start": 0, "loop": 2, "end": 5}
    assert (type(instructions), type(labels)) == (list, dict)


@pytest.mark.parametrize("source", ["", "\n\r\n", "; nothing\n// at all"])
def test_a_source_without_instructions(source: str) -> None:
    """Nothing in, nothing out."""
    assert parse_program(source) == ([], {})


def test_a_label_is_defined_once() -> None:
    """Twice the same label is the error that a program raises."""
    with pytest.raises(ProgramError, match="'a' is defined in line 1 and again in line 2"):
        parse_program("a: nop\na: nop")


def test_program_and_decoder_work_together(mock: DecodeLLM) -> None:
    """The predecessor's loop: take a source apart, set its labels, decode each text."""
    instructions, labels = parse_program(SOURCE)
    mock.set_labels(labels)
    results = [mock.decode(text) for text in instructions]
    whole = assembled(SOURCE).instructions
    assert [r.key for r in results] == [one.operation.key for one in whole]
    assert results[3].params == {"addr": 2} == whole[3].operation.params.model_dump()
    unknown = mock.decode("JMP nowhere")
    assert not unknown.valid
    assert unknown.error is not None and "Unknown label" in unknown.error


def test_the_package_gives_the_same_interface() -> None:
    """There is one ``DecodeLLM``; only ``parse_program`` differs, as it always did."""
    assert kvrm_grammar.DecodeLLM is DecodeLLM
    assert kvrm_grammar.DecodeResult is DecodeResult
    assert kvrm_grammar.parse_program is assembled
