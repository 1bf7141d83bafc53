"""loading.py: which backend runs what, what is refused, and all of it without torch."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from kvrm_grammar.decoding.backends import loading
from kvrm_grammar.decoding.backends.loading import (
    BACKENDS,
    backend_of,
    load_many,
    torch_model,
)
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.errors import AdapterError, ExportError, InputError, ModelError
from kvrm_grammar.weights.export.loading import ExportedModel
from kvrm_grammar.weights.pytorch.loading import LoadedModel
from tests.blocked import WITHOUT_TORCH
from tests.weights.export.precisions import needs_bfloat16

HAS_GPU = loading._has_gpu


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cache for all tests here, and no GPU whatever the machine has."""
    folder = tmp_path_factory.getbasetemp() / "choice"
    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", str(folder))
    monkeypatch.setattr(loading, "_has_gpu", lambda: False)


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the extra were not installed."""
    monkeypatch.setattr(loading, "_has_torch", lambda: False)


@pytest.fixture(scope="session")
def mistral(make_base: Callable[..., Path], make_adapter: Callable[..., Path]) -> Path:
    """An adapter of a base that no graph is built for."""
    return make_adapter(make_base(family="mistral"))


def kind(folder: Path, **options: Any) -> tuple[type, str]:
    """What an adapter is loaded as, and in which precision."""
    (loaded,) = load_many([folder], **options)
    return type(loaded), str(loaded.precision)


@pytest.mark.parametrize(
    ("options", "expected", "precision"),
    [
        ({}, ExportedModel, None),
        ({"device": "cpu"}, ExportedModel, None),
        ({"device": torch.device("cpu")}, ExportedModel, None),
        ({"precision": "int8"}, ExportedModel, "int8"),
        pytest.param({"precision": "bfloat16"}, ExportedModel, "bfloat16", marks=needs_bfloat16),
        pytest.param(
            {"precision": torch.bfloat16}, ExportedModel, "bfloat16", marks=needs_bfloat16
        ),
        ({"precision": torch.float32}, ExportedModel, "float32"),
        ({"backend": "openvino", "precision": "float32"}, ExportedModel, "float32"),
        ({"precision": "float16"}, LoadedModel, "float16"),
        ({"precision": torch.float16, "device": "cpu"}, LoadedModel, "float16"),
        ({"backend": "torch", "precision": "float32"}, LoadedModel, "float32"),
        ({"backend": "torch", "device": "cpu", "precision": "bfloat16"}, LoadedModel, "bfloat16"),
    ],
    ids=str,
)
def test_which_one(
    options: dict[str, Any], expected: type, precision: str | None, tiny_adapter: Path
) -> None:
    """OpenVINO on a CPU, torch where it is named or where it alone can."""
    found, own = kind(tiny_adapter, **options)
    assert found is expected
    assert precision is None or own == precision


def test_a_gpu_means_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch finds a GPU it is the default, but for int8; without torch it is not asked."""
    monkeypatch.setattr(loading, "_has_gpu", lambda: True)
    choose = loading._default_backend
    assert choose(None, None) == choose("cuda", None) == choose("cuda:1", "bfloat16") == "torch"
    assert choose(None, "int8") == choose("cpu", None) == "openvino"
    monkeypatch.setattr(loading, "_has_torch", lambda: False)
    assert choose(None, None) == "openvino"


@pytest.mark.parametrize("name", ["OpenVINO", "cuda", "", "onnx"])
def test_unknown_backend(name: str, tiny_adapter: Path) -> None:
    """A backend that there is not is an InputError that lists those that there are."""
    with pytest.raises(InputError, match=", ".join(BACKENDS)):
        load_many([tiny_adapter], backend=name)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "mps", torch.device("cuda")], ids=str)
def test_openvino_on_a_gpu(device: Any, tiny_adapter: Path) -> None:
    """OpenVINO computes on the CPU here; another device is a ModelError that names it."""
    with pytest.raises(ModelError, match=str(device)):
        load_many([tiny_adapter], backend="openvino", device=device)


@pytest.mark.parametrize("precision", ["float16", "int4"])
def test_a_precision_of_the_other(precision: str, tiny_adapter: Path) -> None:
    """A precision that the named backend has not is a ModelError."""
    with pytest.raises(ModelError, match=precision):
        load_many([tiny_adapter], backend="openvino", precision=precision)
    with pytest.raises(ModelError):
        load_many([tiny_adapter], backend="torch", precision="int8")


def test_backends_of_both(tiny_adapter: Path) -> None:
    """Each form has its own backend, and transformers' model is in one of them alone."""
    exported, loaded = (
        load_many([tiny_adapter], backend=name, device="cpu", precision="float32")[0]
        for name in BACKENDS
    )
    assert type(backend_of(exported)).__name__ == "OpenVinoBackend"
    assert type(backend_of(loaded)).__name__ == "TorchBackend"
    assert torch_model(loaded) is not None
    with pytest.raises(ModelError, match=r"this thing runs in the backend 'torch' alone"):
        torch_model(exported, "this thing")


@pytest.mark.parametrize("options", [{"backend": "torch"}, {"precision": "float16"}], ids=str)
def test_torch_is_missing(options: dict[str, Any], tiny_adapter: Path, without_torch: None) -> None:
    """Where torch is needed and not there, a ModelError says how to install it."""
    with pytest.raises(ModelError, match=r"pip install 'kvrm-grammar\[torch\]'"):
        load_many([tiny_adapter], **options)


def test_no_graph_falls_to_torch(mistral: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A base that no graph is built for runs in torch, and a warning says so."""
    with caplog.at_level(logging.WARNING, "kvrm_grammar"):
        found, _ = kind(mistral)
    assert found is LoadedModel
    (record,) = [each for each in caplog.records if "mistral" in each.getMessage()]
    assert record.levelno == logging.WARNING
    assert "torch runs it" in record.getMessage()


def test_no_graph_and_openvino_asked(mistral: Path) -> None:
    """Who asked for OpenVINO by name gets the ExportError."""
    with pytest.raises(ExportError, match="mistral"):
        load_many([mistral], backend="openvino")


def test_no_graph_and_no_torch(mistral: Path, without_torch: None) -> None:
    """Without torch the error says what is wrong, and what would run it."""
    with pytest.raises(ExportError, match=r"mistral.*kvrm-grammar\[torch\]"):
        load_many([mistral])


def test_no_graph_in_int8(mistral: Path) -> None:
    """A precision that torch has not is a ModelError there, no other one."""
    with pytest.raises(ModelError):
        load_many([mistral], precision="int8")


def test_outlines_needs_torch(tiny_adapter: Path) -> None:
    """The method 'outlines' loads in torch, and is a ModelError in OpenVINO."""
    decoder = Decoder.from_pretrained(
        tiny_adapter, backend="openvino", precision="float32", method="outlines"
    )
    with pytest.raises(ModelError, match="'outlines' runs in the backend 'torch' alone"):
        decoder.decode("halt")
    by_default = Decoder.from_pretrained(tiny_adapter, device="cpu", method="outlines")
    assert isinstance(by_default.loaded, LoadedModel)


def test_outlines_without_torch(tiny_adapter: Path, without_torch: None) -> None:
    """Without the extra the method says that it needs it."""
    with pytest.raises(ModelError, match="needs the extra 'torch'"):
        Decoder.from_pretrained(tiny_adapter, method="outlines")


def test_outlines_beside_torch(tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where outlines alone is missing the extra is named too, before or after loading."""
    decoder = Decoder.from_pretrained(
        tiny_adapter, backend="torch", device="cpu", precision="float32", method="outlines"
    )
    is_there = loading._is_there
    monkeypatch.setattr(loading, "_is_there", lambda name: name != "outlines" and is_there(name))
    with pytest.raises(ModelError, match="needs the extra 'torch'"):
        Decoder.from_pretrained(tiny_adapter, method="outlines")
    with pytest.raises(ModelError, match="needs the extra 'torch'"):
        decoder.decode("halt")


def test_outlines_tells_no_confidence(tiny_adapter: Path) -> None:
    """So none can be asked for, and nothing is let through as if it had been."""
    decoder = Decoder.from_pretrained(
        tiny_adapter, backend="torch", device="cpu", precision="float32", method="outlines"
    )
    with pytest.raises(InputError, match="tells no confidence"):
        decoder.decode_many(["halt"], min_confidence=0.5)
    assert decoder.decode("halt").confidence is None


def test_a_torch_that_does_not_start(tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a GPU's driver: the CPU computes, as it would without torch."""
    monkeypatch.setattr(loading, "_has_gpu", HAS_GPU)
    monkeypatch.setattr("ctypes.CDLL", lambda _: None)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert kind(tiny_adapter, precision="float32")[0] is ExportedModel


@pytest.mark.parametrize("backend", BACKENDS)
def test_several_adapters(backend: str, two_adapters: tuple[Path, Path]) -> None:
    """Each adapter of one base is loaded, in order."""
    found = load_many(two_adapters, backend=backend, device="cpu", precision="float32")
    assert [one.adapter_path for one in found] == list(two_adapters)


def test_adapters_of_two_bases(
    tiny_adapter: Path, make_base: Callable[..., Path], make_adapter: Callable[..., Path]
) -> None:
    """Adapters that record other bases are not mixed."""
    other = make_adapter(make_base())
    with pytest.raises(AdapterError, match=str(other)):
        load_many([tiny_adapter, other], precision="float32")


WORK = """
import json
import kvrm_grammar
from kvrm_grammar import Decoder, ModelError, decode_program

texts = ["sub r5 r3 r1", "HALT", "mov r1, 7", "", "jmp loop"]
decoder = Decoder.from_pretrained(sys.argv[1], precision="float32")
many = [one.json for one in decoder.decode_many(texts)]
single = decoder.decode(texts[0])
others = decoder.alternatives(single, 3)
program = decode_program("loop: mov r1, 7\\njmp loop\\nhalt", decoder=decoder)
stepwise = Decoder.from_loaded(decoder.loaded, method="stepwise").decode(texts[0])
refused = []
for options in ({"backend": "torch"}, {"method": "outlines"}):
    try:
        Decoder.from_pretrained(sys.argv[1], **options)
    except ModelError as error:
        refused.append(str(error))
assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}
print(json.dumps({
    "many": many, "single": single.json, "others": len(others), "stepwise": stepwise.json,
    "program": len(program.instructions), "refused": refused,
}))
"""


def in_a_process(code: str, *arguments: str) -> Any:
    """Run code in a process of its own; nothing is to be on standard error."""
    import json

    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_everything_without_torch(tiny_adapter: Path) -> None:
    """Where torch, transformers, peft and outlines cannot be imported, all of this works."""
    found = in_a_process(WITHOUT_TORCH + WORK, str(tiny_adapter))
    expected = Decoder.from_pretrained(
        tiny_adapter, backend="torch", device="cpu", precision="float32"
    )
    texts = ["sub r5 r3 r1", "HALT", "mov r1, 7", "", "jmp loop"]
    assert found["many"] == [one.json for one in expected.decode_many(texts)]
    assert found["single"] == found["stepwise"] == found["many"][0]
    assert found["others"] >= 1
    assert found["program"] == 3
    assert len(found["refused"]) == 2
    assert all("pip install 'kvrm-grammar[torch]'" in message for message in found["refused"])


def test_torch_is_not_imported_where_it_is_there(tiny_adapter: Path) -> None:
    """On a CPU without a GPU's driver, decoding imports none of the extra's packages."""
    code = """
import sys, json
from kvrm_grammar.decoding.backends import loading
loading._has_gpu = lambda: False
from kvrm_grammar import Decoder
Decoder.from_pretrained(sys.argv[1]).decode("halt")
found = {name.partition(".")[0] for name in sys.modules}
print(json.dumps(sorted(found & {"torch", "transformers", "peft", "outlines"})))
"""
    assert in_a_process(code, str(tiny_adapter)) == []
