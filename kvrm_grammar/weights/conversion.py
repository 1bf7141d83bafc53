"""The packaged base model's GGUF file as a folder that transformers and the export both read.

In: a GGUF file of a Llama model with a byte-level tokenizer. Out: ``model.safetensors`` in
bfloat16, ``config.json``, ``generation_config.json``, ``tokenizer.json``,
``tokenizer_config.json`` and ``chat_template.jinja``. With numpy, gguf, tokenizers and safetensors
alone: torch is not needed. Used by :mod:`~kvrm_grammar.weights.packaged_base`.

GGUF's names and its order of rows are those of :mod:`~kvrm_grammar.weights.llama_cpp`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kvrm_grammar.weights.llama_cpp import LAYER_PARTS, rows_in_halves

__all__ = ["convert_gguf", "to_bfloat16"]

_OUTER_PARTS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
_CONTROL = 3  # the token type of GGUF for tokens that no text is made of


def convert_gguf(source: Path, target: Path) -> dict[str, str]:
    """Convert a model.

    Args:
        source: The GGUF file.
        target: An existing, empty folder.

    Returns:
        The versions of the packages that converted it.

    Raises:
        OSError: The folder cannot be written.
        KeyError: The file lacks a field or holds a tensor that is not known.
        ImportError: gguf is not installed.
    """
    import gguf
    import safetensors
    import tokenizers

    reader = gguf.GGUFReader(source)
    fields = {name: field for name, field in reader.fields.items()}

    def value(name: str) -> Any:
        return fields[name].contents()

    architecture = str(value("general.architecture"))
    heads = {
        "attn_q": int(value(f"{architecture}.attention.head_count")),
        "attn_k": int(value(f"{architecture}.attention.head_count_kv")),
    }
    tensors = {}
    for tensor in reader.tensors:
        name, part = _named(tensor.name)
        matrix = np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32)
        if part in heads:
            matrix = rows_in_halves(matrix, heads[part])
        tensors[name] = to_bfloat16(matrix)
    _write_tensors(target / "model.safetensors", tensors)
    _write_tokenizer(target, value)
    special = {
        kind: int(value(f"tokenizer.ggml.{key}_token_id"))
        for kind, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))
    }
    width, count = int(value(f"{architecture}.embedding_length")), heads["attn_q"]
    _write_json(
        target / "config.json",
        {
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            **{f"{kind}_token_id": number for kind, number in special.items()},
            "dtype": "bfloat16",
            "head_dim": width // count,
            "hidden_act": "silu",
            "hidden_size": width,
            "initializer_range": 0.02,
            "intermediate_size": int(value(f"{architecture}.feed_forward_length")),
            "max_position_embeddings": int(value(f"{architecture}.context_length")),
            "mlp_bias": False,
            "model_type": architecture,
            "num_attention_heads": count,
            "num_hidden_layers": int(value(f"{architecture}.block_count")),
            "num_key_value_heads": heads["attn_k"],
            "rms_norm_eps": float(value(f"{architecture}.attention.layer_norm_rms_epsilon")),
            "rope_parameters": {
                "rope_theta": float(value(f"{architecture}.rope.freq_base")),
                "rope_type": "default",
            },
            "tie_word_embeddings": "lm_head.weight" not in tensors,
            "use_cache": True,
            "vocab_size": int(value(f"{architecture}.vocab_size")),
        },
    )
    _write_json(
        target / "generation_config.json",
        {f"{kind}_token_id": special[kind] for kind in ("bos", "eos", "pad")},
    )
    return {
        "gguf": _version("gguf"),
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
    }


def to_bfloat16(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Round to bfloat16, to the nearest, ties to even; the bits as 16-bit integers.

    Args:
        values: Finite numbers of any shape.

    >>> [hex(v) for v in to_bfloat16(np.array([1.0, -2.0, 1.00390625], dtype=np.float32))]
    ['0x3f80', '0xc000', '0x3f80']
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def _named(name: str) -> tuple[str, str]:
    """Transformers' name of a tensor, and GGUF's name of its part."""
    if name == "output.weight":
        return "lm_head.weight", "output"
    head, _, rest = name.partition(".")
    if head != "blk":
        return f"{_OUTER_PARTS[head]}.{rest}", head
    layer, part, kind = rest.split(".")
    return f"model.layers.{layer}.{LAYER_PARTS[part]}.{kind}", part


def _write_tensors(path: Path, tensors: dict[str, npt.NDArray[np.uint16]]) -> None:
    from safetensors import SafetensorError, TensorSpec, serialize_file

    held = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    specs = {
        name: TensorSpec(
            dtype="bfloat16",
            shape=list(values.shape),
            data_ptr=values.ctypes.data,
            data_len=values.nbytes,
        )
        for name, values in held.items()
    }
    try:
        serialize_file(specs, path, {"format": "pt"})
    except SafetensorError as error:  # a full disk too
        raise OSError(f"{path} cannot be written: {error}") from error


def _write_tokenizer(target: Path, value: Any) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    tokens, kinds = value("tokenizer.ggml.tokens"), value("tokenizer.ggml.token_type")
    vocabulary = {token: number for number, token in enumerate(tokens)}
    merges = [tuple(merge.split(" ", 1)) for merge in value("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, continuing_subword_prefix="", end_of_word_suffix="")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.TemplateProcessing("$A", "$A:0 $B:1")
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind == _CONTROL
        ]
    )
    path = target / "tokenizer.json"
    try:
        tokenizer.save(str(path))
    except Exception as error:  # the library has no error type of its own
        raise OSError(f"{path} cannot be written: {error}") from error
    named = {
        f"{kind}_token": tokens[int(value(f"tokenizer.ggml.{key}_token_id"))]
        for kind, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))
    }
    _write_json(
        target / "tokenizer_config.json",
        {**named, "tokenizer_class": "PreTrainedTokenizerFast"},
    )
    (target / "chat_template.jinja").write_text(value("tokenizer.chat_template"), "utf-8")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "utf-8")
