"""What every operation of every instruction set is: a frozen Pydantic model.

In: nothing. Out: the base classes of a set's schemas, the refusal that all sets share, and the
canonical JSON of an operation. The operations themselves are in :mod:`kvrm_grammar.sets`.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "INVALID",
    "INVALID_KEY",
    "Invalid",
    "NoParams",
    "OperationModel",
    "Params",
    "operation_to_json",
]


class Params(BaseModel):
    """The operands of an operation by name: the base of a set's own. Immutable, strict."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class NoParams(Params):
    """An operation without operands."""


class OperationModel(BaseModel):
    """What every operation has: a ``key`` and ``params``. Immutable and hashable."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    key: Any
    params: Any


class Invalid(OperationModel):
    """The answer for everything that is not one instruction of the dialect."""

    key: Literal["OP_INVALID"]
    params: NoParams


INVALID: Invalid = Invalid(key="OP_INVALID", params=NoParams())
INVALID_KEY: str = INVALID.key


def operation_to_json(operation: OperationModel) -> str:
    """Write the canonical JSON: compact, keys in schema order.

    >>> operation_to_json(INVALID)
    '{"key":"OP_INVALID","params":{}}'
    """
    return operation.model_dump_json()
