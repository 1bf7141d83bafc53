"""benchmarks/setup_faults.py: how an ending is judged, what damage is, what is left over."""

from pathlib import Path
from random import Random

import pytest

from benchmarks.setup_faults import ANSWER, DAMAGES, DEFECT, ONE_LINE, Ran, classify, left_over

RIGHT = '{"key":"OP_SUB"}\n'
WARNED = "/a b/loading.py:7: RuntimeWarning: cannot be kept\n  path = stored_graph(key, build)\n"
TOLD = "base model: /a b/base\nstrict dialect: ready\n"


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "outcome"),
    [
        (0, RIGHT, "", ANSWER),
        (0, RIGHT, f"warning: damaged\n{WARNED}{TOLD}", ANSWER),
        (0, RIGHT, "Traceback (most recent call last):\n", DEFECT),
        (0, RIGHT, "  no warning before it\n", DEFECT),
        (0, RIGHT + RIGHT, "", DEFECT),
        (0, "", "error: full\n", DEFECT),
        (1, RIGHT, "", DEFECT),
        (3, "", "error: full\n", ONE_LINE),
        (3, "", f"{TOLD}warning: damaged\n{WARNED}error: full\n", ONE_LINE),
        (3, "", "error: full\nwarning: damaged\n", DEFECT),
        (3, "", "error: full\nof files\n", DEFECT),
        (3, "", "error: full\nerror: full\n", DEFECT),
        (3, "", "", DEFECT),
        (3, RIGHT, "error: full\n", DEFECT),
        (-7, "", "error: full\n", DEFECT),
    ],
)
def test_endings(code: int, stdout: str, stderr: str, outcome: str) -> None:
    """The right answer, or nothing but one error as the last line; warnings are no harm."""
    assert classify(Ran((), code, stdout, stderr), RIGHT) == outcome


@pytest.mark.parametrize("seed", range(20))
def test_damage(tmp_path: Path, seed: int) -> None:
    """Each manner changes the file as its name says, and the same seed does the same."""
    content, path = bytes(range(100)), tmp_path / "file"
    seen: dict[str, bytes | None] = {}
    for manner in [*DAMAGES, *DAMAGES]:
        path.write_bytes(content)
        DAMAGES[manner](path, Random(seed))
        damaged = path.read_bytes() if path.exists() else None
        assert damaged != content
        assert seen.setdefault(manner, damaged) == damaged
    assert {*seen} == {"truncated", "one bit flipped", "emptied", "deleted"}
    truncated, flipped = seen["truncated"], seen["one bit flipped"]
    assert truncated is not None and content.startswith(truncated)
    assert flipped is not None and len(flipped) == len(content)
    assert sum((a ^ b).bit_count() for a, b in zip(content, flipped, strict=True)) == 1
    assert (seen["emptied"], seen["deleted"]) == (b"", None)


def test_what_is_left_over(tmp_path: Path) -> None:
    """Files of other names, hidden ones too, with their sizes; a folder alone is none."""
    (tmp_path / ".build-x/wheel").mkdir(parents=True)
    (tmp_path / ".build-x/original.gguf").write_bytes(b"123")
    (tmp_path / "lock").touch()
    assert left_over(tmp_path, ["lock"]) == {".build-x/original.gguf": 3}
    assert left_over(tmp_path / "none", ()) == {}
