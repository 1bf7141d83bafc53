"""benchmarks/gpu.py: every part is in the report, and its counts add up; no card, no traceback."""

import json
from itertools import chain, islice
from pathlib import Path

import pytest

from benchmarks import gpu
from kvrm_grammar.decoding.decoder import Decoder

CONSTRAINED = {"one pass grounded, alone": 1} | {
    f"one pass grounded, batches of {size}": size for size in (2, 5)
}
FREE = {"free, alone": 1, "free, batches of 3": 3}


def test_every_part_is_reported(
    tiny_adapter: Path,
    tmp_path: Path,
    cache_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Texts are whole batches, under the constraint all are valid, and each part tells itself."""
    output = tmp_path / "results" / "gpu.json"
    options = ["--device", "cpu", "--precision", "float32", "--seconds", "0.001", "--seed", "7"]
    sizes = ["--batch-sizes", "5", "2", "--free-batch-size", "3"]
    command = ["--adapter", str(tiny_adapter), *options, *sizes, "--output", str(output)]
    assert gpu.main(command) == 0
    report = json.loads(output.read_text("utf-8"))
    origin, rows = report["provenance"], report["parts"]
    assert (origin["device"], origin["backend"], origin["seed"]) == ("cpu", "torch", 7)
    assert report["card"] is None
    assert {name: row["batch_size"] for name, row in rows.items()} == CONSTRAINED | FREE
    told = capsys.readouterr().err
    for name, row in rows.items():
        assert row["batches"] >= 1 and row["texts"] == row["batches"] * row["batch_size"]
        assert 0 <= row["valid"] <= row["texts"]
        assert row["valid"] == row["texts"] or name in FREE
        assert min(row["seconds"], row["per_second"], row["p50_ms"]) > 0
        assert f"{name}: " in told
    assert [name for name, row in rows.items() if "times_faster_than_free" in row] == [
        gpu.ONE_PASS_ALONE
    ]


def test_batches_are_fresh_and_alike(tiny_decoder: Decoder) -> None:
    """The same seed, the same batches, all full; another window or size has other texts."""
    drawn = list(islice(gpu.batches(tiny_decoder, 4, 1), 16))
    assert drawn == list(islice(gpu.batches(tiny_decoder, 4, 1), 16))
    assert {len(batch) for batch in drawn} == {4}
    assert sorted(chain(*drawn[:8])) != sorted(chain(*drawn[8:]))
    other = list(islice(gpu.batches(tiny_decoder, 8, 1), 8))
    assert sorted(chain(*drawn)) != sorted(chain(*other))


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there(
    device: str, tiny_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names it, exit code 1, and no report."""
    output = tmp_path / "gpu.json"
    command = ["--adapter", str(tiny_adapter), "--device", device, "--output", str(output)]
    assert gpu.main(command) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: device '{device}' cannot be used: ")
    assert not output.exists()
