"""benchmarks/tables: the figures of README and docs are those of the recorded results."""

import doctest
import json
from pathlib import Path

import pytest

from benchmarks.tables import TABLES, markdown
from benchmarks.tables.__main__ import ROOT, main
from benchmarks.tables.markdown import table
from benchmarks.tables.pages import names_on, pages, rewritten
from benchmarks.tables.records import Records
from kvrm_grammar.errors import DataError

FEWEST_BLOCKS = 20
"""Fewer would mean that pages, or the way to find their blocks, are gone."""

PAGE = "before\n\n<!-- table: one -->\nold\n<!-- /table -->\n\nafter\n"


def blocks() -> list[tuple[str, str]]:
    return [(p.name, name) for p in pages(ROOT) for name in names_on(p.read_text("utf-8"))]


def test_no_page_is_stale(capsys: pytest.CaptureFixture[str]) -> None:
    """Every block of every page is what its records say now."""
    code = main(["--check"])
    assert (capsys.readouterr().out, code) == ("", 0)
    assert len(blocks()) >= FEWEST_BLOCKS
    assert ("README.md", "summary") in blocks()


def test_every_table_is_shown() -> None:
    """No table is made for nobody."""
    assert {name for _, name in blocks()} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_rectangular(name: str) -> None:
    """Every row of a table has the cells of its head, and no cell breaks its row."""
    rows = [row for row in TABLES[name](Records(ROOT)).splitlines() if row.startswith("|")]
    assert len(rows) >= 4
    assert {row.count("|") for row in rows} == {rows[0].count("|")}


def test_only_the_block_is_rewritten() -> None:
    """What stands around a block stays, and writing again changes nothing."""
    new = rewritten(PAGE, {"one": table(("a", "b"), [(1, 2)])})
    assert new.startswith("before\n\n<!-- table: one -->\n\n| a | b |\n")
    assert new.endswith("| 1 | 2 |\n\n<!-- /table -->\n\nafter\n")
    assert rewritten(new, {"one": table(("a", "b"), [(1, 2)])}) == new


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (PAGE, "unknown table 'one'; there are: other"),
        (PAGE.replace("<!-- /table -->", ""), "1 blocks are opened, 0 closed"),
        (PAGE.replace("<!-- table: one -->", ""), "0 blocks are opened, 1 closed"),
        (PAGE.replace("old", "<!-- table: other -->"), "2 blocks are opened, 1 closed"),
    ],
)
def test_blocks_that_cannot_be_written_are_errors(page: str, message: str) -> None:
    """A block without a table, a beginning or an end is not left as it is in silence."""
    with pytest.raises(DataError, match=message):
        rewritten(page, {"other": ""})


def checkout(root: Path, page: str) -> Path:
    """A checkout with this one's records and one page."""
    for name in ("benchmarks", "models"):
        (root / name).symlink_to(ROOT / name)
    (root / "README.md").write_text(page, "utf-8")
    return root / "README.md"


def test_checking_fails_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--check`` says which page is stale; without it the page is written, and then is not."""
    old = PAGE.replace("one", "summary")
    page = checkout(tmp_path, old)
    assert main(["--check"], tmp_path) == 1
    assert "README.md is stale" in capsys.readouterr().out
    assert page.read_text("utf-8") == old
    assert main([], tmp_path) == 0
    record = Path(__file__).parents[2] / "models" / "decode_llm" / "evaluation.json"
    right = json.loads(record.read_text("utf-8"))["results"]["exact_match"]
    assert f"{right['exact']:,} of {right['examples']:,}" in page.read_text("utf-8")
    assert main(["--check"], tmp_path) == 0


def test_pages_and_records_that_cannot_be_used_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says which page has a bad block, and which record is missing."""
    checkout(tmp_path, PAGE)
    assert main([], tmp_path) == 1
    assert "README.md: unknown table 'one'" in capsys.readouterr().err
    (tmp_path / "models").unlink()
    assert main([], tmp_path) == 1
    assert "models/decode_llm/evaluation.json cannot be read" in capsys.readouterr().err


def test_a_record_is_an_object(tmp_path: Path) -> None:
    """A record of another shape is an error that shows it."""
    folder = tmp_path / "benchmarks" / "results"
    folder.mkdir(parents=True)
    (folder / "stream.json").write_text(json.dumps([1]), "utf-8")
    with pytest.raises(DataError, match=r"stream\.json holds no object but \[1\]"):
        Records(tmp_path).result("stream")


def test_examples_in_docstrings_hold() -> None:
    """How figures are written is what the docstrings say."""
    result = doctest.testmod(markdown)
    assert result.failed == 0 and result.attempted >= 5
