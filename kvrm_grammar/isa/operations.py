"""The output language: one frozen, strict Pydantic model per ``OP_*`` key.

In: field values, or JSON text. Out: an ``Operation``, and its canonical JSON.
This is the only module of the package that names the opcodes; everything else
asks :class:`kvrm_grammar.isa.binding.Isa`.
"""

import json
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kvrm_grammar.errors import OperationError

__all__ = [
    "ADDRESS_MAX", "ADDRESS_MIN", "IMMEDIATE_MAX", "IMMEDIATE_MIN", "INVALID",
    "INVALID_KEY", "LABEL_MAX_LENGTH", "OPERATION_MODELS", "REGISTERS", "Add", "Addr",
    "Address", "Cmp", "Dec", "Dest", "DestSrc", "DestSrcSrc", "DestValue", "Halt",
    "Immediate", "Inc", "Invalid", "Jmp", "Jns", "Jnz", "Js", "Jz", "Label", "MovRegImm",
    "MovRegReg", "Mul", "NoParams", "Nop", "Operation", "OperationModel", "Register",
    "SrcSrc", "Sub", "Target", "from_fields", "operation_from_json", "operation_to_json",
]  # fmt: skip

IMMEDIATE_MIN, IMMEDIATE_MAX = -(2**31), 2**31 - 1
ADDRESS_MIN, ADDRESS_MAX = 0, 2**31 - 1
LABEL_MAX_LENGTH = 64

_LABEL = re.compile(r"[A-Za-z_.][A-Za-z0-9_.$]*")
_RESERVED = re.compile(r"[Rr][0-9]+")


def _check_label(name: str) -> str:
    if not _LABEL.fullmatch(name):
        raise ValueError(f"{name!r} is not a label")
    if _RESERVED.fullmatch(name):
        raise ValueError(f"{name!r} is reserved for registers")
    return name


Register = Literal["R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7"]
Immediate = Annotated[int, Field(ge=IMMEDIATE_MIN, le=IMMEDIATE_MAX)]
Address = Annotated[int, Field(ge=ADDRESS_MIN, le=ADDRESS_MAX)]
Label = Annotated[str, Field(max_length=LABEL_MAX_LENGTH), AfterValidator(_check_label)]
Target = Address | Label
REGISTERS: tuple[str, ...] = get_args(Register)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class NoParams(_Strict):
    """An operation without operands."""


class DestValue(_Strict):
    """A register and an immediate."""

    dest: Register
    value: Immediate


class DestSrc(_Strict):
    """Two registers."""

    dest: Register
    src: Register


class DestSrcSrc(_Strict):
    """A destination and two source registers."""

    dest: Register
    src1: Register
    src2: Register


class Dest(_Strict):
    """One register."""

    dest: Register


class SrcSrc(_Strict):
    """Two source registers."""

    src1: Register
    src2: Register


class Addr(_Strict):
    """A jump target: an address, or a label whose case is kept."""

    addr: Target


class OperationModel(_Strict):
    """What every operation has: a ``key`` and ``params``. Immutable and hashable."""

    key: Any
    params: Any


class MovRegImm(OperationModel):
    """dest := value."""

    key: Literal["OP_MOV_REG_IMM"]
    params: DestValue


class MovRegReg(OperationModel):
    """dest := src."""

    key: Literal["OP_MOV_REG_REG"]
    params: DestSrc


class Add(OperationModel):
    """dest := src1 + src2."""

    key: Literal["OP_ADD"]
    params: DestSrcSrc


class Sub(OperationModel):
    """dest := src1 - src2."""

    key: Literal["OP_SUB"]
    params: DestSrcSrc


class Mul(OperationModel):
    """dest := src1 * src2."""

    key: Literal["OP_MUL"]
    params: DestSrcSrc


class Inc(OperationModel):
    """dest := dest + 1."""

    key: Literal["OP_INC"]
    params: Dest


class Dec(OperationModel):
    """dest := dest - 1."""

    key: Literal["OP_DEC"]
    params: Dest


class Cmp(OperationModel):
    """Sets the flags from src1 - src2."""

    key: Literal["OP_CMP"]
    params: SrcSrc


class Jmp(OperationModel):
    """Jumps always."""

    key: Literal["OP_JMP"]
    params: Addr


class Jz(OperationModel):
    """Jumps if zero."""

    key: Literal["OP_JZ"]
    params: Addr


class Jnz(OperationModel):
    """Jumps if not zero."""

    key: Literal["OP_JNZ"]
    params: Addr


class Js(OperationModel):
    """Jumps if negative."""

    key: Literal["OP_JS"]
    params: Addr


class Jns(OperationModel):
    """Jumps if not negative."""

    key: Literal["OP_JNS"]
    params: Addr


class Halt(OperationModel):
    """Stops the machine."""

    key: Literal["OP_HALT"]
    params: NoParams


class Nop(OperationModel):
    """Does nothing."""

    key: Literal["OP_NOP"]
    params: NoParams


class Invalid(OperationModel):
    """The answer for everything that is not one instruction of the dialect."""

    key: Literal["OP_INVALID"]
    params: NoParams


Operation = Annotated[
    MovRegImm
    | MovRegReg
    | Add
    | Sub
    | Mul
    | Inc
    | Dec
    | Cmp
    | Jmp
    | Jz
    | Jnz
    | Js
    | Jns
    | Halt
    | Nop
    | Invalid,
    Field(discriminator="key"),
]
OPERATION_MODELS: tuple[type[OperationModel], ...] = get_args(get_args(Operation)[0])

_ADAPTER: TypeAdapter[Operation] = TypeAdapter(Operation)
INVALID: Invalid = Invalid(key="OP_INVALID", params=NoParams())
INVALID_KEY: str = INVALID.key


def from_fields(key: str, params: dict[str, Any]) -> Operation:
    """Build and validate an operation.

    Args:
        key: An opcode such as ``OP_SUB``.
        params: Its operands by name; registers in upper case, integers as ``int``.

    Returns:
        The frozen operation.

    Raises:
        OperationError: The key is unknown, or an operand is missing, extra or out of range.
    """
    try:
        return _ADAPTER.validate_python({"key": key, "params": params})
    except ValidationError as error:
        raise OperationError(_explain(error)) from error


def operation_to_json(operation: OperationModel) -> str:
    """Write the canonical JSON: compact, keys in schema order.

    >>> operation_to_json(from_fields("OP_INC", {"dest": "R5"}))
    '{"key":"OP_INC","params":{"dest":"R5"}}'
    """
    return operation.model_dump_json()


def operation_from_json(text: str | bytes) -> Operation:
    """Read one operation from JSON, strictly.

    Args:
        text: JSON in any layout, UTF-8 if bytes.

    Returns:
        The frozen operation.

    Raises:
        OperationError: Not JSON, a duplicate key, or not a valid operation.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise OperationError(f"not an operation: {error}") from error
    try:
        return _ADAPTER.validate_python(value)
    except ValidationError as error:
        raise OperationError(_explain(error)) from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"duplicate key {twice!r}")
    return result


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "operation"
    return f"not an operation: {where}: {first['msg']} (got {first['input']!r:.80})"
