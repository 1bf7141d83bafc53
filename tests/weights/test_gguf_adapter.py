"""gguf_adapter.py: the file holds the adapter's own numbers, where llama.cpp looks for them."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import pytest

from kvrm_grammar.errors import AdapterError, BaseModelError, ExportError
from kvrm_grammar.weights.adapter import read_adapter
from kvrm_grammar.weights.export.tensors import TensorFile
from kvrm_grammar.weights.gguf_adapter import write_gguf_adapter

NAMES = {
    "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output",
    "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down",
}  # fmt: skip
HEADS = {"q_proj": 4, "k_proj": 2}


def written(adapter: Path, base: Path, folder: Path) -> Any:
    target = folder / "adapter.gguf"
    write_gguf_adapter(read_adapter(adapter), base, "base", target)
    assert [path.name for path in folder.iterdir() if path.suffix != ""] == ["adapter.gguf"]
    return gguf.GGUFReader(target)


def place_of(row: int, rows: int, heads: int) -> int:
    """Where llama.cpp has a row: the two halves of a head are shuffled into each other."""
    size = rows // heads
    head, within = divmod(row, size)
    half, place = divmod(within, size // 2)
    return head * size + 2 * place + half


def renamed(name: str) -> tuple[str, str]:
    """The name in the file of a tensor of PEFT, and the module's last part."""
    layer, module, kind = name.split("layers.")[1].split(".", 2)[0], *name.split(".")[-3:-1]
    return f"blk.{layer}.{NAMES[module]}.weight.{kind.lower()}", module


def edited(adapter: Path, target: Path, **changes: Any) -> Path:
    """A copy of an adapter with another configuration."""
    shutil.copytree(adapter, target)
    (target / "SHA256SUMS").unlink(missing_ok=True)
    path = target / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return target


def test_every_tensor_is_there_number_for_number(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    """A as it is; B with its rows where llama.cpp expects them; nothing else."""
    found = {
        one.name: np.array(one.data) for one in written(tiny_adapter, tiny_base, tmp_path).tensors
    }
    own = TensorFile([tiny_adapter / "adapter_model.safetensors"])
    assert {*found} == {renamed(name)[0] for name in own.names} and len(found) == 2 * 7 * 2
    for name in own.names:
        matrix: npt.NDArray[np.float32] = own.float32(name)
        target, module = renamed(name)
        if ".lora_B." in name and module in HEADS:
            order = [place_of(row, len(matrix), HEADS[module]) for row in range(len(matrix))]
            assert sorted(order) == [*range(len(matrix))] != order
            np.testing.assert_array_equal(found[target][order], matrix)
        else:
            np.testing.assert_array_equal(found[target], matrix)
        assert found[target].dtype == np.float32


def test_llama_cpp_is_told_what_it_is(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    """The kind of file, the architecture, and alpha: the factor is alpha over the rank."""
    fields = written(tiny_adapter, tiny_base, tmp_path).fields
    values = {name: field.contents() for name, field in fields.items() if name[0] != "G"}
    assert values == {
        "general.architecture": "llama",
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 8.0,
        "general.file_type": 0,
    }


def test_the_root_of_the_rank_is_in_alpha(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    """With rslora the factor is alpha over the root of the rank, which llama.cpp does not know."""
    adapter = edited(tiny_adapter, tmp_path / "adapter", use_rslora=True)
    (tmp_path / "out").mkdir()
    fields = written(adapter, tiny_base, tmp_path / "out").fields
    assert fields["adapter.lora.alpha"].contents() == pytest.approx(8 * math.sqrt(4))


def test_other_families_are_refused(
    make_base: Callable[..., Path], make_adapter: Callable[[Path], Path], tmp_path: Path
) -> None:
    """Their rows have another order; the error names the family and what to use."""
    base = make_base(family="qwen2")
    with pytest.raises(ExportError, match=r"'qwen2'.*convert_lora_to_gguf"):
        write_gguf_adapter(read_adapter(make_adapter(base)), base, "base", tmp_path / "x.gguf")
    assert [*tmp_path.iterdir()] == []


def test_what_does_not_fit_is_refused(
    tiny_base: Path, tiny_adapter: Path, make_base: Callable[..., Path], tmp_path: Path
) -> None:
    """Another shape, another kind of adapter, no base: typed errors, and no file."""
    target = tmp_path / "x.gguf"
    with pytest.raises(AdapterError, match="does not fit base"):
        write_gguf_adapter(read_adapter(tiny_adapter), make_base(hidden=64), "base", target)
    with pytest.raises(ExportError, match="use_dora"):
        dora = edited(tiny_adapter, tmp_path / "dora", use_dora=True)
        write_gguf_adapter(read_adapter(dora), tiny_base, "base", target)
    with pytest.raises(BaseModelError):
        write_gguf_adapter(read_adapter(tiny_adapter), tmp_path, "base", target)
    assert [path.name for path in tmp_path.iterdir()] == ["dora"]


def test_a_file_that_cannot_be_written_leaves_nothing(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    """An error of the system, and no half file beside."""
    (tmp_path / "x.gguf").mkdir()
    with pytest.raises(OSError):
        write_gguf_adapter(read_adapter(tiny_adapter), tiny_base, "base", tmp_path / "x.gguf")
    assert [path.name for path in tmp_path.iterdir()] == ["x.gguf"]
