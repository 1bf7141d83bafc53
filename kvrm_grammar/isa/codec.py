"""JSON -> operation, for callers who have no instruction set at hand.

In: JSON text, and a set where it is not the default one. Out: a frozen operation.
"""

from pathlib import Path

from kvrm_grammar.isa.instruction_set import InstructionSet
from kvrm_grammar.isa.loading import load_set
from kvrm_grammar.isa.operation import OperationModel

__all__ = ["operation_from_json"]


def operation_from_json(
    text: str | bytes, isa: str | Path | InstructionSet | None = None
) -> OperationModel:
    """Read one operation from JSON, strictly.

    Args:
        text: JSON in any layout, UTF-8 if bytes.
        isa: The instruction set; None for the default one.

    Returns:
        The frozen operation.

    Raises:
        OperationError: Not JSON, a duplicate key, or not a valid operation of the set.
        IsaError: There is no such set.

    >>> operation_from_json('{"key": "OP_INC", "params": {"dest": "R5"}}').params.dest
    'R5'
    """
    return load_set(isa).parse_json(text)
