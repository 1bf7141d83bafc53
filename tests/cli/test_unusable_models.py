"""Models that cannot be used: one clear line, and an exit code of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.damage import UNUSABLE
from tests.cli.running import rows, run


@pytest.mark.parametrize("command", ["decode", "decode-program"])
@pytest.mark.parametrize(("prepare", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_models(
    command: str,
    prepare: Callable[[Path, Path], list[str]],
    message: str,
    tiny_adapter: Path,
    tmp_path: Path,
    cache_folder: Path,
) -> None:
    """A model that cannot be used is one clear line on standard error and exit code 3."""
    result = run(command, *prepare(tiny_adapter, tmp_path), "-", stdin="HALT\n")
    assert (result.stdout, result.exit_code) == ("", 3)
    *before, last = result.stderr.splitlines()
    assert last.startswith("error: ") and message in last
    assert all(line.startswith("warning: ") for line in before)  # another base than recorded


def test_an_adapter_of_another_base(
    tiny_adapter: Path, make_base: Callable[..., Path], cache_folder: Path
) -> None:
    """A base of another shape does not fit, and both are named."""
    other = make_base(layers=1)
    result = run("decode", "--adapter", str(tiny_adapter), "--base", str(other), "HALT")
    assert (result.stdout, result.exit_code) == ("", 3)
    assert "does not fit base" in result.stderr
    assert str(other) in result.stderr and str(tiny_adapter) in result.stderr


def test_a_blocked_cache_costs_a_warning(tiny_adapter: Path, blocked_cache: Path) -> None:
    """Without a cache the index is compiled each time; the answer is there all the same."""
    with pytest.warns(RuntimeWarning, match=r"cannot (read|write).*not-a-folder") as caught:
        result = run("decode", "--adapter", str(tiny_adapter), "--jsonl", "HALT")
    (row,) = rows(result.stdout)
    assert row["key"].startswith("OP_")
    assert result.exit_code == (0 if row["ok"] else 1)
    assert any("cannot write to the cache folder" in str(one.message) for one in caught)
    assert blocked_cache.read_text() == ""
