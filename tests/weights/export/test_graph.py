"""graph.py: the graph's hidden states and scores are torch's."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from kvrm_grammar.decoding.backends.openvino import OpenVinoBackend, causal_mask
from kvrm_grammar.decoding.backends.pytorch import TorchBackend
from kvrm_grammar.errors import ExportError
from kvrm_grammar.weights.export.architecture import read_architecture
from kvrm_grammar.weights.export.folding import fold, open_base
from kvrm_grammar.weights.export.graph import build_graph, quantised
from kvrm_grammar.weights.export.loading import load_exported

SHAPES: dict[str, dict[str, Any]] = {
    "llama": {"family": "llama"},
    "llama, untied": {"family": "llama", "tied": False},
    "llama, wide heads": {"family": "llama", "head_dim": 12},
    "llama, ungrouped": {"family": "llama", "kv_heads": 4},
    "llama, with biases": {"family": "llama", "bias": True},
    "qwen2": {"family": "qwen2"},
    "qwen2, untied": {"family": "qwen2", "tied": False},
    "qwen2, one key": {"family": "qwen2", "kv_heads": 1},
}
TOKENS = 286
Both = tuple[OpenVinoBackend, TorchBackend]


def randomized(
    folder: Path,
    *,
    family: str,
    tied: bool = True,
    head_dim: int = 8,
    kv_heads: int = 2,
    bias: bool = False,
) -> Path:
    """Replace a tiny base's tensors by random ones in which biases and norms matter."""
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "tie_word_embeddings": tied,
        "head_dim": head_dim,
        "num_key_value_heads": kv_heads,
        "attention_bias": bias,
        "mlp_bias": bias,
        "rms_norm_eps": 1e-3,
        "rope_parameters": {"rope_type": "default", "rope_theta": 700.0},
    }
    (folder / "config.json").write_text(json.dumps(config))
    heads, keys, width = 4 * head_dim, kv_heads * head_dim, 32
    shapes = {"model.embed_tokens.weight": (TOKENS, width), "model.norm.weight": (width,)}
    if not tied:
        shapes["lm_head.weight"] = (TOKENS, width)
    for layer in range(2):
        block = f"model.layers.{layer}"
        for norm in ("input_layernorm", "post_attention_layernorm"):
            shapes[f"{block}.{norm}.weight"] = (width,)
        matrices = {"q": (heads, width), "k": (keys, width), "v": (keys, width)}
        for part, shape in matrices.items():
            shapes[f"{block}.self_attn.{part}_proj.weight"] = shape
            if bias or family == "qwen2":
                shapes[f"{block}.self_attn.{part}_proj.bias"] = shape[:1]
        rest = {
            "self_attn.o": (width, heads),
            "mlp.gate": (64, width),
            "mlp.up": (64, width),
            "mlp.down": (width, 64),
        }
        for part, shape in rest.items():
            shapes[f"{block}.{part}_proj.weight"] = shape
            if bias:
                shapes[f"{block}.{part}_proj.bias"] = shape[:1]
    generator = torch.Generator().manual_seed(5)
    tensors = {
        name: torch.randn(shape, generator=generator) * (0.2 if len(shape) == 2 else 0.5)
        for name, shape in shapes.items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def bases(make_base: Callable[..., Path]) -> dict[str, Path]:
    """A base of every shape."""
    return {
        name: randomized(make_base(family=shape["family"]), **shape)
        for name, shape in SHAPES.items()
    }


@pytest.fixture(scope="module")
def pairs(
    bases: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Both]:
    """The same base in OpenVINO and in torch, both float32."""
    cache, made = tmp_path_factory.mktemp("cache"), {}

    def pair(name: str) -> Both:
        if name not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("KVRM_GRAMMAR_CACHE", str(cache))
                exported = load_exported(None, base=bases[name], precision="float32")
            model = AutoModelForCausalLM.from_pretrained(bases[name], dtype=torch.float32)
            made[name] = OpenVinoBackend(exported), TorchBackend(model.eval())
        return made[name]

    return pair


def everywhere(rows: int, length: int) -> Any:
    """All places of a batch."""
    return np.array([(row, place) for row in range(rows) for place in range(length)])


def sample(rows: int, length: int, seed: int = 0) -> Any:
    """Random token IDs."""
    return np.random.default_rng(seed).integers(3, TOKENS, (rows, length))


def counted(rows: int, length: int) -> Any:
    """Positions from 0 in every row."""
    return np.tile(np.arange(length), (rows, 1))


@pytest.mark.parametrize("name", SHAPES)
def test_hidden_states_are_those_of_transformers(
    name: str, bases: dict[str, Path], pairs: Callable[[str], Both]
) -> None:
    """Every shape of a model, against transformers itself."""
    ids = sample(2, 19)
    model: Any = AutoModelForCausalLM.from_pretrained(bases[name], dtype=torch.float32)
    with torch.inference_mode():
        output = model.model(input_ids=torch.from_numpy(ids), use_cache=False)
    expected = output.last_hidden_state.numpy().reshape(38, 32)
    own = pairs(name)[0].hidden(ids, counted(2, 19), None, everywhere(2, 19))
    assert own.dtype == np.float32
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(own, expected, atol=1e-4)


@pytest.mark.parametrize("name", SHAPES)
def test_scores_are_those_of_torch(name: str, pairs: Callable[[str], Both]) -> None:
    """A few columns and all of them; those of an untied model come from its own matrix."""
    exported, reference = pairs(name)
    vectors = np.random.default_rng(1).normal(size=(5, 32)).astype(np.float32)
    for columns in (np.array([3, 4, 285]), np.arange(TOKENS), np.array([7])):
        own = exported.scores(vectors, columns)
        assert own.shape == (5, len(columns))
        np.testing.assert_allclose(own, reference.scores(vectors, columns), atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "qwen2"])
def test_padding_behind_changes_nothing(name: str, pairs: Callable[[str], Both]) -> None:
    """Rows of other lengths in one batch get the states that each gets alone."""
    own, reference = pairs(name)
    lengths, ids = (4, 31, 1, 17), np.zeros((4, 31), dtype=np.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = sample(1, length, seed=row)[0]
    for row, length in enumerate(lengths):
        places = np.array([(row, place) for place in range(length)])
        together = own.hidden(ids, counted(4, 31), None, places)
        single = ids[row : row + 1, :length]
        for backend in (own, reference):
            alone = backend.hidden(single, counted(1, length), None, everywhere(1, length))
            np.testing.assert_allclose(together, alone, atol=1e-4)


def test_places_are_picked_in_order(pairs: Callable[[str], Both]) -> None:
    """States come in the order of the places, twice where one is asked for twice."""
    own, _ = pairs("llama")
    ids, positions = sample(3, 9), counted(3, 9)
    whole = own.hidden(ids, positions, None, everywhere(3, 9)).reshape(3, 9, 32)
    places = np.array([(2, 8), (0, 0), (2, 8), (1, 4)])
    picked = own.hidden(ids, positions, None, places)
    np.testing.assert_array_equal(picked, whole[places[:, 0], places[:, 1]])


def block_mask(lengths: tuple[int, ...]) -> Any:
    """Texts side by side in one row, each causal in itself and blind to the others."""
    total = sum(lengths)
    mask, start = np.full((1, 1, total, total), -1e9, dtype=np.float32), 0
    for length in lengths:
        part = slice(start, start + length)
        mask[0, 0, part, part] = causal_mask(length)[0, 0]
        start += length
    return mask


@pytest.mark.parametrize("name", ["llama", "qwen2", "qwen2, one key"])
def test_two_texts_in_one_row(name: str, pairs: Callable[[str], Both]) -> None:
    """With a block mask and positions that start again, each text's states are those alone."""
    lengths = (7, 12)
    ids = sample(1, sum(lengths))
    positions = np.concatenate([np.arange(length) for length in lengths])[None]
    own, reference = pairs(name)
    whole = everywhere(1, sum(lengths))
    packed = own.hidden(ids, positions, block_mask(lengths), whole)
    expected = reference.hidden(ids, positions, block_mask(lengths), whole)
    np.testing.assert_allclose(packed, expected, atol=1e-4)
    start = 0
    for length in lengths:
        part = ids[:, start : start + length]
        alone = own.hidden(part, counted(1, length), None, everywhere(1, length))
        np.testing.assert_allclose(packed[start : start + length], alone, atol=1e-4)
        start += length


def test_a_mask_for_every_row(pairs: Callable[[str], Both]) -> None:
    """Rows may have masks of their own; a causal one for all is the same as none."""
    own, reference = pairs("llama")
    ids, positions, places = sample(2, 10), counted(2, 10), everywhere(2, 10)
    masks = np.concatenate([causal_mask(10), block_mask((4, 6))])
    found = own.hidden(ids, positions, masks, places)
    np.testing.assert_allclose(
        found[:10], reference.hidden(ids[:1], positions[:1], masks[:1], places[:10]), atol=1e-4
    )
    np.testing.assert_allclose(
        found[10:], own.hidden(ids[1:], positions[1:], masks[1:], places[:10]), atol=1e-4
    )
    plain = own.hidden(ids, positions, None, places)
    np.testing.assert_array_equal(own.hidden(ids, positions, causal_mask(10), places), plain)
    assert np.abs(found[10:] - plain[10:]).max() > 1e-2


def test_positions_matter(pairs: Callable[[str], Both]) -> None:
    """Only distances count: all positions moved give the same states, a gap gives others."""
    own, reference = pairs("llama")
    ids, places = sample(1, 12), everywhere(1, 12)
    plain = own.hidden(ids, counted(1, 12), None, places)
    moved = own.hidden(ids, counted(1, 12) + 100, None, places)
    np.testing.assert_allclose(moved, plain, atol=1e-3)
    gap = counted(1, 12) + np.where(np.arange(12) > 5, 9, 0)
    wide = own.hidden(ids, gap, None, places)
    # Without a mask transformers takes a gap for the start of another text.
    expected = reference.hidden(ids, gap, causal_mask(12).copy(), places)
    np.testing.assert_allclose(wide, expected, atol=1e-4)
    assert np.abs(wide - plain).max() > 1e-2


@pytest.mark.parametrize("name", ["llama", "qwen2, untied"])
def test_int8_is_near(
    name: str, bases: dict[str, Path], pairs: Callable[[str], Both], cache_folder: Path
) -> None:
    """int8 points in nearly the same direction as float32, and is not the same."""
    exported = load_exported(None, base=bases[name], precision="int8")
    ids, positions, places = sample(2, 15), counted(2, 15), everywhere(2, 15)
    rounded = OpenVinoBackend(exported).hidden(ids, positions, None, places)
    exact = pairs(name)[0].hidden(ids, positions, None, places)
    lengths = np.linalg.norm(rounded, axis=1) * np.linalg.norm(exact, axis=1)
    assert ((rounded * exact).sum(axis=1) / lengths).min() > 0.99
    assert not np.array_equal(rounded, exact)


def test_quantised_rows() -> None:
    """Each row is off by half a step at most; its largest value is 127, and zeros stay zeros."""
    matrix = np.random.default_rng(2).normal(size=(40, 50)).astype(np.float32)
    matrix *= np.logspace(-6, 3, 40)[:, None].astype(np.float32)
    matrix[7] = 0
    values, scales = quantised(matrix)
    assert values.dtype == np.int8
    assert scales.dtype == np.float32
    assert scales.shape == (40, 1)
    assert (np.abs(values * scales - matrix) <= scales * 0.501).all()
    largest = np.abs(values.astype(int)).max(axis=1)
    assert largest[7] == 0
    assert (np.delete(largest, 7) == 127).all()


def test_a_missing_tensor(tiny_base: Path, tmp_path: Path) -> None:
    """A tensor that the architecture needs is missed by its name."""
    folder = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    for name in ("model.norm.weight", "model.layers.1.mlp.up_proj.weight"):
        tensors = load_file(tiny_base / "model.safetensors")
        del tensors[name]
        save_file(tensors, folder / "model.safetensors")
        with pytest.raises(KeyError, match=name):
            build_graph(read_architecture(folder), fold(open_base(folder, "b"), "b", None))


def _with(folder: Path, changes: dict[str, torch.Tensor | None]) -> Any:
    """The graph of a base some of whose tensors are other ones, or gone."""
    tensors = {**load_file(folder / "model.safetensors"), **changes}
    present = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    save_file(present, folder / "model.safetensors")
    return build_graph(read_architecture(folder), fold(open_base(folder, "b"), "b", None))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("qwen2", "self_attn.k_proj"),
        ("llama, with biases", "self_attn.o_proj"),
        ("llama, with biases", "mlp.down_proj"),
    ],
)
def test_a_missing_bias(name: str, part: str, bases: dict[str, Path], tmp_path: Path) -> None:
    """Where the model adds one, a file without it is no other model, but a damaged one."""
    folder = Path(shutil.copytree(bases[name], tmp_path / "base"))
    missing = f"model.layers.1.{part}.bias"
    with pytest.raises(KeyError, match=missing):
        _with(folder, {missing: None})


@pytest.mark.parametrize(("name", "part"), [("llama", "q_proj"), ("qwen2", "o_proj")])
def test_a_bias_too_many(name: str, part: str, bases: dict[str, Path], tmp_path: Path) -> None:
    """One that the model has no place for is not added: transformers would leave it out."""
    folder = Path(shutil.copytree(bases[name], tmp_path / "base"))
    stray = f"model.layers.0.self_attn.{part}.bias"
    with pytest.raises(ExportError, match=stray):
        _with(folder, {stray: torch.ones(32)})
