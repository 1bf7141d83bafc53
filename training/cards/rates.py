"""What the cards of both dialects write alike: rates, and lists of failures.

In: rows of an evaluation. Out: Markdown.
"""

from collections.abc import Sequence
from typing import Any

__all__ = ["failures_text", "rate_text"]

_SHOWN = 40  # failures


def rate_text(row: dict[str, Any]) -> str:
    """A rate as the cards write it: counts, percentage, interval."""
    low, high = row["interval_95"]
    share = f"{row['exact']} of {row['examples']} = {row['rate']:.2%}"
    return f"{share} (95 % interval {low:.2%} – {high:.2%})"


def failures_text(failures: Sequence[dict[str, Any]]) -> str:
    """The first failures, each with its text, its kind where it has one, and both answers."""
    lines = [f"### The failures ({len(failures)}; the first {_SHOWN})", "", "```"]
    for failure in failures[:_SHOWN]:
        kind = f" ({failure['kind']})" if "kind" in failure else ""
        lines.append(
            f"{failure['text']!r}{kind}\n    expected {failure['expected']}\n"
            f"    answered {failure['answer']}"
        )
    return "\n".join([*lines, "```", ""])
