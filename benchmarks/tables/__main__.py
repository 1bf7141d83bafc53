"""The command ``python -m benchmarks.tables``.

In: the records of this checkout. Out: its pages, their tables written anew; with ``--check``
nothing is written, and the exit code is 1 where a page is stale.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.tables import TABLES
from benchmarks.tables.pages import pages, rewritten
from benchmarks.tables.records import Records
from kvrm_grammar.errors import DataError

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    """Write the tables, or say which pages are stale; the exit code."""
    parser = argparse.ArgumentParser(description="Write the tables of README and docs.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where stale")
    check = parser.parse_args(argv).check
    try:
        stale = _refresh(root, write=not check)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for page in stale:
        print(f"{page} is stale: run `make tables`" if check else f"written to {page}")
    return 1 if check and stale else 0


def _refresh(root: Path, *, write: bool) -> list[str]:
    """The pages whose tables are not what the records say; written anew if asked for."""
    records = Records(root)
    tables = {name: make(records) for name, make in TABLES.items()}
    stale = []
    for page in pages(root):
        name = page.relative_to(root).as_posix()
        old = page.read_text("utf-8")
        try:
            new = rewritten(old, tables)
        except DataError as error:
            raise DataError(f"{name}: {error}") from error
        if new != old:
            stale.append(name)
            if write:
                page.write_text(new, "utf-8", newline="\n")
    return stale


if __name__ == "__main__":
    sys.exit(main())
