"""Results and errors are values: whole after every kind of copy, in every kind of process."""

import copy
import dataclasses
import json
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar import errors
from kvrm_grammar.compat import DecodeResult
from kvrm_grammar.decoding.decoded import UNCERTAIN, Alternative, Decoded, Refusal
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.protocol import Answer
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import (
    CycleLimitError,
    InputError,
    JumpError,
    KvrmError,
    LineTooLongError,
    RefusedLineError,
    UnknownLabelError,
)
from kvrm_grammar.frozen import FrozenDict
from kvrm_grammar.isa import INVALID, InstructionSet, State, load_set
from kvrm_grammar.lines import Line
from kvrm_grammar.machine import Machine, Step, run
from kvrm_grammar.oracle.program import Instruction, Program, parse_program
from kvrm_grammar.oracle.reference import LineParts, explain, parse
from tests.sets import ZETA

ROOT = Path(__file__).resolve().parent.parent
WAIT_S = 120  # a pool that hangs is a failure, and no pool needs so long

STRICT, LENIENT = find_dialect("strict"), find_dialect("lenient")

# One of each operation, by the reference parser.
TEXTS = (
    "mov r1, 5", "mov r1, r2", "add r1 r2 r3", "sub r1 r2 r3", "mul r1 r2 r3", "inc r1", "dec r1",
    "cmp r1 r2", "jmp loop", "jz 0", "jnz .L", "js a", "jns b", "halt", "nop", "?",
)  # fmt: skip
ARGUMENTS: dict[type[KvrmError], tuple[Any, ...]] = {
    LineTooLongError: (300, 256),
    UnknownLabelError: ("loop", 3),
    RefusedLineError: (3, "foo r1", "foo is not a mnemonic", (5, 8)),
    JumpError: (99, 3, 12, 4),
    CycleLimitError: (1000, 3),
}


def error_classes() -> list[type[KvrmError]]:
    """Every error class of the package."""
    found: list[type[KvrmError]] = [KvrmError]
    for known in found:  # grows on the way
        found += [c for c in known.__subclasses__() if c.__module__ == errors.__name__]
    return found


ERRORS = [kind(*ARGUMENTS.get(kind, ("it is 'so': do that",))) for kind in error_classes()]
HALT = parse("halt")
START = State({"R0": 1}, {"Z": 0})
RESULTS: dict[str, Any] = {
    **{f"operation {text}": parse(text) for text in TEXTS},
    "alternative": Alternative(HALT, 0.5),
    "answer": Answer((1, 2), -0.5, 1, 2, 0.25),
    "decoded": Decoded("halt", HALT, None, 0.75, 1, 2, (5, 6), 0.25, False, "grounded"),
    "decoded error": Decoded("x" * 300, None, LineTooLongError(300, 256)),
    "decoded reason": Decoded("?", INVALID, confidence=0.5, reading=STRICT.read("?")),
    "decoded lenient": Decoded("?", INVALID, confidence=0.5, reading=LENIENT.read("?")),
    "decoded uncertain": Decoded("halt", INVALID, refused=HALT, reading=STRICT.read("halt")),
    "reading": LENIENT.read("12 | loop: `SUB R5 R3`"),
    "of another set": ZETA.operation("OP_LINK", {"rd": "ra", "target": "loop"}),
    "refusal": Refusal.explained("?", "because", (Alternative(HALT, 0.5),)),
    "verdict": explain("halt"),
    "verdict reason": explain("?"),
    "line": Line("halt"),
    "line error": Line("?", InputError("not UTF-8")),
    "line parts": LineParts("loop", True),
    "instruction": Instruction(0, 1, "?", INVALID, "because", 0.5),
    "program": parse_program("a: nop\njmp a\n?"),
    "decode result": DecodeResult("OP_JMP", {"addr": 3}, True, None, "jmp a"),
    "frozen": FrozenDict({"a": 1}),
    "state": State({"R0": 1}, {"Z": 0}, 2, halted=True),
    "step": Step(1, Instruction(0, 1, "halt", HALT), START, START),
    "machine": Machine(parse_program("a: nop\njmp a")),
    "trace": run(parse_program("inc r1\nhalt")),
}


def pickled(protocol: int) -> Callable[[Any], Any]:
    """A copy by way of bytes."""
    return lambda value: pickle.loads(pickle.dumps(value, protocol))


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {p}": pickled(p) for p in range(2, pickle.HIGHEST_PROTOCOL + 1)},
}


def test_the_laws_look_at_everything() -> None:
    """All errors, all operations, and every kind of copy."""
    assert len(ERRORS) >= 15
    assert {type(error).__name__ for error in ERRORS} == {*errors.__all__}
    assert {type(value) for value in RESULTS.values()} >= {*load_set().models}
    assert len(COPIES) >= 6


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_survive(error: KvrmError, duplicate: Callable[[Any], Any]) -> None:
    """A copy of an error has the class, the message and the attributes of the first."""
    copied = duplicate(error)
    assert type(copied) is type(error)
    assert (copied, str(copied), repr(copied)) == (error, str(error), repr(error))
    assert vars(copied) == vars(error)
    assert hash(copied) == hash(error)
    assert copied != type(error)(*(["another"] * max(len(error.args), 1)))


def test_errors_of_different_classes_differ() -> None:
    """The same message is not the same error."""
    assert len({*ERRORS}) == len(ERRORS)
    assert InputError("so") != KvrmError("so")
    assert InputError("so") != "so"


def test_errors_name_the_value_and_what_to_do() -> None:
    """Arguments become a message once, and stay at hand."""
    error = LineTooLongError(300, 256)
    assert str(error).startswith("line has 300 characters, at most 256 are allowed; split it")
    assert (error.length, error.limit) == (300, 256)
    assert str(UnknownLabelError("loop")) == "Unknown label: 'loop'"
    assert str(UnknownLabelError("loop", 3)) == "Unknown label: 'loop' in line 3"


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("name", RESULTS)
def test_results_survive(name: str, duplicate: Callable[[Any], Any]) -> None:
    """A copy of a result is equal to it, hashes like it, and is written like it."""
    result = RESULTS[name]
    copied = duplicate(result)
    assert type(copied) is type(result)
    assert (copied, hash(copied), repr(copied)) == (result, hash(result), repr(result))


@pytest.mark.parametrize(
    "name", [name for name, value in RESULTS.items() if dataclasses.is_dataclass(value)]
)
def test_results_are_plain_data(name: str) -> None:
    """``asdict`` gives every field, and nothing in it can be called or runs a model."""
    result = RESULTS[name]
    fields = dataclasses.asdict(result)
    assert [*fields] == [field.name for field in dataclasses.fields(result)]
    assert all(fields[name] == getattr(result, name) or fields[name] for name in fields)
    assert not any(callable(value) for value in fields.values())
    assert pickle.loads(pickle.dumps(fields)) == fields


def test_results_differ_by_what_they_hold() -> None:
    """No two of the results above are equal, but those that say the same."""
    decoded = [RESULTS[name] for name in RESULTS if name.startswith("decoded")]
    assert len({*decoded}) == len(decoded) >= 5
    assert RESULTS["refusal"] == INVALID  # on purpose: like any other refusal


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_reason_is_asked_once_and_kept(
    duplicate: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asks before somebody looks; then the answer goes along as data."""
    asked: list[str] = []

    def because(text: str, isa: InstructionSet, known: str | None) -> str:
        asked.append(text)
        return "because"

    monkeypatch.setattr("kvrm_grammar.oracle.reference.diagnose", because)
    decoded = Decoded("?", INVALID, reading=STRICT.read("?"))
    assert (decoded.valid, decoded.json is None, asked) == (False, False, [])
    assert (decoded.reason, decoded.reason) == ("because",) * 2
    assert duplicate(decoded).reason == "because"
    assert asked == ["?"]


def test_a_threshold_asks_for_no_reason() -> None:
    """To refuse for lack of confidence is a reason of its own."""
    decoded = Decoded("halt", HALT, confidence=0.5)
    assert decoded.unless_uncertain(0.9).reason == UNCERTAIN
    with pytest.raises(AttributeError):
        decoded.reason = "other"  # type: ignore[misc]


def test_a_refusal_keeps_what_code_knows() -> None:
    """Text, reason and alternatives go along, though none of them counts in a comparison."""
    refusal = RESULTS["refusal"]
    for duplicate in COPIES.values():
        copied = duplicate(refusal)
        assert copied == refusal == INVALID
        assert (copied.raw, copied.reason) == ("?", "because")
        assert copied.alternatives == (Alternative(HALT, 0.5),)


def test_frozen_dictionaries_are_dictionaries_that_stay() -> None:
    """Equal to a dictionary, written like one, and nothing changes them."""
    frozen = FrozenDict({"a": 1, "b": 2})
    assert frozen == {"b": 2, "a": 1}
    assert json.loads(json.dumps(frozen)) == dict(frozen)
    assert hash(frozen) == hash(FrozenDict({"b": 2, "a": 1}))
    attempts: list[Callable[[], Any]] = [
        lambda: frozen.__setitem__("a", 2),
        lambda: frozen.__delitem__("a"),
        lambda: frozen.__ior__({"a": 2}),
        lambda: frozen.update(a=2),
        lambda: frozen.setdefault("c", 3),
        lambda: frozen.pop("a"),
        frozen.popitem,
        frozen.clear,
    ]
    for attempt in attempts:
        with pytest.raises(TypeError, match="cannot be changed"):
            attempt()
    assert frozen == {"a": 1, "b": 2}


def test_a_program_keeps_a_copy_of_its_labels() -> None:
    """The caller's dictionary may change; the program does not."""
    labels = {"a": 0}
    program = Program((), labels)
    labels["a"] = 9
    assert program == Program((), {"a": 0}) != Program((), labels)
    assert dataclasses.asdict(program)["labels"] == {"a": 0}


# --- other processes ---------------------------------------------------------------------

SPAWN = multiprocessing.get_context("spawn")
_WORKER: list[Decoder] = []


def load_worker(adapter: Path) -> None:
    """Give this process a decoder."""
    _WORKER.append(Decoder.from_pretrained(adapter, device="cpu"))


def decode_there(text: str) -> Decoded:
    """Decode in a worker; who decodes does not look at the reason."""
    return next(_WORKER[0].decode_many([text]))


def same(value: Any) -> Any:
    """What a worker got, as it sees it."""
    return value, repr(value)


@pytest.fixture(scope="module")
def executor() -> Iterator[ProcessPoolExecutor]:
    """A pool of one spawned process, for what needs no model."""
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        yield pool


def test_a_pool_hands_an_error_on() -> None:
    """``Pool.map`` raises in the parent what was raised in a worker, and does not hang."""
    with SPAWN.Pool(1) as pool:
        with pytest.raises(LineTooLongError) as caught:
            pool.map_async(parse, ["halt", "x" * 300]).get(WAIT_S)
        assert caught.value == LineTooLongError(300, 256)
        assert pool.map_async(parse, ["halt"]).get(WAIT_S) == [HALT]


def test_an_executor_hands_an_error_on(executor: ProcessPoolExecutor) -> None:
    """The pool is not broken by an error, and goes on."""
    future = executor.submit(parse, "x" * 300)
    try:
        error = future.exception(WAIT_S)
    except BrokenProcessPool:  # pragma: no cover
        pytest.fail("the error broke the pool")
    assert error == LineTooLongError(300, 256)
    assert executor.submit(parse, "halt").result(WAIT_S) == HALT


def test_values_go_to_another_process_and_back(executor: ProcessPoolExecutor) -> None:
    """What a worker sees and sends back is what was sent."""
    for value in (*RESULTS.values(), *ERRORS):
        assert executor.submit(same, value).result(WAIT_S) == (value, repr(value))


def test_spawned_workers_decode(
    tiny_adapter: Path, tiny_decoder: Decoder, cache_folder: Path
) -> None:
    """A decoder in another process answers as one in this, errors included; this one searches."""
    here = Decoder.from_pretrained(tiny_adapter, device="cpu")
    texts = ["halt", "sub r5 r3 r1", "x" * 300]
    with ProcessPoolExecutor(
        1, mp_context=SPAWN, initializer=load_worker, initargs=(tiny_adapter,)
    ) as pool:
        there = [*pool.map(decode_there, texts, timeout=WAIT_S)]
    for decoded, own in zip(there, here.decode_many(texts, batch_size=1), strict=True):
        assert (decoded.json, decoded.error, decoded.reason) == (own.json, own.error, own.reason)
        assert (decoded.confidence is None) == (own.confidence is None) == (own.error is not None)
        assert decoded.confidence is None or decoded.confidence == pytest.approx(
            own.confidence, rel=1e-3
        )
    assert here.alternatives(there[0], 1)[0].probability > 0
    assert here.alternatives(there[2], 1) == ()


# --- types -------------------------------------------------------------------------------

SNIPPET = """
from typing import assert_type

from kvrm_grammar import Decoded, Jmp, LineTooLongError, OperationModel, Refusal, Sub


def read(operation: OperationModel, decoded: Decoded) -> str:
    assert_type(decoded.reason, str | None)
    match operation:
        case Sub(params=params):
            return params.src2
        case Jmp(params=params):
            return str(params.addr)
        case Refusal() as refusal:
            return refusal.reason
        case _:
            return str(LineTooLongError(300, 256).limit + 1)


def wrong(operation: Sub) -> None:
    print(operation.params.addr)
"""


# What a model runs on would take mypy most of a minute, and has no part in this.
CONFIG = """
[mypy]
strict = True
[mypy-torch.*,transformers.*,peft.*,numpy.*,outlines.*,outlines_core.*,huggingface_hub.*]
follow_imports = skip
ignore_missing_imports = True
"""


def test_types_are_narrowed(tmp_path: Path) -> None:
    """Under ``mypy --strict`` a match on public classes narrows, and a wrong operand is told."""
    pytest.importorskip("mypy")
    (tmp_path / "snippet.py").write_text(SNIPPET, "utf-8")
    (tmp_path / "mypy.ini").write_text(CONFIG, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--follow-imports=silent", "snippet.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "", "MYPYPATH": str(ROOT)},
    )
    wrong_line = len(SNIPPET.splitlines())
    assert f"snippet.py:{wrong_line}: error: " in done.stdout
    assert '"DestSrcSrc" has no attribute "addr"' in done.stdout
    assert "Found 1 error in 1 file" in done.stdout
