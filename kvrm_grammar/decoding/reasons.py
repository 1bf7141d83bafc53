"""What the reference parser has to say about an answer that the model gave.

In: a text and its dialect, or a decoded text. Out: why it was refused, and whether the
reference agrees. Nothing here changes an answer, and nothing is asked before somebody looks.
"""

from collections.abc import Callable
from functools import partial

from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.isa.operations import INVALID, Operation
from kvrm_grammar.oracle.reference import explain, parse

__all__ = ["agrees_with_reference", "reason_later", "refusal_reason"]

_NOT_RECOGNISED = "the model did not recognise this instruction"


def refusal_reason(text: str, dialect: str = "strict") -> str:
    """Say why a dialect refuses a text.

    Args:
        text: An instruction that the model refused.
        dialect: ``strict``, whose rules the reference parser knows, or another.

    Returns:
        The reference parser's reason; where it accepts the text, or the dialect is not
        its own, that the model refused it.

    Raises:
        LineTooLongError: The text is strict and longer than a line may be.

    >>> refusal_reason("add r1 r2")
    'ADD takes 3 operands, got 2'
    """
    reason = explain(text).reason if dialect == "strict" else None
    return reason or _NOT_RECOGNISED


def reason_later(operation: Operation, text: str, dialect: str) -> Callable[[], str] | None:
    """Leave the question why a text was refused to whoever looks at the answer.

    Args:
        operation: The model's answer.
        text: What it was asked.
        dialect: Its dialect's name.

    Returns:
        A function of two texts, without the decoder; None where there is no refusal.
    """
    return partial(refusal_reason, text, dialect) if operation == INVALID else None


def agrees_with_reference(decoded: Decoded) -> bool | None:
    """Ask the reference parser about a decoded text; of the strict dialect it is the oracle.

    Args:
        decoded: From any decoder.

    Returns:
        Whether the reference gives the same operation; None where there is no answer.
    """
    if decoded.operation is None:
        return None
    return parse(decoded.text) == decoded.operation
