"""Grammar and schemas are bound only where they agree."""

import pickle
import shutil
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import Field, create_model

from kvrm_grammar.errors import IsaError, OperationError
from kvrm_grammar.isa import (
    Domain,
    InstructionSet,
    Integers,
    OperationModel,
    load_set,
    operation_to_json,
    packaged_sets,
)
from kvrm_grammar.isa.binding import bind
from kvrm_grammar.isa.definition import read_definition
from kvrm_grammar.oracle.reference import explain
from kvrm_grammar.resources import resource_path
from kvrm_grammar.sets.kvrm.operands import Address, Immediate, Label
from tests.kvrm import (
    ADDRESS_MAX,
    ADDRESS_MIN,
    DOMAINS,
    IMMEDIATE_MAX,
    IMMEDIATE_MIN,
    LABEL_MAX_LENGTH,
    REGISTERS,
)
from tests.sets import ZETA

KVRM = load_set()
Models = tuple[type[OperationModel], ...]
ZETA_FOLDER = Path(__file__).parents[1] / "sets" / "zeta"


def bound(grammar: str = KVRM.grammar, models: Models = KVRM.models) -> InstructionSet:
    """KVRM with another grammar or other schemas."""
    return bind(grammar, models, KVRM.definition)


def model(key: str, **params: Any) -> type[OperationModel]:
    """A schema with the given operands."""
    operands: dict[str, Any] = {name: (kind, ...) for name, kind in params.items()}
    fields: dict[str, Any] = {
        "key": (Literal[key], ...),
        "params": (create_model("Params", **operands), ...),
    }
    return create_model(key, __base__=OperationModel, **fields)


def with_schema(key: str, **params: Any) -> Models:
    """The packaged schemas with one of them replaced."""
    kept = [m for m in KVRM.models if key not in get_args(m.model_fields["key"].annotation)]
    return (*kept, model(key, **params))


def test_the_packaged_set_states_every_limit() -> None:
    """The limits are those of the schemas, the opcodes all but OP_INVALID."""
    assert (KVRM.name, KVRM.names, len(KVRM.opcodes)) == ("kvrm", REGISTERS, 15)
    assert {
        "register": Domain(names=REGISTERS),
        "immediate": Domain(integers=Integers(IMMEDIATE_MIN, IMMEDIATE_MAX)),
        "target": Domain(
            integers=Integers(ADDRESS_MIN, ADDRESS_MAX), label_max_length=LABEL_MAX_LENGTH
        ),
    } == DOMAINS
    compare = KVRM.by_key["OP_CMP"]
    assert [operand.name for operand in compare.operands] == ["src1", "src2"]
    assert compare.mnemonics == ("CMP",)
    assert KVRM.by_key["OP_HALT"].operands == ()
    assert dict(KVRM.by_key["OP_INC"].operands[0].spellings)["r3"] == "R3"


def test_a_set_is_an_immutable_shared_value() -> None:
    """The same source gives one object, through pickle too; it is frozen and hashable."""
    assert load_set() is load_set("kvrm") is load_set(KVRM)
    assert load_set(ZETA_FOLDER) is load_set(str(ZETA_FOLDER)) is ZETA
    for isa in (KVRM, ZETA):
        assert pickle.loads(pickle.dumps(isa)) is isa
    assert len({load_set(), load_set("kvrm"), ZETA}) == 2
    with pytest.raises(AttributeError, match="immutable"):
        KVRM.grammar = "x"
    with pytest.raises(TypeError, match="bound by hand"):
        pickle.dumps(bound())


def test_the_digest_is_of_what_answers_depend_on() -> None:
    """Comments of the grammar do not count; an expansion, a schema or a definition does."""
    assert bound().digest == KVRM.digest == bound("// a comment\n\n" + KVRM.grammar).digest
    assert bound(KVRM.grammar.replace("op_halt: HALT\n", "op_halt: HALT | HALT _BLANKS\n")).digest
    other = KVRM.grammar.replace("HALT: /[Hh][Aa]", "HALT: /[Hh][Oo]")
    assert bound(other).digest != KVRM.digest
    assert ZETA.digest != KVRM.digest


def test_every_packaged_set_loads_by_its_name() -> None:
    """Each folder of grammars/ has its schemas, and a name of its own."""
    assert "kvrm" in packaged_sets()
    for name in packaged_sets():
        assert load_set(name).name == name


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("op_sub", "op_sbb", "OP_SBB is in the grammar only"),
        ("    | op_nop\n", "    | op_nop\n    | op_nop2\n", None),
        ("SUB: /[Ss][Uu][Bb]/", "SUB: /[Ss][Uu][Bb][Bb]?/", "OP_SUB: terminal SUB is"),
        ("SUB: /[Ss][Uu][Bb]/", "SUB: /[Ss][Uu]B/", "OP_SUB: terminal SUB is"),
        ("SUB: /[Ss][Uu][Bb]/", 'SUB: "SUB"i', "OP_SUB: terminal SUB is"),
        (
            "op_inc: INC _BLANKS dest",
            "op_inc: INC _BLANKS value",
            r"OP_INC: the grammar takes \(value\), the schema \(dest\)",
        ),
        (
            "op_cmp: CMP _BLANKS src1 _SEP src2",
            "op_cmp: CMP _BLANKS src1",
            r"OP_CMP: the grammar takes \(src1\), the schema \(src1, src2\)",
        ),
        (
            "op_cmp: CMP _BLANKS src1 _SEP src2",
            "op_cmp: CMP _BLANKS src1 _SEP src1",
            "OP_CMP: an operand occurs twice",
        ),
        ("op_inc: INC _BLANKS dest", "op_inc: INC _BLANKS dest SIGN", "OP_INC: terminal SIGN"),
        ("op_halt: HALT\n", "op_halt: _BLANKS\n", "OP_HALT: each expansion"),
        ("src: register", "source: register", "Rule 'src' used but not defined"),
        ("value: immediate", "value: immediate | value SIGN", "refers to itself"),
        ("/[Rr][0-7]/", "/[Rr][0-8]/", "register R8 is in the grammar only"),
        ("/[Rr][0-7]/", "/[Rr][0-6]/", "register R7 is in the schemas only"),
        ("/[Rr][0-7]/", "/[Rr]0?[0-7]/", "register R00 is in the grammar only"),
        ("{0,63}", "{0,31}", r"label 'a+' is in the schemas only|a label of at most"),
        ("(?![Rr][0-9]+(?![A-Za-z0-9_.$]))", "", "label 'R0' is in the grammar only"),
        ("target: NUMBER", "target: SIGN? NUMBER", "address -1 is in the grammar only"),
        ("_HASH? SIGN? NUMBER", "_HASH? NUMBER", "immediate -2147483648 is in the schemas only"),
        ("line: ", "line ", "not a usable grammar"),
    ],
)
def test_a_changed_grammar_is_refused(old: str, new: str, message: str | None) -> None:
    """Whatever the grammar says and the schemas do not, or the other way, is named."""
    assert old in KVRM.grammar
    with pytest.raises(IsaError, match=message):
        bound(KVRM.grammar.replace(old, new))


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (KVRM.models[1:], "OP_MOV_REG_IMM is in the grammar only"),
        ((*KVRM.models, model("OP_XOR")), "OP_XOR is in the schemas only: add a rule op_xor"),
        ((*KVRM.models, model("OP_ADD")), "OP_ADD has two schemas"),
        (KVRM.models[:-1], "OP_INVALID is missing"),
        (with_schema("OP_INC", dest=Immediate), "OP_INC|immediate|register"),
        (with_schema("OP_INC", dest=str), "OP_INC.dest must be"),
        (with_schema("OP_INC", dest=int), "OP_INC.dest must be"),
        (with_schema("OP_INC", dest=Literal["R0", "R1"]), "register R2 is in the grammar only"),
        (with_schema("OP_JS", addr=Annotated[int, Field(ge=3, le=9, multiple_of=2)]), "OP_JS.addr"),
        (
            with_schema("OP_JS", addr=Address | Annotated[str, Field(max_length=64)]),
            r"OP_JS: label '.*' is in the schemas only",
        ),
        ((*KVRM.models, OperationModel), "OperationModel.key must be a Literal"),
    ],
)
def test_changed_schemas_are_refused(models: Models, message: str) -> None:
    """Whatever the schemas say and the grammar does not is named."""
    with pytest.raises(IsaError, match=message):
        bound(models=models)


def test_one_range_for_each_operand() -> None:
    """Two operands of one opcode or of two may have ranges of their own."""
    found = {str(domain.integers) for domain in ZETA.domains if domain.integers}
    assert len(found) == 3
    shift = {operand.name: operand.domain for operand in ZETA.by_key["OP_SHIFT"].operands}
    assert shift["shamt"] == Domain(integers=Integers(0, 31))


@pytest.mark.parametrize(
    ("text", "key", "params"),
    [
        ("plus a0, x1, fp", "OP_PLUS", {"rd": "a0", "rs1": "ra", "rs2": "s0"}),
        ("PLUS a0, a1, -0x7", "OP_PLUSI", {"rd": "a0", "rs1": "a1", "imm": -7}),
        ("copy a0,sp", "OP_PLUSI", {"rd": "a0", "rs1": "sp", "imm": 0}),
        ("clr.z x10 # zero", "OP_PLUSI", {"rd": "a0", "rs1": "zero", "imm": 0}),
        ("fetch a0, 8 ( sp )", "OP_FETCH", {"rd": "a0", "offset": 8, "rs1": "sp"}),
        ("go loop", "OP_LINK", {"rd": "zero", "target": "loop"}),
        ("x: call 16", "OP_LINK", {"rd": "ra", "target": 16}),
    ],
)
def test_forms_aliases_and_implied_values(text: str, key: str, params: dict[str, object]) -> None:
    """What a form does not write, the set's definition says."""
    operation = explain(text, ZETA).operation
    assert operation == ZETA.operation(key, params)
    assert ZETA.parse_json(operation_to_json(operation)) == operation


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("link ra, 15", "15 is not a multiple of 2"),
        ("shift a0,a1,32", "32 is outside 0…31"),
        ("plus a0, a1, 5000", "5000 is outside −2048…2047"),
        ("go a0", "a0 is reserved for registers and cannot be a label"),
        ("fetch a0, 8(qq)", "FETCH takes a register as operand 3, got qq"),
        ("fetch a0, 8", "FETCH takes 3 operands, got 2"),
        ("plus a0, a1, A0", "PLUS takes a register or an immediate as operand 3, got A0"),
        ("sub r5 r3 r1", "sub is not a mnemonic"),
    ],
)
def test_refusals_of_another_set_say_why(text: str, reason: str) -> None:
    """The reasons speak of the set that was asked."""
    assert explain(text, ZETA).reason == reason


def test_an_operation_of_another_set_is_refused() -> None:
    """Each set has a codec of its own."""
    with pytest.raises(OperationError, match="not an operation"):
        ZETA.parse_json('{"key":"OP_HALT","params":{}}')
    with pytest.raises(OperationError, match="not an operation"):
        KVRM.operation("OP_BEEP", {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'x'", "has no 'prompt'"),
        ("name = 'x'\nprompt = ''", "must be a text"),
        ("name = 'x'\nprompt = 'x'\ncolour = 3", "'colour' means nothing"),
        ("name = 'x'\nprompt = 'x'\n[comments]\nlines = []", "'lines' means nothing"),
        ("name = 'x'\nprompt = 'x'\n[comments]\nline = '//'", "'//' must be a list"),
        ("name = 'x'\nprompt = 'x'\n[comments]\noperand_sign = 5", "5 must be a text"),
        ("name = 'x'\nprompt = 'x'\nregisters = 3", "registers must be a table"),
        ("name = 'x'\nprompt = 'x'\ninstruction_size = 0", "not positive"),
        ("name = 'x'\nprompt = 'x'\n[implied.A]\nb = 1.5", "must be a name or an integer"),
        ("name = ", "is not TOML"),
    ],
)
def test_a_slip_in_the_definition_is_named(text: str, message: str) -> None:
    """Unknown keys and wrong types are errors with the file's name."""
    with pytest.raises(IsaError, match=message) as caught:
        read_definition(text, "isa.toml")
    assert "isa.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("imm = 0\nrs1", "imm = 9999\nrs1", "CLR.Z implies imm = 9999"),
        ('rd = "ra"', 'rd = "r9"', "CALL implies rd = 'r9'"),
        ("[implied.GO]", "[implied.GONE]", "OP_LINK: the grammar takes"),
        ("[implied.COPY]", "[implied.COPY]\nrs1 = 'ra'", "COPY implies rs1, which no form"),
        ('fp = "s0"', 'frame = "s0"', "register frame is in the schemas only"),
    ],
)
def test_definition_and_grammar_must_agree(old: str, new: str, message: str) -> None:
    """Implied values and further names are checked against grammar and schemas."""
    text = (ZETA_FOLDER / "isa.toml").read_text("utf-8")
    assert old in text
    with pytest.raises(IsaError, match=message):
        bind(ZETA.grammar, ZETA.models, read_definition(text.replace(old, new), "isa.toml"))


def test_missing_sources_are_typed_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such name, folder or file; a folder is taken only where it is named as one."""
    (tmp_path / "lamp").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IsaError, match=r"no instruction set 'lamp'.*\./lamp"):
        load_set("lamp")
    with pytest.raises(IsaError, match="cannot read the schemas"):
        load_set("./lamp")
    with pytest.raises(IsaError, match="no folder"):
        load_set(tmp_path / "none")
    (tmp_path / "lamp" / "operations.py").write_text("1 / 0")
    with pytest.raises(IsaError, match="cannot be imported: division by zero"):
        load_set("./lamp")


def test_the_label_type_is_the_grammars() -> None:
    """The schemas' labels are read from the grammar file, not written twice."""
    assert "LABEL:" in resource_path("grammars/kvrm/grammar.lark").read_text("utf-8")
    assert get_args(Label)[1]._pattern == KVRM.label_pattern


def test_another_package_brings_a_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point names a module with `Operation`, beside its data files."""
    folder = tmp_path / "own_package"
    shutil.copytree(ZETA_FOLDER, folder)
    (folder / "__init__.py").write_text("from own_package.operations import Operation\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("foreign", "own_package", "kvrm_grammar.sets")
    broken = EntryPoint("broken", "no_such_package", "kvrm_grammar.sets")
    monkeypatch.setattr(
        "kvrm_grammar.isa.loading.entry_points",
        lambda group, name=None: [p for p in (point, broken) if name in (None, p.name)],
    )
    found = load_set("foreign")
    assert (found.name, found.digest, found.source) == ("zeta", ZETA.digest, "foreign")
    with pytest.raises(IsaError, match="'broken' cannot be imported"):
        load_set("broken")
    with pytest.raises(IsaError, match="known are broken, foreign, kvrm"):
        load_set("neither")
