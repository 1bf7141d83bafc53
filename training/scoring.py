"""How answers are scored: validity, exact matches, and intervals of rates.

In: answers, or counts. Out: truth values, and JSON-ready rates with 95 % intervals. Used by
evaluation, benchmarks and fuzz campaigns.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

from kvrm_grammar.errors import OperationError
from kvrm_grammar.isa import InstructionSet, operation_from_json, operation_to_json

__all__ = ["Judged", "is_valid", "rate", "wilson"]


def is_valid(answer: str, isa: InstructionSet | None = None) -> bool:
    """Whether an answer is a schema-valid operation in canonical JSON."""
    try:
        return operation_to_json(operation_from_json(answer, isa)) == answer
    except OperationError:
        return False


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a rate (Wilson, 1927, without continuity correction)."""
    if total == 0:
        return 0.0, 1.0
    z, p = 1.959964, hits / total
    centre, spread = (
        p + z * z / (2 * total),
        z * math.sqrt(p * (1 - p) / total + z * z / (4 * total**2)),
    )
    scale = 1 + z * z / total
    # At 0 and at 1 an end of the interval is the rate itself, whatever rounding makes of it.
    return max(0.0, min(p, (centre - spread) / scale)), min(1.0, max(p, (centre + spread) / scale))


class Judged(Protocol):
    """Whatever was answered, rightly or not."""

    @property
    def exact(self) -> bool:
        """Whether the answer is the expected one."""


def rate(outcomes: Sequence[Judged]) -> dict[str, Any]:
    """Examples, exact matches, the rate and its interval."""
    hits = sum(outcome.exact for outcome in outcomes)
    low, high = wilson(hits, len(outcomes))
    share = hits / len(outcomes) if outcomes else None
    return {"examples": len(outcomes), "exact": hits, "rate": share, "interval_95": [low, high]}
