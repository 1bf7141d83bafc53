"""placement.py: what a user names is a device that computes and a dtype that is known."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kvrm_grammar.errors import ModelError
from kvrm_grammar.weights.pytorch.loading import load_model, load_models
from kvrm_grammar.weights.pytorch.placement import (
    DTYPES,
    default_device,
    default_dtype,
    named_dtype,
    usable_device,
)


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta", "", "cpu:x"])
def test_unusable_device(device: str, tiny_base: Path) -> None:
    """A device that is not there, or holds no numbers, is named with a way out."""
    with pytest.raises(ModelError, match=f"device '{device}' cannot be used: .*; name one such as"):
        load_model(None, base=tiny_base, device=device)


def test_usable_device() -> None:
    """By name or as torch's object; none is the default."""
    assert usable_device("cpu") == usable_device(torch.device("cpu")) == torch.device("cpu")
    assert usable_device(None) == default_device()


@pytest.mark.parametrize("name", DTYPES)
def test_a_named_dtype_is_what_the_model_has(name: str, tiny_adapter: Path) -> None:
    """A name and torch's own object of it load the same model."""
    by_name = load_model(tiny_adapter, dtype=name, device="cpu", merge=True)
    assert by_name.dtype == getattr(torch, name) == named_dtype(getattr(torch, name))
    assert {parameter.dtype for parameter in by_name.model.parameters()} == {by_name.dtype}
    assert load_models([tiny_adapter], dtype=name)[0].dtype == by_name.dtype


@pytest.mark.parametrize("dtype", ["float64", "half", "", "torch.float32", torch.int8, 7, True])
def test_an_unknown_dtype_is_refused(dtype: Any, tiny_base: Path) -> None:
    """The error names it and lists what is allowed."""
    with pytest.raises(ModelError, match="choose one of float32, bfloat16, float16") as caught:
        load_model(None, base=tiny_base, dtype=dtype)
    assert repr(dtype) in str(caught.value)


@pytest.mark.parametrize("avx512", [True, False])
@pytest.mark.parametrize("amx", [True, False])
def test_default_dtype_follows_the_processor(
    avx512: bool, amx: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bfloat16 only where the processor computes in it, whatever other devices there are."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    expected = torch.bfloat16 if avx512 or amx else torch.float32
    assert default_dtype("cpu") == expected
    assert default_dtype("mps") == default_dtype("xpu:1") == torch.float32


def test_default_dtype_when_torch_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch's private questions the answer is float32."""
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert default_dtype("cpu") == torch.float32


def test_default_dtype_asks_the_given_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two GPUs of different kinds each gets its own dtype, whichever is the current one."""
    majors = {0: 7, 1: 8, None: 7}

    def properties(device: torch.device) -> Any:
        return SimpleNamespace(major=majors[device.index])

    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert default_dtype("cuda:1") == torch.bfloat16
    assert default_dtype("cuda:0") == default_dtype("cuda") == torch.float32
    monkeypatch.setattr(torch.version, "hip", "6.0")
    assert default_dtype("cuda:0") == torch.bfloat16


def test_default_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU is used where there is one."""
    for there, expected in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert default_device() == torch.device(expected)
