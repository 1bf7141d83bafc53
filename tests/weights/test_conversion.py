"""conversion.py: a GGUF file becomes a folder that transformers reads, number for number."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import pre_tokenizers

from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.weights.conversion import convert_gguf, to_bfloat16
from kvrm_grammar.weights.export.architecture import read_architecture
from kvrm_grammar.weights.tokenizer import read_tokenizer

Array = npt.NDArray[np.float32]
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = ("s u", "su b", "Ġ r", "m o", "mo v")
HIDDEN, HEADS, KEYS, MIDDLE, LAYERS = 64, 4, 2, 96, 2
PIECES = [*CONTROL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
PIECES += [merge.replace(" ", "") for merge in MERGES]


def rows_in_pairs(matrix: Array, heads: int) -> Array:
    """llama.cpp's order of the rows of each head, as its convert_hf_to_gguf.py has it."""
    halves = matrix.reshape(heads, 2, matrix.shape[0] // heads // 2, *matrix.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(matrix.shape))


def tensors(tied: bool) -> dict[str, Array]:
    """Random tensors by transformers' names."""
    random = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (len(PIECES), HIDDEN),
        "model.norm.weight": (HIDDEN,),
    }
    if not tied:
        shapes["lm_head.weight"] = (len(PIECES), HIDDEN)
    for layer in range(LAYERS):
        block = f"model.layers.{layer}"
        shapes |= {
            f"{block}.input_layernorm.weight": (HIDDEN,),
            f"{block}.post_attention_layernorm.weight": (HIDDEN,),
            f"{block}.self_attn.q_proj.weight": (HIDDEN, HIDDEN),
            f"{block}.self_attn.k_proj.weight": (HIDDEN // 2, HIDDEN),
            f"{block}.self_attn.v_proj.weight": (HIDDEN // 2, HIDDEN),
            f"{block}.self_attn.o_proj.weight": (HIDDEN, HIDDEN),
            f"{block}.mlp.gate_proj.weight": (MIDDLE, HIDDEN),
            f"{block}.mlp.up_proj.weight": (MIDDLE, HIDDEN),
            f"{block}.mlp.down_proj.weight": (HIDDEN, MIDDLE),
        }
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


GGUF_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "model.layers": "blk",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def write_gguf(
    path: Path, *, tied: bool = True, skip: str = "", extra: str = ""
) -> dict[str, Array]:
    """Write a small Llama as llama.cpp's converter does; gives what its tensors are."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(MIDDLE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)
    writer.add_layer_norm_rms_eps(2e-5)
    writer.add_rope_freq_base(5000.0)
    writer.add_vocab_size(len(PIECES))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(PIECES)
    writer.add_token_types([3 if piece in CONTROL else 1 for piece in PIECES])
    writer.add_token_merges(list(MERGES))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    if skip != "template":
        writer.add_chat_template("{{ messages }} – é")
    expected = {}
    for name, matrix in tensors(tied).items():
        own = name
        for theirs, short in GGUF_NAMES.items():
            own = own.replace(theirs, short)
        heads = {"attn_q": HEADS, "attn_k": KEYS}.get(own.split(".")[-2])
        stored = matrix if heads is None else rows_in_pairs(matrix, heads)
        expected[name] = matrix
        if own == skip:
            continue
        if matrix.ndim == 2 and "ffn" not in own:  # some in Q8_0, some in float32
            kind = gguf.GGMLQuantizationType.Q8_0
            quantized = gguf.quants.quantize(stored, kind)
            writer.add_tensor(own, quantized, raw_dtype=kind)
            # Q8_0's scales are of 32 columns, so the order of rows does not matter to them.
            whole = gguf.quants.quantize(matrix, kind)
            expected[name] = gguf.quants.dequantize(whole, kind)
        else:
            writer.add_tensor(own, stored)
    if extra:
        writer.add_tensor(extra, np.ones((4, 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return expected


def converted(folder: Path, **options: Any) -> tuple[Path, dict[str, Array]]:
    """A converted folder, and the float32 values that were meant."""
    target = folder / "converted"
    target.mkdir()
    expected = write_gguf(folder / "model.gguf", **options)
    convert_gguf(folder / "model.gguf", target)
    return target, expected


@pytest.mark.parametrize("tied", [True, False])
def test_tensors(tied: bool, tmp_path: Path) -> None:
    """Every tensor has transformers' name and rows, and torch's rounding, to the bit."""
    target, expected = converted(tmp_path, tied=tied)
    found = load_file(target / "model.safetensors")
    assert sorted(found) == sorted(expected)
    for name, matrix in expected.items():
        assert torch.equal(found[name], torch.from_numpy(matrix).to(torch.bfloat16)), name
    config = json.loads((target / "config.json").read_text())
    assert config["tie_word_embeddings"] is tied


def test_transformers_loads_it(tmp_path: Path) -> None:
    """The model has all its tensors and no more, and computes; the two kinds are its own."""
    from transformers import AutoModelForCausalLM

    target, _ = converted(tmp_path)
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        target, dtype=torch.float32, output_loading_info=True
    )
    model, report = loaded
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys"))
    config = model.config
    assert (config.num_attention_heads, config.num_key_value_heads) == (HEADS, KEYS)
    assert (config.hidden_size, config.intermediate_size) == (HIDDEN, MIDDLE)
    assert (config.num_hidden_layers, config.max_position_embeddings) == (LAYERS, 512)
    assert config.rope_parameters["rope_theta"] == 5000.0
    assert config.rms_norm_eps == pytest.approx(2e-5, rel=1e-6)
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (1, 2, 2)
    assert model.generation_config.eos_token_id == 2
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([[5, 9, 200]])).logits
    assert logits.shape == (1, 3, len(PIECES))
    assert logits.isfinite().all()


def test_the_export_reads_it(tmp_path: Path) -> None:
    """The folder is one that a graph is built for."""
    target, _ = converted(tmp_path)
    own = read_architecture(target)
    assert (own.layers, own.hidden, own.heads, own.kv_heads) == (LAYERS, HIDDEN, HEADS, KEYS)
    assert (own.head_size, own.vocabulary, own.tied) == (16, len(PIECES), True)
    assert own.theta == 5000.0
    assert own.epsilon == pytest.approx(2e-5, rel=1e-6)


def test_tokenizer(tmp_path: Path) -> None:
    """Both readers encode as the merges say; control tokens are out of reach of plain text."""
    from transformers import AutoTokenizer

    target, _ = converted(tmp_path)
    theirs, own = AutoTokenizer.from_pretrained(target), read_tokenizer(target, "x")
    assert len(theirs) == len(own) == len(PIECES)
    number = {piece: place for place, piece in enumerate(PIECES)}
    sub = [number[piece] for piece in ("sub", "Ġr", "5", ",", "Ġ", "Ġ", "mov")]
    assert theirs.encode("sub r5,  mov") == encode_plain(own, "sub r5,  mov") == sub
    assert theirs.decode(sub) == "sub r5,  mov"
    assert theirs.encode("a<|im_end|>") == [number["a"], 2]
    assert encode_plain(own, "<|im_end|>") == [number[sign] for sign in "<|im_end|>"]
    assert (theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id) == (1, 2, 2)
    assert theirs.unk_token_id == 0
    assert own.eos_token_id == 2
    assert theirs.decode(theirs.encode("é\u2028\n😀")) == "é\u2028\n😀"
    assert theirs.chat_template == "{{ messages }} – é"
    special = {token.content: token.special for token in theirs.added_tokens_decoder.values()}
    assert special == dict.fromkeys(CONTROL, True)


def test_files_and_versions(tmp_path: Path) -> None:
    """Six files, and the versions of what made them."""
    (tmp_path / "converted").mkdir()
    write_gguf(tmp_path / "model.gguf")
    versions = convert_gguf(tmp_path / "model.gguf", tmp_path / "converted")
    assert sorted(versions) == ["gguf", "safetensors", "tokenizers"]
    assert all(versions.values())
    assert sorted(path.name for path in (tmp_path / "converted").iterdir()) == [
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_the_same_twice(tmp_path: Path) -> None:
    """The conversion is deterministic, byte for byte."""
    write_gguf(tmp_path / "model.gguf")
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        convert_gguf(tmp_path / "model.gguf", tmp_path / name)
        contents.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]


@pytest.mark.parametrize("extra", ["strange.weight", "blk.0.ssm_in.weight"])
def test_an_unknown_tensor(extra: str, tmp_path: Path) -> None:
    """A tensor that is not known is a KeyError, not left out."""
    with pytest.raises(KeyError):
        converted(tmp_path, extra=extra)


def test_a_field_is_missing(tmp_path: Path) -> None:
    """A field that is not there is a KeyError that names it."""
    with pytest.raises(KeyError, match="chat_template"):
        converted(tmp_path, skip="template")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """No folder to write to is an OSError."""
    write_gguf(tmp_path / "model.gguf")
    with pytest.raises(OSError):
        convert_gguf(tmp_path / "model.gguf", tmp_path / "nowhere")


def by_torch(values: Array) -> npt.NDArray[np.uint16]:
    """The bits that torch rounds to."""
    rounded = torch.from_numpy(values).to(torch.bfloat16)
    return rounded.view(torch.int16).numpy().view(np.uint16)


def patterns(low: int, high: int, step: int) -> Array:
    """Numbers by their bits, both signs."""
    bits = np.arange(low, high, step, dtype=np.uint32)
    return np.concatenate([bits, bits | np.uint32(1 << 31)]).view(np.float32)


BITS = {
    "random": np.random.default_rng(0).normal(size=(50, 99)).astype(np.float32),
    "of all sizes": patterns(0, 0x7F800000, 40_009),
    "ties": patterns(0x8000, 0x7F800000, 0x10000),
    "just above ties": patterns(0x8001, 0x7F800000, 0x10000),
    "just below ties": patterns(0x7FFF, 0x7F800000, 0x10000),
    "subnormal": patterns(0, 0x00800000, 257),
    "zeros and ends": np.array([0.0, -0.0, 3.4028235e38, -3.4028235e38, 1e-45], np.float32),
    "none": np.zeros((0, 3), np.float32),
}


@pytest.mark.parametrize("values", BITS.values(), ids=BITS)
def test_rounding_is_that_of_torch(values: Array) -> None:
    """To the nearest, ties to even, for every kind of finite number."""
    found = to_bfloat16(values)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, by_torch(values))


def test_rounding_of_a_view() -> None:
    """A matrix that is not contiguous is rounded in its own order, and left as it is."""
    matrix = np.random.default_rng(1).normal(size=(7, 9)).astype(np.float32)
    before = matrix.copy()
    np.testing.assert_array_equal(to_bfloat16(matrix.T[::2]), by_torch(before.T[::2].copy()))
    np.testing.assert_array_equal(matrix, before)
