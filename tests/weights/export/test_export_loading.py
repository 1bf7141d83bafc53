"""loading.py: what is loaded is whole and the newest, and whatever is wrong has a typed error."""

import errno
import gc
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import openvino
import pytest
import torch
from safetensors.torch import load_file, save_file

from kvrm_grammar.decoding.backends.openvino import OpenVinoBackend
from kvrm_grammar.decoding.backends.pytorch import TorchBackend
from kvrm_grammar.errors import AdapterError, BaseModelError, ExportError, ModelError
from kvrm_grammar.weights.checksums import write_checksums
from kvrm_grammar.weights.export import loading
from kvrm_grammar.weights.export.loading import ExportedModel, load_exported
from kvrm_grammar.weights.export.store import GRAPH
from kvrm_grammar.weights.fetch import sha256
from kvrm_grammar.weights.pytorch.loading import load_model
from tests.weights.export.precisions import BFLOAT16

CONFIG, WEIGHTS, BASE = "adapter_config.json", "adapter_model.safetensors", "model.safetensors"
IDS = np.array([[5, 77, 200, 31, 285, 9]])


@pytest.fixture
def adapter(tiny_adapter: Path, tmp_path: Path) -> Path:
    """A copy of the tiny adapter that a test may damage."""
    return Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))


@pytest.fixture
def base(tiny_base: Path, tmp_path: Path) -> Path:
    """A copy of the tiny base that a test may damage."""
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tells which precisions were compiled."""
    seen: list[str] = []
    written = loading._written

    def watch(int8: bool, *rest: Any) -> Any:
        seen.append("int8" if int8 else "float32")
        return written(int8, *rest)

    monkeypatch.setattr(loading, "_written", watch)
    return seen


def states(model: Any) -> Any:
    """Hidden states of fixed tokens."""
    backend: Any = OpenVinoBackend(model)
    if not isinstance(model, ExportedModel):
        backend = TorchBackend(model.model)
    places = np.array([(0, place) for place in range(IDS.shape[1])])
    return backend.hidden(IDS, np.arange(IDS.shape[1])[None], None, places)


def edit_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_tensors(path: Path, edit: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def test_load(tiny_adapter: Path, tiny_base: Path, cache_folder: Path) -> None:
    """The recorded base is found, and the states are those of torch."""
    model = load_exported(tiny_adapter, precision="float32")
    assert model.base_name == str(tiny_base)
    assert model.base_id == f"folder:{tiny_base}"
    assert model.adapter_path == tiny_adapter
    assert (model.precision, model.device) == ("float32", "cpu")
    assert model.head is model.embedding
    with model.active():
        own = states(model)
    expected = states(load_model(tiny_adapter, dtype="float32", device="cpu"))
    np.testing.assert_allclose(own, expected, atol=1e-4)
    bare = load_exported(None, base=tiny_base, precision="float32")
    assert bare.adapter_path is None
    assert np.abs(states(bare) - own).max() > 1e-2


@pytest.mark.parametrize("precision", [BFLOAT16, "int8", None])
def test_other_precisions(precision: str | None, tiny_adapter: Path, cache_folder: Path) -> None:
    """The other precisions are near float32, whether just compiled or read again."""
    exact = states(load_exported(tiny_adapter, precision="float32"))
    for _ in range(2):
        model = load_exported(tiny_adapter, precision=precision)
        assert model.precision in (("float32", "bfloat16") if precision is None else (precision,))
        assert np.abs(states(model) - exact).max() < 0.2


def test_unknown_precision(tiny_adapter: Path, cache_folder: Path) -> None:
    """A precision that there is not is a ModelError that lists those that there are."""
    for name in ("float16", "int4", ""):
        with pytest.raises(ModelError, match="float32, bfloat16, int8"):
            load_exported(tiny_adapter, precision=name)


def test_compiled_once(tiny_adapter: Path, cache_folder: Path, built: list[str]) -> None:
    """A second load compiles nothing and computes exactly the same; a precision is a graph."""
    first, second = (states(load_exported(tiny_adapter, precision="float32")) for _ in range(2))
    assert built == ["float32"]
    np.testing.assert_array_equal(first, second)
    load_exported(tiny_adapter, precision="int8")
    assert built == ["float32", "int8"]


def test_nothing_is_left_beside_the_graph(tiny_adapter: Path, cache_folder: Path) -> None:
    """The files through which a half-precision graph goes are gone."""
    load_exported(tiny_adapter, precision="int8")
    names = {p.name for p in (cache_folder / "graphs").rglob("*") if p.is_file()}
    assert {name for name in names if not name.endswith(".verified")} == {
        GRAPH,
        "manifest.json",
        "build.lock",
    }


def test_usable_after_garbage_collection(tiny_adapter: Path, cache_folder: Path) -> None:
    """What the graph's weights are mapped from lives as long as the model; the file need not."""
    model = load_exported(tiny_adapter, precision="float32")
    before = states(model)
    gc.collect()
    shutil.rmtree(cache_folder)
    gc.collect()
    np.testing.assert_array_equal(states(model), before)


def test_pages_of_the_file_are_given_back(
    tiny_adapter: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a run they are dropped; nothing had been written to them, so nothing is lost."""
    dropped: list[bool] = []
    drop = loading.GraphFile.drop_pages

    def watch(file: loading.GraphFile) -> None:
        (path,) = (cache_folder / "graphs").rglob(GRAPH)
        dropped.append(file.mapped[:] == path.read_bytes())
        drop(file)

    monkeypatch.setattr(loading.GraphFile, "drop_pages", watch)
    model = load_exported(tiny_adapter, precision="float32")
    before = states(model)
    np.testing.assert_array_equal(states(model), before)
    assert dropped == [True, True]


@pytest.mark.parametrize("precision", [BFLOAT16, "int8"])
def test_no_precision_writes_to_the_file(
    precision: str, tiny_adapter: Path, cache_folder: Path
) -> None:
    """What dropping its pages rests on."""
    model = load_exported(tiny_adapter, precision=precision)
    backend = OpenVinoBackend(model)
    assert model.file is not None
    for length in (2, 6):
        places = np.array([(0, length - 1)])
        backend.hidden(IDS[:, :length], np.arange(length)[None], None, places)
    (path,) = (cache_folder / "graphs").rglob(GRAPH)
    assert model.file.mapped[:] == path.read_bytes()


# --- what a graph depends on -------------------------------------------------------------


def negate(tensors: dict[str, torch.Tensor]) -> None:
    """Another adapter of the same size."""
    for name in tensors:
        if "lora_B" in name:
            tensors[name] = -tensors[name]


def other_norm(tensors: dict[str, torch.Tensor]) -> None:
    """Another base of the same size."""
    tensors["model.norm.weight"] = torch.linspace(-1, 1, 32)


ROPE = {"rope_type": "default", "rope_theta": 3.0}
CHANGES: dict[str, Callable[[Path, Path], Any]] = {
    "adapter's tensors": lambda a, b: edit_tensors(a / WEIGHTS, negate),
    "adapter's alpha": lambda a, b: edit_json(a / CONFIG, lora_alpha=80),
    "base's tensors": lambda a, b: edit_tensors(b / BASE, other_norm),
    "base's epsilon": lambda a, b: edit_json(b / "config.json", rms_norm_eps=0.5),
    "base's theta": lambda a, b: edit_json(b / "config.json", rope_parameters=ROPE),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen(
    change: Callable[[Path, Path], Any], adapter: Path, base: Path, cache_folder: Path
) -> None:
    """Whatever changed in adapter or base, the next load is of what is there now."""
    before = states(load_exported(adapter, base=base, precision="float32"))
    change(adapter, base)
    after = states(load_exported(adapter, base=base, precision="float32"))
    expected = states(load_model(adapter, base=base, dtype="float32", device="cpu"))
    assert np.abs(expected - before).max() > 1e-3
    np.testing.assert_allclose(after, expected, atol=1e-4)


# --- the cache ---------------------------------------------------------------------------


def spoil(cache_folder: Path, content: bytes = b"no graph" * 99) -> Path:
    """Replace the only graph by something else, with a valid checksum."""
    (blob,) = (cache_folder / "graphs").rglob(GRAPH)
    blob.write_bytes(content)
    manifest = blob.with_name("manifest.json")
    edit_json(manifest, bytes=len(content), sha256=sha256(blob))
    return blob


GARBAGE = {"text": b"no graph" * 99, "empty": b"", "zeros": b"\0" * 5000, "half": "half"}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_a_graph_that_cannot_be_imported(
    content: Any, tiny_adapter: Path, cache_folder: Path, built: list[str]
) -> None:
    """A blob of another kind, with a valid checksum, is built anew."""
    before = states(load_exported(tiny_adapter, precision="float32"))
    if content == "half":
        (blob,) = (cache_folder / "graphs").rglob(GRAPH)
        content = blob.read_bytes()[: blob.stat().st_size // 2]
    blob = spoil(cache_folder, content)
    np.testing.assert_array_equal(states(load_exported(tiny_adapter, precision="float32")), before)
    assert built == ["float32", "float32"]
    assert blob.stat().st_size > len(content)
    load_exported(tiny_adapter, precision="float32")
    assert len(built) == 2


def test_not_importable_and_no_space(
    tiny_adapter: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot be built anew on the disk, it is compiled in memory, with a warning."""
    before = states(load_exported(tiny_adapter, precision="float32"))
    spoil(cache_folder)

    def full(**_: Any) -> str:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.warns(RuntimeWarning, match="no space"):
        again = states(load_exported(tiny_adapter, precision="float32"))
    np.testing.assert_allclose(again, before, atol=1e-5)


def test_not_importable_and_not_removable(
    tiny_adapter: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a cache that can only be read, a graph that is of no use is compiled in memory."""
    before = states(load_exported(tiny_adapter, precision="float32"))
    spoil(cache_folder)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    again = states(load_exported(tiny_adapter, precision="float32"))
    np.testing.assert_allclose(again, before, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", BFLOAT16])
def test_a_file_in_the_place_of_the_cache(
    precision: str, tiny_adapter: Path, cache_folder: Path
) -> None:
    """Without a cache there is a warning and the same model."""
    cache_folder.write_bytes(b"in the way")
    with pytest.warns(RuntimeWarning, match="cannot be kept"):
        model = load_exported(tiny_adapter, precision=precision)
    assert model.file is None
    expected = states(load_model(tiny_adapter, dtype="float32", device="cpu"))
    np.testing.assert_allclose(
        states(model), expected, atol=1e-4 if precision == "float32" else 0.2
    )


@pytest.mark.parametrize("precision", ["float32", BFLOAT16])
def test_no_space(
    precision: str, tiny_adapter: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk while the blob is written: a warning, the same model, nothing left."""

    def full(path: Path, data: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.warns(RuntimeWarning, match=os.strerror(errno.ENOSPC)):
        model = load_exported(tiny_adapter, precision=precision)
    assert np.isfinite(states(model)).all()
    assert not list((cache_folder / "graphs").rglob(GRAPH))
    assert not list((cache_folder / "graphs").glob(".build-*"))


@pytest.mark.parametrize("precision", ["float32", BFLOAT16, "int8"])
def test_the_same_numbers_without_a_cache(
    precision: str, tiny_adapter: Path, cache_folder: Path
) -> None:
    """Whether a graph is kept decides no answer: its weights are rounded in the same way."""
    kept = states(load_exported(tiny_adapter, precision=precision))
    shutil.rmtree(cache_folder)
    cache_folder.write_bytes(b"in the way")
    with pytest.warns(RuntimeWarning, match="cannot be kept"):
        model = load_exported(tiny_adapter, precision=precision)
    np.testing.assert_array_equal(states(model), kept)


# --- errors ------------------------------------------------------------------------------


def test_a_graph_that_cannot_be_compiled(
    tiny_adapter: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What OpenVINO says then is a ModelError, and no word of a full disk."""

    def broken(*_: Any) -> None:
        raise RuntimeError("Check 'x' failed\nno such kernel\n")

    core = Mock(wraps=openvino.Core(), compile_model=broken)
    monkeypatch.setattr(openvino, "Core", lambda: core)
    for precision in ("float32", "int8"):
        with pytest.raises(ModelError, match=r"cannot compile the model here \(no such kernel\)"):
            load_exported(tiny_adapter, precision=precision)


def _truncate(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def _more_tokens(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"<extra{number}>" for number in range(99)])
    tokenizer.save_pretrained(folder)


BASE_DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "cannot be read"),
    "broken config": (lambda f: (f / "config.json").write_text("{"), "cannot be read"),
    "no weights": (lambda f: (f / BASE).unlink(), "cannot be read"),
    "empty weights": (lambda f: (f / BASE).write_bytes(b""), "cannot be read"),
    "short weights": (lambda f: _truncate(f / BASE, 5000), "cannot be read"),
    "tensor missing": (
        lambda f: edit_tensors(f / BASE, lambda t: t.pop("model.norm.weight")),
        "lacks the tensor .*model.norm.weight",
    ),
    "embedding missing": (
        lambda f: edit_tensors(f / BASE, lambda t: t.pop("model.embed_tokens.weight")),
        "lacks the tensor model.embed_tokens.weight",
    ),
    "output matrix missing": (
        lambda f: edit_json(f / "config.json", tie_word_embeddings=False),
        "lacks the tensor lm_head.weight",
    ),
    "norm of another shape": (
        lambda f: edit_tensors(f / BASE, lambda t: t.update({"model.norm.weight": torch.ones(5)})),
        "model.norm.weight",
    ),
    "norm of one number": (
        lambda f: edit_tensors(f / BASE, lambda t: t.update({"model.norm.weight": torch.ones(1)})),
        "model.norm.weight",
    ),
    "another width": (lambda f: edit_json(f / "config.json", hidden_size=64), "shape"),
    "another vocabulary": (lambda f: edit_json(f / "config.json", vocab_size=300), "shape"),
    "other heads": (lambda f: edit_json(f / "config.json", num_key_value_heads=4), ""),
    "more layers": (lambda f: edit_json(f / "config.json", num_hidden_layers=3), "layers.2"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer of .* "),
    "broken tokenizer": (lambda f: (f / "tokenizer.json").write_text("{"), "tokenizer of .* "),
    "no end token": (
        lambda f: edit_json(f / "tokenizer_config.json", eos_token=None),
        "has no end token",
    ),
    "too many tokens": (_more_tokens, "more tokens than the model"),
    "an adapter": (lambda f: (f / CONFIG).write_text("{}"), "is an adapter, not a base model"),
}


@pytest.mark.parametrize(("damage", "message"), BASE_DAMAGE.values(), ids=BASE_DAMAGE)
def test_damaged_base(
    damage: Callable[[Path], Any], message: str, base: Path, cache_folder: Path
) -> None:
    """Every damage is a BaseModelError that names the base, and nothing is kept of it."""
    damage(base)
    with pytest.raises(BaseModelError, match=message or None) as caught:
        load_exported(None, base=base, precision="float32")
    assert str(base) in str(caught.value)
    assert not list(cache_folder.rglob(GRAPH))


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda f: (f / CONFIG).unlink(), "adapter_config.json cannot be read"),
    "list as config": (lambda f: (f / CONFIG).write_text("[]"), "is not a JSON object"),
    "not LoRA": (lambda f: edit_json(f / CONFIG, peft_type="IA3"), "peft_type 'IA3' is not LORA"),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), "has no adapter_model.safetensors"),
    "empty weights": (lambda f: (f / WEIGHTS).write_bytes(b""), "is damaged"),
    "short data": (lambda f: _truncate(f / WEIGHTS, 9000), "is damaged"),
    "pickle in disguise": (lambda f: torch.save({}, f / WEIGHTS), "is damaged"),
    "not a number": (
        lambda f: edit_tensors(f / WEIGHTS, lambda t: t[min(t)].fill_(float("nan"))),
        "is damaged .not a number",
    ),
    "tensor missing": (
        lambda f: edit_tensors(f / WEIGHTS, lambda t: t.pop(min(t))),
        "does not fit",
    ),
    "other rank": (lambda f: edit_json(f / CONFIG, r=8), "rank"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_adapter(
    damage: Callable[[Path], Any], message: str, adapter: Path, cache_folder: Path
) -> None:
    """Every damage is an AdapterError that names the folder, before anything is compiled."""
    damage(adapter)
    with pytest.raises(AdapterError, match=message) as caught:
        load_exported(adapter, precision="float32")
    assert str(adapter) in str(caught.value)
    assert not cache_folder.exists()


def test_checksums_are_compared(adapter: Path, cache_folder: Path) -> None:
    """A flipped bit of an adapter with checksums is found, also where its graph is kept."""
    write_checksums(adapter)
    load_exported(adapter, precision="float32")
    content = bytearray((adapter / WEIGHTS).read_bytes())
    content[-3] ^= 1
    (adapter / WEIGHTS).write_bytes(content)
    with pytest.raises(AdapterError, match="damaged"):
        load_exported(adapter, precision="float32")


def test_another_family(
    make_base: Callable[..., Path], make_adapter: Callable[..., Path], cache_folder: Path
) -> None:
    """A base that no graph is built for is an ExportError, which is a ModelError."""
    with pytest.raises(ExportError, match="mistral"):
        load_exported(make_adapter(make_base(family="mistral")))
    assert issubclass(ExportError, ModelError)


def test_no_base(adapter: Path, tiny_base: Path, cache_folder: Path) -> None:
    """Without a recorded base one has to be named, and the folder has to be there."""
    edit_json(adapter / CONFIG, base_model_name_or_path=None)
    with pytest.raises(AdapterError, match="does not record its base model"):
        load_exported(adapter)
    with pytest.raises(BaseModelError, match="no base model folder"):
        load_exported(adapter, base="./nowhere")
    assert load_exported(adapter, base=tiny_base).base_name == str(tiny_base)


def test_another_base_is_logged(
    adapter: Path, base: Path, cache_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An explicit base that fits is taken, and a warning is logged."""
    assert load_exported(adapter, base=base, precision="float32").base_name == str(base)
    assert f"not {base}" in caplog.text


def test_tables_are_mapped(tiny_base: Path, cache_folder: Path) -> None:
    """Rows of the embedding are the file's, for indices of any shape."""
    model = load_exported(None, base=tiny_base, precision="float32")
    expected = load_file(tiny_base / BASE)["model.embed_tokens.weight"].float().numpy()
    numbers = np.array([[0, 285, 7], [7, 1, 2]])
    np.testing.assert_array_equal(model.embedding.rows(numbers), expected[numbers])
    assert isinstance(model.embedding.stored.base, np.ndarray)
