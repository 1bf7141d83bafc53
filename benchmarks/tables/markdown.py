"""How a table and its figures are written: one way for all.

In: numbers and cells. Out: Markdown.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

__all__ = ["code", "interval", "origin", "part", "percent", "short", "table"]

_PICTURES = {"\r": "␍", "\n": "␊", "\t": "␉"}


def percent(rate: float, digits: int = 2) -> str:
    """A share as a percentage.

    >>> percent(0.99957), percent(0.955, 1)
    ('99.96 %', '95.5 %')
    """
    return f"{100 * rate:.{digits}f} %"


def short(value: float) -> str:
    """A measured value without digits that mean nothing.

    >>> short(772.3), short(20.49), short(0.29)
    ('772', '20.5', '0.3')
    """
    return f"{value:,.0f}" if value >= 50 else f"{value:.1f}"


def part(count: int, total: int) -> str:
    """How many of how many.

    >>> part(4672, 4674)
    '4,672 of 4,674'
    """
    return f"{count:,} of {total:,}"


def interval(bounds: Sequence[float], digits: int = 2) -> str:
    """A 95 % interval, low to high.

    >>> interval([0.99844, 0.99988])
    '99.84 – 99.99 %'
    """
    low, high = bounds
    return f"{100 * low:.{digits}f} – {100 * high:.{digits}f} %"


def code(text: str) -> str:
    """A text as code in a cell: no bar, back-quote or line end in it breaks the table.

    >>> code("nop"), code("`nop`"), code("12 | nop")
    ('`nop`', '`` `nop` ``', '<code>12 &#124; nop</code>')
    """
    shown = "".join(map(_visible, text))
    if "|" in shown:
        return f"<code>{escape(shown, quote=False).replace('|', '&#124;')}</code>"
    if "`" in shown:
        return f"`` {shown} ``"
    return f"`{shown}`"


def _visible(character: str) -> str:
    if character in _PICTURES or character.isprintable():
        return _PICTURES.get(character, character)
    return character.encode("unicode_escape").decode("ascii")


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], note: str = "", *, left: int = 1
) -> str:
    """A table, its first ``left`` columns to the left and the rest to the right, with a note."""
    marks = ["---" if place < left else "---:" for place in range(len(head))]
    lines = [_row(head), _row(marks), *map(_row, rows)]
    return "\n".join([*lines, *(["", note] if note else [])])


def origin(record: dict[str, Any]) -> str:
    """Where a record comes from: seed, commit and machine."""
    facts = record.get("provenance", record)
    seed = [] if facts.get("seed") is None else [f"seed {facts['seed']}"]
    machine = [str(facts[name]) for name in ("device", "dtype") if name in facts]
    threads = [f"{facts['threads']} threads"] if "threads" in facts else []
    return ", ".join([*seed, f"commit `{facts['commit']}`", *machine, *threads])


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
