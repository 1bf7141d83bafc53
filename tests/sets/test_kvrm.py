"""The output language: what it holds, what it refuses, how it is written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.errors import OperationError
from kvrm_grammar.isa import (
    INVALID,
    INVALID_KEY,
    OperationModel,
    load_set,
    operation_from_json,
    operation_to_json,
)
from kvrm_grammar.sets.kvrm import operations as kvrm
from tests.kvrm import ADDRESS_MAX, IMMEDIATE_MAX, IMMEDIATE_MIN, LABEL_MAX_LENGTH, REGISTERS

REGISTER = st.sampled_from(REGISTERS)
LABEL = st.from_regex(r"[A-Za-z_.][A-Za-z0-9_.$]{0,63}", fullmatch=True).filter(
    lambda name: not (name[0] in "Rr" and name[1:].isdigit())
)
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "OP_MOV_REG_IMM": {"dest": REGISTER, "value": st.integers(IMMEDIATE_MIN, IMMEDIATE_MAX)},
    "OP_MOV_REG_REG": {"dest": REGISTER, "src": REGISTER},
    **{
        key: {"dest": REGISTER, "src1": REGISTER, "src2": REGISTER}
        for key in ("OP_ADD", "OP_SUB", "OP_MUL")
    },
    **{key: {"dest": REGISTER} for key in ("OP_INC", "OP_DEC")},
    "OP_CMP": {"src1": REGISTER, "src2": REGISTER},
    **{
        key: {"addr": st.integers(0, ADDRESS_MAX) | LABEL}
        for key in ("OP_JMP", "OP_JZ", "OP_JNZ", "OP_JS", "OP_JNS")
    },
    **{key: {} for key in ("OP_HALT", "OP_NOP", "OP_INVALID")},
}
OPERATIONS = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda key: st.fixed_dictionaries(FIELDS[key]).map(
        lambda params: load_set().operation(key, params)
    )
)


@given(OPERATIONS)
def test_canonical_json_round_trips(operation: OperationModel) -> None:
    """Writing and reading gives the same operation, and the same text again."""
    text = operation_to_json(operation)
    assert operation_from_json(text) == operation
    assert operation_to_json(operation_from_json(text)) == text
    assert operation_from_json(text.encode()) == operation


@given(OPERATIONS)
def test_canonical_json_is_compact_with_key_first(operation: OperationModel) -> None:
    """Canonical JSON is what a compact writer makes of key, then params in schema order."""
    order = list(FIELDS[operation.key])
    params = {name: getattr(operation.params, name) for name in order}
    expected = json.dumps({"key": operation.key, "params": params}, separators=(",", ":"))
    assert operation_to_json(operation) == expected


def test_every_model_has_its_own_key() -> None:
    """The models and the keys of the dialect are the same sixteen."""
    keys = [model.model_json_schema()["properties"]["key"]["const"] for model in load_set().models]
    assert sorted(keys) == sorted(FIELDS)
    assert INVALID_KEY == INVALID.key == "OP_INVALID"


@pytest.mark.parametrize(
    ("key", "params"),
    [
        ("OP_MOV_REG_IMM", {"dest": "R0", "value": IMMEDIATE_MIN}),
        ("OP_MOV_REG_IMM", {"dest": "R7", "value": IMMEDIATE_MAX}),
        ("OP_JMP", {"addr": 0}),
        ("OP_JMP", {"addr": ADDRESS_MAX}),
        ("OP_JMP", {"addr": "a" * LABEL_MAX_LENGTH}),
        ("OP_JMP", {"addr": "R"}),
        ("OP_JMP", {"addr": "R3x"}),
        ("OP_JMP", {"addr": "._$"}),
    ],
)
def test_boundary_values_are_operations(key: str, params: dict[str, Any]) -> None:
    """The last value inside each limit is accepted."""
    assert load_set().operation(key, params).params.model_dump() == params


@pytest.mark.parametrize(
    ("key", "params"),
    [
        ("OP_XOR", {}),
        ("op_halt", {}),
        ("OP_HALT", {"dest": "R1"}),
        ("OP_INC", {}),
        ("OP_INC", {"dest": "R8"}),
        ("OP_INC", {"dest": "r1"}),
        ("OP_INC", {"dest": 1}),
        ("OP_INC", {"dest": "R1", "src": "R2"}),
        ("OP_MOV_REG_IMM", {"dest": "R1", "value": IMMEDIATE_MIN - 1}),
        ("OP_MOV_REG_IMM", {"dest": "R1", "value": IMMEDIATE_MAX + 1}),
        ("OP_MOV_REG_IMM", {"dest": "R1", "value": "5"}),
        ("OP_MOV_REG_IMM", {"dest": "R1", "value": 5.0}),
        ("OP_MOV_REG_IMM", {"dest": "R1", "value": True}),
        ("OP_JMP", {"addr": -1}),
        ("OP_JMP", {"addr": ADDRESS_MAX + 1}),
        ("OP_JMP", {"addr": "a" * (LABEL_MAX_LENGTH + 1)}),
        ("OP_JMP", {"addr": ""}),
        ("OP_JMP", {"addr": "R3"}),
        ("OP_JMP", {"addr": "r12"}),
        ("OP_JMP", {"addr": "9a"}),
        ("OP_JMP", {"addr": "a\n"}),
        ("OP_JMP", {"addr": None}),
    ],
)
def test_everything_else_is_refused(key: str, params: dict[str, Any]) -> None:
    """The first value beyond each limit, a wrong type and a wrong name are typed errors."""
    with pytest.raises(OperationError, match="not an operation"):
        load_set().operation(key, params)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HALT",
        "null",
        "[]",
        '"OP_HALT"',
        "{}",
        '{"key":"OP_HALT"}',
        '{"params":{}}',
        '{"key":"OP_HALT","params":{},"params":{}}',
        '{"key":"OP_NOP","key":"OP_HALT","params":{}}',
        '{"key":"OP_HALT","params":{},"note":1}',
        '{"key":"OP_HALT","params":{}} {}',
        '{"key":"OP_MOV_REG_IMM","params":{"dest":"R1","value":1e0}}',
        '{"key":"OP_MOV_REG_IMM","params":{"dest":"R1","value":NaN}}',
        "[" * 100_000,
    ],
)
def test_other_json_is_a_typed_error(text: str) -> None:
    """Text that is not one operation raises OperationError, and nothing else."""
    with pytest.raises(OperationError):
        operation_from_json(text)


def test_any_layout_of_json_is_read() -> None:
    """Reading is strict about content, not about white space or key order."""
    text = '{ "params" : { "src2":"R1", "src1":"R3", "dest":"R5" }, "key" : "OP_SUB" }'
    canonical = '{"key":"OP_SUB","params":{"dest":"R5","src1":"R3","src2":"R1"}}'
    assert operation_to_json(operation_from_json(text)) == canonical


def test_operations_are_immutable_and_hashable() -> None:
    """An operation can be a dictionary key and cannot change."""
    operation = load_set().operation("OP_INC", {"dest": "R1"})
    assert {operation: 1}[load_set().operation("OP_INC", {"dest": "R1"})] == 1
    with pytest.raises(ValueError, match="frozen"):
        operation.key = "OP_DEC"


def test_public_names_exist() -> None:
    """Every model is public, and every public name is defined, once."""
    assert len(set(kvrm.__all__)) == len(kvrm.__all__)
    assert all(hasattr(kvrm, name) for name in kvrm.__all__)
    assert {model.__name__ for model in load_set().models} <= {*kvrm.__all__}
