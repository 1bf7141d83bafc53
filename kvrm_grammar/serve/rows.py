"""What became of a text, as JSON.

In: a reply of the engine. Out: a row, with the names that the command line's rows have: ``id``,
``ok``, ``key``, ``params``, ``error``, ``raw``; a refusal has a ``reason``, and only what could not
be decoded an ``error``.
"""

import json
from collections.abc import Mapping
from typing import Any

from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import InstructionSet, OperationModel, operation_to_json
from kvrm_grammar.lines import LONGEST_LINE
from kvrm_grammar.oracle.program import resolve_labels
from kvrm_grammar.serve.engine import Reply

__all__ = ["error_row", "operation_row", "row_of"]


def row_of(
    number: int,
    reply: Reply,
    isa: InstructionSet,
    *,
    labels: Mapping[str, int] | None = None,
    alternatives: int = 0,
    posterior: bool = False,
) -> dict[str, Any]:
    """Describe one reply.

    Args:
        number: Of the text, from 1.
        reply: What became of it.
        isa: Its instruction set.
        labels: Addresses of labels; None keeps labels as names.
        alternatives: How many of the most probable answers to show.
        posterior: Whether to show the distribution.

    Returns:
        A JSON-ready row. ``confidence`` is that of the model's own answer, a refused one's too.
    """
    decoded = reply.decoded
    operation, error = decoded.operation, decoded.error
    if operation is not None and labels is not None:
        try:
            operation = resolve_labels(operation, labels, isa=isa)
        except KvrmError as unknown:
            operation, error = None, unknown
    row = operation_row(number, operation, decoded.reason, error, decoded.text)
    row["confidence"] = decoded.confidence
    if alternatives:
        found = None if reply.posterior is None else reply.posterior.operations[:alternatives]
        row["alternatives"] = None if found is None else [one.as_row() for one in found]
    if posterior:
        row["posterior"] = None if reply.posterior is None else reply.posterior.as_row()
    if reply.trouble is not None:
        row["posterior_error"] = error_row(reply.trouble)
    return row


def operation_row(
    number: int,
    operation: OperationModel | None,
    reason: str | None,
    error: KvrmError | None,
    text: str,
) -> dict[str, Any]:
    """Describe an answer, a refusal or an error; of a text that is too long, its beginning."""
    answer = {"key": None, "params": None} if operation is None else _plain(operation)
    return {
        "id": number,
        "ok": error is None and reason is None,
        **answer,
        "reason": reason,
        "error": None if error is None else error_row(error),
        "raw": text[:LONGEST_LINE],
    }


def error_row(error: KvrmError) -> dict[str, str]:
    """An error's class and what it says."""
    return {"type": type(error).__name__, "message": str(error)}


def _plain(operation: OperationModel) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(operation_to_json(operation))
    return plain
