"""folding.py: the base's tensors with the adapter's in them are PEFT's, or there is an error."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from kvrm_grammar.errors import AdapterError, BaseModelError, ExportError, ModelError
from kvrm_grammar.weights.adapter import read_adapter
from kvrm_grammar.weights.export.folding import fold, open_base

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
Tensors = dict[str, torch.Tensor]


@pytest.fixture
def adapter(tiny_adapter: Path, tmp_path: Path) -> Path:
    """A copy of the tiny adapter that a test may damage."""
    return Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))


def edit_json(folder: Path, **changes: Any) -> None:
    path = folder / CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_tensors(folder: Path, edit: Callable[[Tensors], Any]) -> None:
    tensors = load_file(folder / WEIGHTS)
    edit(tensors)
    save_file(tensors, folder / WEIGHTS)


def merged(base: Path, adapter: Path) -> Tensors:
    """What PEFT makes of the two, in float32."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    tuned: Any = PeftModel.from_pretrained(model, str(adapter))
    found: Tensors = tuned.merge_and_unload().state_dict()
    return found


def check_equal(base: Path, adapter: Path) -> None:
    """Every tensor of the base, folded, is that of PEFT, and the adapter changed some."""
    weights, expected = (
        fold(open_base(base, "base"), "base", read_adapter(adapter)),
        merged(base, adapter),
    )
    bare, changed = fold(open_base(base, "base"), "base", None), 0
    for name in weights.base.names:
        own, plain = weights(name), bare(name)
        assert own is not None
        assert plain is not None
        assert own.dtype == np.float32
        np.testing.assert_allclose(own, expected[name].numpy(), rtol=1e-6, atol=1e-6)
        changed += not np.array_equal(own, plain)
    assert changed == len(weights.pairs) > 0


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_folded_as_peft_merges(
    family: str, make_base: Callable[..., Path], make_adapter: Callable[..., Path]
) -> None:
    """Both families; biases and norms stay those of the base."""
    base = make_base(family=family)
    check_equal(base, make_adapter(base))


@pytest.mark.parametrize(
    "options",
    [
        {"use_rslora": True, "r": 4, "lora_alpha": 6},
        {"r": 3, "lora_alpha": 5, "target_modules": ["q_proj", "down_proj"]},
        {"r": 2, "lora_alpha": 2, "target_modules": r".*\.(k_proj|up_proj)"},
        {"r": 2, "lora_alpha": 1, "layers_to_transform": [1]},
        {"r": 2, "lora_alpha": 1, "exclude_modules": ["v_proj"]},
    ],
    ids=str,
)
def test_other_options(options: dict[str, Any], tiny_base: Path, tmp_path: Path) -> None:
    """The factor of rsLoRA, and adapters on some of the modules alone."""
    chosen: dict[str, Any] = {
        "target_modules": ["q_proj", "v_proj", "up_proj"],
        "init_lora_weights": False,
    }
    config = LoraConfig(task_type="CAUSAL_LM", **(chosen | options))
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    torch.manual_seed(3)
    get_peft_model(model, config).save_pretrained(str(tmp_path))
    check_equal(tiny_base, tmp_path)


def test_a_half_precision_adapter(adapter: Path, tiny_base: Path) -> None:
    """An adapter in bfloat16 is widened before it is multiplied."""
    edit_tensors(adapter, lambda t: t.update({name: x.bfloat16() for name, x in t.items()}))
    check_equal(tiny_base, adapter)


def test_a_tensor_that_is_absent(tiny_adapter: Path, tiny_base: Path) -> None:
    """A name that the base has not is None."""
    assert (
        fold(open_base(tiny_base, "b"), "b", read_adapter(tiny_adapter))("model.norm.bias") is None
    )


A0 = "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"
B0 = A0.replace("lora_A", "lora_B")


def _without_module(tensors: Tensors) -> None:
    del tensors[A0], tensors[B0]


def _moved(tensors: Tensors) -> None:
    for kind in ("A", "B"):
        own = tensors.pop(A0.replace("lora_A", f"lora_{kind}"))
        tensors[f"base_model.model.model.layers.9.mlp.down_proj.lora_{kind}.weight"] = own


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "B missing": (lambda f: edit_tensors(f, lambda t: t.pop(B0)), "missing, such as .*lora_B"),
    "A missing": (lambda f: edit_tensors(f, lambda t: t.pop(A0)), "lora_B"),
    "module missing": (lambda f: edit_tensors(f, _without_module), "missing.*0.mlp.down_proj"),
    "extra": (lambda f: edit_tensors(f, lambda t: t.update(extra=torch.zeros(1))), "'extra'"),
    "extra integers": (
        lambda f: edit_tensors(f, lambda t: t.update(extra=torch.zeros(1, dtype=torch.int64))),
        "extra",
    ),
    "extra A": (
        lambda f: edit_tensors(f, lambda t: t.update({"x.lora_A.weight": torch.zeros(1)})),
        "x.lora_A",
    ),
    "of a layer that is not there": (lambda f: edit_tensors(f, _moved), "layers.9"),
    "other rank in the configuration": (lambda f: edit_json(f, r=8), "rank 4.* 8"),
    "no rank": (lambda f: edit_json(f, r=None), "rank"),
    "rank of A": (
        lambda f: edit_tensors(f, lambda t: t.update({A0: t[A0][:3].clone()})),
        "shape",
    ),
    "width of A": (
        lambda f: edit_tensors(f, lambda t: t.update({A0: t[A0][:, :5].clone()})),
        "shape",
    ),
    "height of B": (
        lambda f: edit_tensors(f, lambda t: t.update({B0: t[B0][:5].clone()})),
        "shape",
    ),
    "A is a vector": (
        lambda f: edit_tensors(f, lambda t: t.update({A0: t[A0][0].clone()})),
        "shape",
    ),
    "B is a cube": (
        lambda f: edit_tensors(f, lambda t: t.update({B0: t[B0][None].clone()})),
        "shape",
    ),
    "A is a number": (lambda f: edit_tensors(f, lambda t: t.update({A0: torch.ones(())})), "shape"),
    "NaN": (lambda f: edit_tensors(f, lambda t: t[A0].fill_(float("nan"))), "not a number"),
    "infinite": (lambda f: edit_tensors(f, lambda t: t[B0].fill_(float("inf"))), "damaged"),
    "no tensors": (lambda f: edit_tensors(f, lambda t: t.clear()), "holds no LoRA tensors"),
    "no alpha": (lambda f: edit_json(f, lora_alpha=None), "lora_alpha"),
    "alpha is a word": (lambda f: edit_json(f, lora_alpha="8"), "lora_alpha"),
    "alpha is NaN": (lambda f: edit_json(f, lora_alpha=float("nan")), "lora_alpha"),
    "empty file": (lambda f: (f / WEIGHTS).write_bytes(b""), "damaged"),
    "garbage": (lambda f: (f / WEIGHTS).write_bytes(b"\xff" * 500), "damaged"),
    "header is a list": (lambda f: (f / WEIGHTS).write_bytes(b"\2\0\0\0\0\0\0\0[]"), "damaged"),
    "short data": (
        lambda f: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:9000]),
        "damaged",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damaged(
    damage: Callable[[Path], Any], message: str, adapter: Path, tiny_base: Path
) -> None:
    """Every damage is an AdapterError that names the folder."""
    damage(adapter)
    with pytest.raises(AdapterError, match=message) as caught:
        fold(open_base(tiny_base, "base"), "base", read_adapter(adapter))
    assert str(adapter) in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("use_dora", True),
        ("bias", "all"),
        ("bias", "lora_only"),
        ("modules_to_save", ["lm_head"]),
        ("alpha_pattern", {"q_proj": 3}),
        ("rank_pattern", {"q_proj": 3}),
        ("fan_in_fan_out", True),
        ("lora_bias", True),
        ("layer_replication", [[0, 2]]),
        ("target_parameters", ["x"]),
        ("trainable_token_indices", [1]),
        ("init_lora_weights", "pissa"),
        ("init_lora_weights", "olora"),
    ],
)
def test_not_plain(option: str, value: Any, adapter: Path, tiny_base: Path) -> None:
    """What is not a plain LoRA adapter is an ExportError with option and folder in it."""
    edit_json(adapter, **{option: value})
    with pytest.raises(ExportError, match=option) as caught:
        fold(open_base(tiny_base, "base"), "base", read_adapter(adapter))
    assert str(adapter) in str(caught.value)


def test_an_option_that_is_not_known(adapter: Path, tiny_base: Path) -> None:
    """What a newer PEFT may have meant by it is not guessed; an empty one is harmless."""
    edit_json(adapter, future_option=None)
    assert fold(open_base(tiny_base, "base"), "base", read_adapter(adapter)).pairs
    edit_json(adapter, future_option=1)
    with pytest.raises(ModelError, match="future_option"):
        fold(open_base(tiny_base, "base"), "base", read_adapter(adapter))


def test_lora_on_the_output_matrix(
    make_base: Callable[..., Path], adapter: Path, tmp_path: Path
) -> None:
    """Embedding and output matrix are outside the graph, so an adapter on them is refused."""
    base = make_base()
    tensors = load_file(base / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, base / "model.safetensors")
    head = "base_model.model.lm_head.lora_"
    rows = len(tensors["lm_head.weight"])
    edit_tensors(
        adapter,
        lambda t: t.update(
            {f"{head}A.weight": torch.ones(4, 32), f"{head}B.weight": torch.ones(rows, 4)}
        ),
    )
    with pytest.raises(ExportError, match="lm_head"):
        fold(open_base(base, "base"), "base", read_adapter(adapter))


@pytest.mark.parametrize("shape", [{"hidden": 64}, {"layers": 3}, {"layers": 1}], ids=str)
def test_another_base(
    shape: dict[str, int], tiny_adapter: Path, tiny_base: Path, make_base: Callable[..., Path]
) -> None:
    """A base of another shape is refused; the error names both bases."""
    with pytest.raises(AdapterError, match="does not fit base other") as caught:
        fold(open_base(make_base(**shape), "other"), "other", read_adapter(tiny_adapter))
    assert str(tiny_base) in str(caught.value)


def test_a_base_without_weights(tiny_base: Path, tmp_path: Path) -> None:
    """A base whose weights cannot be read is a BaseModelError that names the folder."""
    for content in (None, b"", b"\xff" * 99, b"\2\0\0\0\0\0\0\0[]"):
        if content is not None:
            (tmp_path / "model.safetensors").write_bytes(content)
        with pytest.raises(BaseModelError, match="cannot be read") as caught:
            fold(open_base(tmp_path, "base"), "base", None)
        assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    "index", ["{", "[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}']
)
def test_a_broken_index(index: str, tmp_path: Path) -> None:
    """An index that cannot be understood is a BaseModelError."""
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(BaseModelError, match="cannot be read"):
        fold(open_base(tmp_path, "base"), "base", None)


def test_flipped_bits(adapter: Path, tiny_base: Path) -> None:
    """Any flipped bit of the header is a ModelError, or changes no shape."""
    whole = (adapter / WEIGHTS).read_bytes()
    length = int.from_bytes(whole[:8], "little")
    described, base = read_adapter(adapter), fold(open_base(tiny_base, "base"), "base", None)
    refused = 0
    for place in range(0, 8 + length, 17):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 7
        (adapter / WEIGHTS).write_bytes(changed)
        try:
            weights = fold(open_base(tiny_base, "base"), "base", described)
        except ModelError:
            refused += 1
            continue
        for name in weights.pairs:
            own = weights(name)
            assert own is not None
            assert own.shape == base.base.shape(name)
    assert refused > 100
