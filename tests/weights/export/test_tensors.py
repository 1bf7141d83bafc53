"""tensors.py: every stored value widened exactly, and a damaged file refused, never a crash."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from kvrm_grammar.weights.export.tensors import TensorFile, open_tensors

SPECIAL = [0.0, -0.0, 1.0, -1.5, 1e-40, -6e-8, 65504.0, 3e38, float("inf"), -float("inf")]


def raw(path: Path, header: Any, size: int = 16) -> Path:
    """Write a file with any header."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + bytes(size))
    return path


def entry(begin: Any = 0, end: Any = 16, shape: Any = (4,), dtype: Any = "F32") -> dict[str, Any]:
    """Describe one tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_values_are_those_of_torch(dtype: torch.dtype, tmp_path: Path) -> None:
    """Each type is widened to the very float32 that torch widens it to."""
    torch.manual_seed(0)
    tensors = {
        "random": torch.randn(7, 33).to(dtype),
        "special": torch.tensor([*SPECIAL, float("nan")]).to(dtype),
        "scalar": torch.tensor(2.5).to(dtype),
        "empty": torch.zeros(0, 3).to(dtype),
    }
    save_file(tensors, tmp_path / "x.safetensors", metadata={"format": "pt"})
    found = TensorFile([tmp_path / "x.safetensors"])
    assert sorted(found.names) == sorted(tensors)
    for name, tensor in tensors.items():
        assert found.shape(name) == tuple(tensor.shape)
        assert found.float32(name).dtype == np.float32
        np.testing.assert_array_equal(found.float32(name), tensor.float().numpy())


def test_every_bfloat16_and_float16(tmp_path: Path) -> None:
    """All 65,536 patterns of both 16-bit types, sign of zero included."""
    bits = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16)
    tensors = {"b": bits.view(torch.bfloat16), "h": bits.view(torch.float16).clone()}
    save_file(tensors, tmp_path / "x.safetensors")
    found = TensorFile([tmp_path / "x.safetensors"])
    for name, tensor in tensors.items():
        own, expected = found.float32(name), tensor.float().numpy()
        np.testing.assert_array_equal(own, expected)
        np.testing.assert_array_equal(np.signbit(own), np.signbit(expected))


def test_a_name_that_is_absent(tmp_path: Path) -> None:
    """A name that no file has is a KeyError in every method."""
    found = TensorFile([raw(tmp_path / "x", {"a": entry()})])
    assert "a" in found
    assert "b" not in found
    for method in (found.float32, found.stored, found.shape):
        with pytest.raises(KeyError, match="b"):
            method("b")


def test_integers_are_left_out(tmp_path: Path) -> None:
    """A buffer of integers is no weight."""
    found = TensorFile([raw(tmp_path / "x", {"a": entry(), "i": entry(16, 32, (2,), "I64")}, 32)])
    assert found.names == ("a",)


def test_shards_are_found_by_the_index(tmp_path: Path) -> None:
    """An index names the files; each tensor comes from its own, and only those are opened."""
    parts = {"one.safetensors": {"a": torch.ones(2)}, "two.safetensors": {"b": torch.zeros(3)}}
    for name, tensors in parts.items():
        save_file(tensors, tmp_path / name)
    (tmp_path / "model.safetensors").write_bytes(b"not opened")
    weight_map = {"a": "one.safetensors", "b": "two.safetensors"}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    found = open_tensors(tmp_path)
    assert sorted(found.names) == ["a", "b"]
    assert found.float32("a").tolist() == [1, 1]
    assert found.float32("b").tolist() == [0, 0, 0]
    (tmp_path / "two.safetensors").unlink()
    with pytest.raises(FileNotFoundError):
        open_tensors(tmp_path)


def test_an_index_leaves_its_folder_nowhere(tmp_path: Path) -> None:
    """A shard's name with a path in it means the file of that name in the folder."""
    save_file({"a": torch.ones(2)}, tmp_path / "one.safetensors")
    weight_map = {"a": "../../one.safetensors"}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    assert open_tensors(tmp_path).names == ("a",)


def test_no_file(tmp_path: Path) -> None:
    """A folder without weights is an OSError."""
    with pytest.raises(OSError, match=r"model\.safetensors"):
        open_tensors(tmp_path)


def test_every_truncation(tmp_path: Path) -> None:
    """A file cut short anywhere is a ValueError."""
    save_file({"a": torch.ones(2, 3), "b": torch.ones(4).half()}, tmp_path / "x")
    whole = (tmp_path / "x").read_bytes()
    for size in range(len(whole)):
        (tmp_path / "x").write_bytes(whole[:size])
        with pytest.raises(ValueError):
            TensorFile([tmp_path / "x"])


@pytest.mark.parametrize("data", [b"", b"\xff" * 500, b"\0" * 500, b"PK\3\4" * 99], ids=repr)
def test_garbage(data: bytes, tmp_path: Path) -> None:
    """What is no such file at all is a ValueError."""
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(ValueError):
        TensorFile([tmp_path / "x"])


def test_every_flipped_bit_of_a_header(tmp_path: Path) -> None:
    """A flipped bit is a ValueError, or leaves tensors that can all be read."""
    save_file({"a": torch.ones(2, 3), "b": torch.ones(4).half()}, tmp_path / "x")
    whole = bytearray((tmp_path / "x").read_bytes())
    refused = 0
    for bit in range(8 * (8 + struct.unpack("<Q", whole[:8])[0])):
        changed = whole.copy()
        changed[bit // 8] ^= 1 << bit % 8
        (tmp_path / "x").write_bytes(changed)
        try:
            found = TensorFile([tmp_path / "x"])
        except ValueError:
            refused += 1
            continue
        for name in found.names:
            assert found.float32(name).shape == found.shape(name)
    assert refused > 500


MALFORMED: dict[str, Any] = {
    "not JSON": b"{",
    "not UTF-8": b'{"\xff": 1}',
    "a list": [],
    "a string": "a",
    "a number": 1,
    "null": None,
    "no entry": {"a": None},
    "entry is a list": {"a": []},
    "no dtype": {"a": {"shape": [4], "data_offsets": [0, 16]}},
    "dtype is a list": {"a": entry(dtype=["F32"])},
    "shape is a number": {"a": entry(shape=4)},
    "shape of strings": {"a": entry(shape=["4"])},
    "shape too large": {"a": entry(shape=[10**30])},
    "shape that wraps around": {"a": entry(0, 0, shape=[2**32, 2**32])},
    "negative shape": {"a": entry(shape=[-2, -2])},
    "one offset": {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0]}},
    "offsets are strings": {"a": entry("0", "16")},
    "offsets are fractions": {"a": entry(0.0, 16.0)},
    "offsets backwards": {"a": entry(16, 0)},
    "offset before the data": {"a": entry(-16, 0)},
    "offset behind the data": {"a": entry(56, 72)},
    "too few bytes": {"a": entry(0, 12)},
    "overlapping in part": {"a": entry(0, 16), "b": entry(8, 24)},
    "overlapping as a whole": {"a": entry(0, 16), "b": entry(0, 16)},
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED)
def test_malformed_header(header: Any, tmp_path: Path) -> None:
    """Whatever is wrong in a header, a ValueError says so."""
    with pytest.raises(ValueError):
        TensorFile([raw(tmp_path / "x", header)])
