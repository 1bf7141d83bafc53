"""model.py and adapter.py: what loads is whole, fits, and is ready to decode."""

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import snapshot_download
from peft import PeftModel
from safetensors.torch import load_file, save_file

from kvrm_grammar.errors import AdapterError, BaseModelError
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.weights import base as base_module
from kvrm_grammar.weights.adapter import read_adapter
from kvrm_grammar.weights.checksums import write_checksums
from kvrm_grammar.weights.packaged_base import PACKAGED_BASE_NAME
from kvrm_grammar.weights.pytorch.loading import LoadedModel, load_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def logits(loaded: LoadedModel) -> torch.Tensor:
    """Logits of a fixed text, (batch 1, sequence, vocabulary), float32."""
    ids = torch.tensor([encode_plain(loaded.tokenizer, "sub r5 r3 r1")])
    with torch.inference_mode():
        found: torch.Tensor = loaded.model(input_ids=ids.to(loaded.device)).logits
    return found.float().cpu()


@pytest.fixture
def adapter(tiny_adapter: Path, tmp_path: Path) -> Path:
    """A copy of the tiny adapter that a test may damage."""
    return Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))


@pytest.fixture
def base(tiny_base: Path, tmp_path: Path) -> Path:
    """A copy of the tiny base that a test may damage."""
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


def edit_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_tensors(folder: Path, edit: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    path = folder / "adapter_model.safetensors"
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path)


def test_load(tiny_adapter: Path, tiny_base: Path) -> None:
    """The recorded base is found; the model is in evaluation mode and frozen."""
    loaded = load_model(tiny_adapter, merge=False, device="cpu")
    assert isinstance(loaded.model, PeftModel)
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert loaded.base_name == str(tiny_base)
    assert loaded.base_id == f"folder:{tiny_base}"
    assert loaded.adapter_path == tiny_adapter
    assert loaded.device == torch.device("cpu")


def test_adapter_changes_the_model(tiny_adapter: Path, tiny_base: Path) -> None:
    """The adapter's weights are really in use."""
    plain, tuned = load_model(None, base=tiny_base), load_model(tiny_adapter)
    assert plain.adapter_path is None
    assert not torch.allclose(logits(plain), logits(tuned))


def test_merging_changes_nothing(tiny_adapter: Path) -> None:
    """In float32 a merged adapter gives the same logits; merged is the default there."""
    separate = load_model(tiny_adapter, dtype=torch.float32, merge=False)
    merged = load_model(tiny_adapter, dtype=torch.float32)
    assert not isinstance(merged.model, PeftModel)
    torch.testing.assert_close(logits(merged), logits(separate), rtol=1e-4, atol=1e-4)


def test_an_adapter_is_merged_in_float32_and_rounded_once(tiny_adapter: Path) -> None:
    """In bfloat16 the sum is rounded, not each part of it; nothing of PEFT is left."""
    exact, rounded = (load_model(tiny_adapter, dtype=d) for d in ("float32", "bfloat16"))
    assert not isinstance(rounded.model, PeftModel)
    expected = dict(exact.model.named_parameters())
    for name, parameter in rounded.model.named_parameters():
        assert parameter.dtype == torch.bfloat16
        torch.testing.assert_close(parameter.float(), expected[name], rtol=2**-7, atol=2**-9)


def test_merging_rounds_no_rotary_frequency(tiny_adapter: Path) -> None:
    """In half precision they stay float32, as transformers keeps them: angles grow with places."""
    exact, rounded = (load_model(tiny_adapter, dtype=d) for d in ("float32", "bfloat16"))
    kept = {name: b for name, b in exact.model.named_buffers() if name.endswith("inv_freq")}
    assert kept
    for name, buffer in rounded.model.named_buffers():
        if name in kept:
            assert torch.equal(buffer, kept[name]), name


def test_unmerged_the_adapter_stays_float32(tiny_adapter: Path) -> None:
    """Beside a bfloat16 base its weights keep their precision."""
    loaded = load_model(tiny_adapter, dtype=torch.bfloat16, merge=False)
    assert isinstance(loaded.model, PeftModel)
    dtypes = {("lora_" in n): p.dtype for n, p in loaded.model.named_parameters()}
    assert dtypes == {True: torch.float32, False: torch.bfloat16}
    assert logits(loaded).isfinite().all()


def test_half_precision_adapter_is_read_as_float32(adapter: Path) -> None:
    """A bfloat16 file costs no speed where bfloat16 is emulated."""
    edit_tensors(adapter, lambda t: t.update({name: x.bfloat16() for name, x in t.items()}))
    loaded = load_model(adapter, dtype=torch.float32, merge=False)
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float32}


def test_loading_leaves_the_random_state(tiny_adapter: Path) -> None:
    """No weight is drawn at random on the way, and the caller's seed survives."""
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first, second = load_model(tiny_adapter), load_model(tiny_adapter)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(logits(first), logits(second))


@pytest.mark.parametrize("family", ["qwen2", "mistral"])
def test_other_families(
    family: str, make_base: Callable[..., Path], make_adapter: Callable[..., Path]
) -> None:
    """The same code loads other model families."""
    loaded = load_model(make_adapter(make_base(family=family)))
    assert loaded.model.config.model_type == family


def test_a_new_adapter_records_the_base_name(tiny_base: Path) -> None:
    """Training on a loaded model records the name it was loaded under."""
    loaded = load_model(None, base=tiny_base)
    assert loaded.model.name_or_path == loaded.base_name == str(tiny_base)


def test_standard_error_stays_clean(tiny_adapter: Path) -> None:
    """Loading prints nothing at all, in a process of its own."""
    module = "kvrm_grammar.weights.pytorch.loading"
    code = f"from {module} import load_model; load_model({str(tiny_adapter)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_switches_are_put_back(tiny_adapter: Path) -> None:
    """What was silenced during the load is as before afterwards."""
    from transformers.utils import logging as hf_logging

    before = hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()
    load_model(tiny_adapter)
    assert before == (hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled())


# --- the adapter -------------------------------------------------------------------------


def test_no_adapter_folder(tmp_path: Path) -> None:
    """A folder that does not exist is named."""
    with pytest.raises(AdapterError, match=r"no adapter folder .*nowhere"):
        load_model(tmp_path / "nowhere")


def test_adapter_path_is_a_file(adapter: Path) -> None:
    """A file is no adapter folder."""
    with pytest.raises(AdapterError, match="no adapter folder"):
        load_model(adapter / "adapter_config.json")


def _truncate(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def _pickle_only(folder: Path) -> None:
    weights = folder / "adapter_model.safetensors"
    torch.save(load_file(weights), folder / "adapter_model.bin")
    weights.unlink()


def _first(tensors: dict[str, torch.Tensor]) -> str:
    return min(tensors)


CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda f: (f / CONFIG).unlink(), "adapter_config.json cannot be read"),
    "empty config": (lambda f: (f / CONFIG).write_text(""), "is not valid JSON"),
    "binary config": (lambda f: (f / CONFIG).write_bytes(b"\xff\xfe{"), "is not valid JSON"),
    "deep config": (lambda f: (f / CONFIG).write_text("[" * 100_000), "is not valid JSON"),
    "list as config": (lambda f: (f / CONFIG).write_text("[]"), "is not a JSON object"),
    "not LoRA": (lambda f: edit_json(f / CONFIG, peft_type="IA3"), "peft_type 'IA3' is not LORA"),
    "bad rank": (lambda f: edit_json(f / CONFIG, r=-1), "does not fit"),
    "no such module": (
        lambda f: edit_json(f / CONFIG, target_modules=["nothing"]),
        "does not fit base .*nothing",
    ),
    "newer PEFT": (lambda f: edit_json(f / CONFIG, future=1), "does not know 'future'; upgrade"),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), "has no adapter_model.safetensors"),
    "pickle": (_pickle_only, "adapter_model.bin is a pickle"),
    "empty weights": (lambda f: (f / WEIGHTS).write_bytes(b""), "is damaged"),
    "short header": (lambda f: _truncate(f / WEIGHTS, 100), "is damaged"),
    "short data": (lambda f: _truncate(f / WEIGHTS, 9000), "is damaged"),
    "garbage": (lambda f: (f / WEIGHTS).write_bytes(b"\xff" * 500), "is damaged"),
    "pickle in disguise": (lambda f: torch.save({}, f / WEIGHTS), "is damaged"),
    "not a number": (
        lambda f: edit_tensors(f, lambda t: t[_first(t)].fill_(float("nan"))),
        "is damaged .not a number",
    ),
    "tensor missing": (
        lambda f: edit_tensors(f, lambda t: t.pop(_first(t))),
        "1 tensors are missing",
    ),
    "tensor too many": (
        lambda f: edit_tensors(f, lambda t: t.update(extra=torch.zeros(1))),
        "1 tensors are unexpected, such as 'extra'",
    ),
    "other rank": (lambda f: edit_json(f / CONFIG, r=8), r"shape \(4, .*the base needs \(8, "),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_adapter(damage: Callable[[Path], Any], message: str, adapter: Path) -> None:
    """Every damage is an AdapterError that names the file or tensor."""
    damage(adapter)
    with pytest.raises(AdapterError, match=message) as caught:
        load_model(adapter)
    assert str(adapter) in str(caught.value)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, "SHA256SUMS"])
def test_one_flipped_bit_is_found(name: str, adapter: Path) -> None:
    """With checksums, any bit of either file, or of the checksums, refuses the adapter."""
    write_checksums(adapter)
    assert read_adapter(adapter).config["peft_type"] == "LORA"
    content = (adapter / name).read_bytes()
    for place in range(0, len(content), max(1, len(content) // 40)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        (adapter / name).write_bytes(changed)
        with pytest.raises(AdapterError, match=r"damaged|not valid JSON|SHA256SUMS"):
            read_adapter(adapter)
    (adapter / name).write_bytes(content)
    read_adapter(adapter)


def test_checksums_that_cannot_be_read(adapter: Path) -> None:
    """A folder where the file should be is an error, none at all is not."""
    (adapter / "SHA256SUMS").mkdir()
    with pytest.raises(AdapterError, match="SHA256SUMS cannot be read"):
        read_adapter(adapter)


def test_an_adapter_behind_a_symbolic_link(adapter: Path, tmp_path: Path) -> None:
    """A link to the folder is as good as the folder; one that leads nowhere is refused."""
    (tmp_path / "link").symlink_to(adapter, target_is_directory=True)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert read_adapter(tmp_path / "link").config == read_adapter(adapter).config
    with pytest.raises(AdapterError, match="no adapter folder"):
        read_adapter(tmp_path / "loop")


def test_unknown_empty_field_is_harmless(adapter: Path) -> None:
    """A newer PEFT's unused fields do not keep its adapters out."""
    edit_json(adapter / CONFIG, future_option=None)
    assert load_model(adapter).adapter_path == adapter


@pytest.mark.parametrize("shape", [{"hidden": 64}, {"layers": 3}, {"layers": 1}], ids=str)
def test_adapter_of_another_base(
    shape: dict[str, int], tiny_adapter: Path, tiny_base: Path, make_base: Callable[..., Path]
) -> None:
    """A base of another shape is refused; the error names both bases."""
    other = make_base(**shape)
    with pytest.raises(AdapterError, match="does not fit") as caught:
        load_model(tiny_adapter, base=other)
    assert str(other) in str(caught.value)
    assert str(tiny_base) in str(caught.value)


def test_another_base_of_the_same_shape(
    adapter: Path, base: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An explicit base that fits is taken, and a warning is logged."""
    with caplog.at_level(logging.WARNING):
        assert load_model(adapter, base=base).base_name == str(base)
    assert f"not {base}" in caplog.text
    caplog.clear()
    load_model(adapter)
    assert caplog.text == ""


def test_adapter_without_a_base_name(adapter: Path, tiny_base: Path) -> None:
    """Without a recorded base, one has to be named."""
    edit_json(adapter / CONFIG, base_model_name_or_path=None)
    assert read_adapter(adapter).base_name is None
    with pytest.raises(AdapterError, match="does not record its base model"):
        load_model(adapter)
    load_model(adapter, base=tiny_base)


# --- the base ----------------------------------------------------------------------------


def _without_gaps(folder: Path, edit: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


BASE_DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "cannot be read"),
    "broken config": (lambda f: (f / "config.json").write_text("{"), "cannot be read"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "cannot be read"),
    "short weights": (lambda f: _truncate(f / "model.safetensors", 5000), "cannot be read"),
    "tensor missing": (
        lambda f: _without_gaps(f, lambda t: t.pop("model.norm.weight")),
        "lacks 1 tensors: model.norm.weight",
    ),
    "tensor of another shape": (
        lambda f: _without_gaps(f, lambda t: t.update({"model.norm.weight": torch.ones(5)})),
        "model.norm.weight|cannot be read",
    ),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer of .* "),
    "broken tokenizer": (lambda f: (f / "tokenizer.json").write_text("{"), "tokenizer of .* "),
    "no end token": (
        lambda f: edit_json(f / "tokenizer_config.json", eos_token=None),
        "has no end token",
    ),
    "an adapter": (lambda f: (f / CONFIG).write_text("{}"), "is an adapter, not a base model"),
}


@pytest.mark.parametrize(("damage", "message"), BASE_DAMAGE.values(), ids=BASE_DAMAGE)
def test_damaged_base(damage: Callable[[Path], Any], message: str, base: Path) -> None:
    """Every damage is a BaseModelError; nothing is filled in at random."""
    damage(base)
    with pytest.raises(BaseModelError, match=message) as caught:
        load_model(None, base=base)
    assert str(base) in str(caught.value)


def test_pickled_base_is_refused(base: Path) -> None:
    """Weights as a pickle are not read."""
    torch.save(load_file(base / "model.safetensors"), base / "pytorch_model.bin")
    (base / "model.safetensors").unlink()
    with pytest.raises(BaseModelError, match="cannot be read"):
        load_model(None, base=base)


def test_code_in_a_base_is_not_run(base: Path, tmp_path: Path) -> None:
    """A configuration that points at code of its own is refused, and the code not run."""
    ran = tmp_path / "ran"
    (base / "evil.py").write_text(f"open({str(ran)!r}, 'w')\nclass C: pass\n")
    edit_json(
        base / "config.json",
        model_type="own",
        auto_map={"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.C"},
    )
    with pytest.raises(BaseModelError):
        load_model(None, base=base)
    assert not ran.exists()


def test_tokenizer_larger_than_the_model(base: Path) -> None:
    """A tokenizer with IDs that the model has no rows for does not belong to it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens([f"<extra{number}>" for number in range(99)])
    tokenizer.save_pretrained(base)
    with pytest.raises(BaseModelError, match="more tokens than the model"):
        load_model(None, base=base)


@pytest.mark.parametrize("name", ["./nowhere", "~/nowhere", "/no/where", "a/b/c"])
def test_missing_folder(name: str) -> None:
    """What can only be a path is not looked up on the hub."""
    with pytest.raises(BaseModelError, match=f"no base model folder {name}"):
        load_model(None, base=name)


def _hub_cache(folder: Path, base: Path) -> Path:
    """Lay out a hub cache that holds ``someone/tiny``."""
    root = folder / "models--someone--tiny"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT)
    return Path(shutil.copytree(base, root / "snapshots" / COMMIT))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache of this test's own; every call to the hub fails."""
    folder = tmp_path / "hub"

    def download(name: str, **options: Any) -> str:
        if not options.get("local_files_only"):
            raise ConnectionError("the hub cannot be reached")
        return str(partial(snapshot_download, cache_dir=folder)(name, **options))

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return folder


def test_hub_cache(hub: Path, tiny_base: Path) -> None:
    """A name in the hub's local cache loads without the hub."""
    _hub_cache(hub, tiny_base)
    loaded = load_model(None, base="someone/tiny")
    assert (loaded.base_name, loaded.base_id) == ("someone/tiny", f"commit:{COMMIT}")


@pytest.mark.parametrize("missing", [None, "model.safetensors", "config.json"])
def test_hub_unreachable(missing: str | None, hub: Path, tiny_base: Path) -> None:
    """Neither cached in full nor reachable: the error says both, and what else there is."""
    if missing is not None:
        (_hub_cache(hub, tiny_base) / missing).unlink()
    with pytest.raises(BaseModelError, match=r"someone/tiny.*cannot be reached") as caught:
        load_model(None, base="someone/tiny")
    assert PACKAGED_BASE_NAME in str(caught.value)


def test_incomplete_shards(hub: Path, tiny_base: Path) -> None:
    """A snapshot of which one shard is missing does not count as cached."""
    snapshot = _hub_cache(hub, tiny_base)
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BaseModelError, match="cannot be reached"):
        load_model(None, base="someone/tiny")


def test_packaged_base_by_name(
    adapter: Path, base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The public name means the packaged base, never a folder of that name or the hub."""
    manifest = {
        "format": 1,
        "name": "n",
        "gguf_sha256": "g",
        "versions": {},
        "files": {"model.safetensors": {"bytes": 1, "sha256": "abc"}},
    }
    (base / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(base_module, "ensure_packaged_base", lambda **_: base)
    monkeypatch.setattr("huggingface_hub.snapshot_download", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / PACKAGED_BASE_NAME).mkdir(parents=True)
    edit_json(adapter / CONFIG, base_model_name_or_path=PACKAGED_BASE_NAME)
    for loaded in (load_model(adapter), load_model(None)):
        assert (loaded.base_name, loaded.base_id) == (PACKAGED_BASE_NAME, "sha256:abc")


@pytest.mark.model
def test_real_base() -> None:
    """The packaged base is a real language model, loaded without any network."""
    loaded = load_model(None)
    assert loaded.base_name == PACKAGED_BASE_NAME
    assert loaded.base_id.startswith("sha256:")
    assert len(loaded.tokenizer) == 49_152
    assert not {*range(17)}.intersection(encode_plain(loaded.tokenizer, "<|im_end|><repo_name>"))
    ids = torch.tensor([encode_plain(loaded.tokenizer, "The capital of France is")])
    with torch.inference_mode():
        best = int(loaded.model(input_ids=ids.to(loaded.device)).logits[0, -1].argmax())
    assert loaded.tokenizer.decode([best]) == " Paris"
