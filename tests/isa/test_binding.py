"""Grammar and schemas are bound only where they agree."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import Field, create_model

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa import InstructionSet, Opcode, Operand, OperationModel, load_set
from kvrm_grammar.isa import binding as isa_module
from kvrm_grammar.isa.grammar import accepts, compile_grammar
from kvrm_grammar.oracle import reference
from kvrm_grammar.sets.kvrm import Address, Immediate, Label
from tests.kvrm import ADDRESS_MAX, ADDRESS_MIN, IMMEDIATE_MAX, IMMEDIATE_MIN, LABEL_MAX_LENGTH

GRAMMAR = load_set().grammar
Models = tuple[type[OperationModel], ...]


def write(folder: Path, text: str) -> Path:
    """Put grammar text into a file."""
    path = folder / "other.lark"
    path.write_text(text, encoding="utf-8")
    return path


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
    kept = [m for m in load_set().models if key not in get_args(m.model_fields["key"].annotation)]
    return (*kept, model(key, **params))


def test_packaged_isa_states_every_limit() -> None:
    """The limits are those of the schemas, the opcodes all but OP_INVALID."""
    isa = load_set()
    assert isa.name == "kvrm"
    assert isa.names == load_set().names
    assert isa.immediate == (IMMEDIATE_MIN, IMMEDIATE_MAX)
    assert isa.address == (ADDRESS_MIN, ADDRESS_MAX)
    assert isa.label_max_length == LABEL_MAX_LENGTH
    assert isa.models == load_set().models
    assert len(isa.opcodes) == 15
    assert Opcode("OP_CMP", "CMP", (Operand("src1", "register"), Operand("src2", "register"))) in (
        isa.opcodes
    )
    assert Opcode("OP_JZ", "JZ", (Operand("addr", "target"),)) in isa.opcodes
    assert Opcode("OP_HALT", "HALT", ()) in isa.opcodes


def test_isa_is_an_immutable_shared_value(tmp_path: Path) -> None:
    """The same text and models give one hashable object; other text gives another."""
    assert load_set() is load_set()
    same_text = load_set(write(tmp_path, GRAMMAR))
    assert (same_text.name, same_text.opcodes) == ("other", load_set().opcodes)
    assert len({load_set(), load_set()}) == 1
    with pytest.raises(AttributeError):
        load_set().name = "x"  # type: ignore[misc]


@pytest.mark.parametrize("module", [isa_module, reference])
def test_no_opcode_is_named_in_code(module: Any) -> None:
    """Another instruction set needs no change here: only the doctests name an opcode."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    tree_without_docs = compile(source, module.__file__, "exec", optimize=2)
    constants = set(_strings(tree_without_docs))
    assert not constants & {opcode.key for opcode in load_set().opcodes}
    assert not constants & {opcode.mnemonic for opcode in load_set().opcodes}


def _strings(code: Any) -> list[str]:
    found = [c for c in code.co_consts if isinstance(c, str)]
    nested = [c for c in code.co_consts if hasattr(c, "co_consts")]
    return found + [text for inner in nested for text in _strings(inner)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("op_sub", "op_sbb", "OP_SBB is in the grammar only"),
        ("    | op_nop\n", "    | op_nop\n    | op_nop2\n", None),
        ("SUB: /[Ss][Uu][Bb]/", "SUB: /[Ss][Uu][Bb][Bb]?/", "OP_SUB: terminal SUB is"),
        ("SUB: /[Ss][Uu][Bb]/", 'SUB: "SUB"i', "OP_SUB: terminal SUB is"),
        (
            "op_inc: INC _BLANKS register",
            "op_inc: INC _BLANKS immediate",
            r"OP_INC: the grammar takes \(immediate\), the schema \(register\)",
        ),
        (
            "op_cmp: CMP _BLANKS register _SEP register",
            "op_cmp: CMP _BLANKS register",
            r"OP_CMP: the grammar takes \(register\), the schema \(register, register\)",
        ),
        ("op_halt: HALT\n", "op_halt: HALT | HALT _BLANKS\n", "OP_HALT: its rule needs one"),
        ("/[Rr][0-7]/", "/[Rr][0-8]/", "register R8 is in the grammar only"),
        ("/[Rr][0-7]/", "/[Rr][0-6]/", "register R7 is in the schemas only"),
        ("/[Rr][0-7]/", "/R[0-7]/", "register r0 is in the schemas only"),
        ("/[Rr][0-7]/", "/[Rr]0?[0-7]/", "register R00 is in the grammar only"),
        ("{0,63}", "{0,31}", "label 'a+' is in the schemas only"),
        ("(?![Rr][0-9]+(?![A-Za-z0-9_.$]))", "", "label 'R0' is in the grammar only"),
        ("[A-Za-z_.][A-Za-z0-9_.$]{", "[A-Za-z_.@][A-Za-z0-9_.$]{", "label '@a' is in the grammar"),
        ("target: NUMBER", "target: SIGN? NUMBER", "address -1 is in the grammar only"),
        ("_HASH? SIGN? NUMBER", "_HASH? NUMBER", "immediate -2147483648 is in the schemas only"),
        ("target: NUMBER\n", "wrong: NUMBER\n", "not a usable grammar"),
        ("line: ", "line ", "not a usable grammar"),
    ],
)
def test_a_changed_grammar_is_refused(
    tmp_path: Path, old: str, new: str, message: str | None
) -> None:
    """Whatever the grammar says and the schemas do not, or the other way, is named."""
    assert old in GRAMMAR
    with pytest.raises(IsaError, match=message):
        load_set(write(tmp_path, GRAMMAR.replace(old, new)))


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (load_set().models[1:], "OP_MOV_REG_IMM is in the grammar only"),
        ((*load_set().models, model("OP_XOR")), "OP_XOR is in the schemas only: add a rule op_xor"),
        (with_schema("OP_INC", dest=Immediate), "OP_INC"),
        (with_schema("OP_INC", dest=str), "OP_INC.dest must be"),
        (with_schema("OP_INC", dest=int), "OP_INC.dest must be"),
        (with_schema("OP_INC", dest=Literal["R0", "R1"]), "OP_INC.dest: register .* elsewhere"),
        (with_schema("OP_JS", addr=Annotated[int, Field(ge=0, le=9)] | Label), "OP_JS.addr"),
        (
            with_schema("OP_JS", addr=Address | Annotated[str, Field(max_length=64)]),
            r"OP_JS: label '.*' is in the schemas only",
        ),
        ((*load_set().models, OperationModel), "OperationModel.key must be a Literal"),
    ],
)
def test_changed_schemas_are_refused(models: Models, message: str) -> None:
    """Whatever the schemas say and the grammar does not is named."""
    with pytest.raises(IsaError, match=message):
        load_set(models=models)


def test_missing_grammar_is_a_typed_error(tmp_path: Path) -> None:
    """A grammar that cannot be read is an IsaError with its path."""
    with pytest.raises(IsaError, match=r"none\.lark"):
        load_set(tmp_path / "none.lark")


def test_a_second_instruction_set_needs_only_grammar_and_schemas(tmp_path: Path) -> None:
    """Other opcodes and other registers load without a change in code."""
    grammar = r"""
    line: (LABEL_DEF _BLANKS)? op_twice _EOL?
    source_line: LABEL_DEF? REST? _EOL?
    op_twice: TWICE _BLANKS register
    register: REGISTER
    immediate: NUMBER
    target: LABEL
    TWICE: /[Tt][Ww][Ii][Cc][Ee]/
    REGISTER: /[Xx][01]|[Aa][Cc][Cc]/
    NUMBER: /[0-9]+/
    LABEL: /[a-z]+/
    LABEL_DEF.1: LABEL ":"
    REST.-1: /.+/
    _BLANKS: / +/
    _EOL: /\n/
    """
    models = (model("OP_TWICE", dest=Literal["X0", "X1", "ACC"]), load_set().models[-1])
    isa = load_set(write(tmp_path, grammar), models)
    assert isa.opcodes == (Opcode("OP_TWICE", "TWICE", (Operand("dest", "register"),)),)
    assert (isa.names, isa.immediate, isa.address) == (("X0", "X1", "ACC"), (0, -1), (0, -1))


def test_register_and_target_rules_are_disjoint() -> None:
    """No text is both a register and a label, so a slip never changes the operand's kind."""
    parser = compile_grammar(GRAMMAR)
    for name in (*load_set().names, *map(str.lower, load_set().names)):
        assert accepts(parser, "register", name)
        assert not accepts(parser, "target", name)


def test_types_are_the_public_ones() -> None:
    """Every name in __all__ is defined and sorted."""
    assert isa_module.__all__ == sorted(isa_module.__all__)
    assert all(hasattr(isa_module, name) for name in isa_module.__all__)
    assert isinstance(load_set(), InstructionSet)
