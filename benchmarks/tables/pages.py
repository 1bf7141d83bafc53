"""Pages with marked blocks, and what their tables should say now.

In: a page's text. Out: the same with every block written anew.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from kvrm_grammar.errors import DataError

__all__ = ["names_on", "pages", "rewritten"]

_OPENING = re.compile(r"^<!-- table: (?P<name>\S+) -->$", re.MULTILINE)
_CLOSING = "<!-- /table -->"
_BLOCK = re.compile(rf"{_OPENING.pattern}\n(?P<content>.*?)^{re.escape(_CLOSING)}$", re.M | re.S)


def pages(root: Path) -> list[Path]:
    """README and everything in docs, in order."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def names_on(text: str) -> list[str]:
    """The tables that a page shows, in order.

    Raises:
        DataError: A block is opened and not closed, or closed and not opened.
    """
    blocks = list(_BLOCK.finditer(text))
    opened, closed = len(_OPENING.findall(text)), text.count(_CLOSING)
    if not len(blocks) == opened == closed:
        raise DataError(
            f"{opened} blocks are opened, {closed} closed; each needs a line "
            f"'<!-- table: NAME -->' and a line '{_CLOSING}'"
        )
    return [block["name"] for block in blocks]


def rewritten(text: str, tables: Mapping[str, str]) -> str:
    """Write every block of a page anew.

    Args:
        text: The page.
        tables: Markdown by name.

    Raises:
        DataError: The page names a table that does not exist, or a block is not whole.
    """
    unknown = [name for name in names_on(text) if name not in tables]
    if unknown:
        raise DataError(f"unknown table {unknown[0]!r}; there are: {', '.join(tables)}")

    def block(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- table: {name} -->\n\n{tables[name]}\n\n{_CLOSING}"

    return _BLOCK.sub(block, text)
