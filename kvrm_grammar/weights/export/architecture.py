"""What a base model's blocks look like, read from its ``config.json``.

In: the configuration of a Llama or Qwen2 model. Out: an :class:`Architecture`, or an
:class:`~kvrm_grammar.errors.ExportError` that says what of it no graph is built for. Anything that
would change a number is either read here or refused.

Sources: Llama (arXiv 2302.13971), RoPE (arXiv 2104.09864), RMSNorm (arXiv 1910.07467), grouped
queries (arXiv 2305.13245); field names are those of transformers' configurations.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import BaseModelError, ExportError

__all__ = ["Architecture", "read_architecture"]

# Fields that are harmless at one value, or absent, and change the scores at any other.
_HARMLESS: dict[str, tuple[Any, ...]] = {
    "hidden_act": ("silu",),
    "rope_scaling": (None,),
    "use_sliding_window": (False, None),
    "final_logit_softcapping": (None,),
    "logit_scale": (1.0, None),
    "logits_scaling": (1.0, None),
    "quantization_config": (None,),
}
_FAMILIES = ("llama", "qwen2")
_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
_MLP = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Architecture:
    """Shapes and constants of a decoder of Llama blocks. Immutable.

    Attributes:
        layers: Blocks.
        hidden: Width of a hidden state.
        heads: Query heads.
        kv_heads: Key and value heads; each serves ``heads / kv_heads`` queries.
        head_size: Width of a head.
        vocabulary: Rows of the embedding.
        epsilon: Added to the mean square in RMSNorm.
        theta: Base of the rotary frequencies.
        tied: Whether the output matrix is the embedding.
        biased: Matrices of a block that add a bias, such as ``q_proj``; no other may have one.
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    epsilon: float
    theta: float
    tied: bool
    biased: frozenset[str] = frozenset()


def read_architecture(folder: Path) -> Architecture:
    """Read a base model's configuration.

    Args:
        folder: Holds ``config.json``.

    Raises:
        BaseModelError: There is none, or it is not readable.
        ExportError: The model is of another family, or has a part that no graph is built for.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
        family = config["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaseModelError(
            f"{path} cannot be read as a model's configuration ({error})"
        ) from error
    if family not in _FAMILIES:
        raise ExportError(
            f"no graph is built for models of type {family!r}, only for Llama and Qwen2"
        )
    for name, harmless in _HARMLESS.items():
        if name in config and config[name] not in harmless:
            raise ExportError(f"no graph is built for a model with {name} {config[name]!r}")
    try:
        return Architecture(
            layers=int(config["num_hidden_layers"]),
            hidden=int(config["hidden_size"]),
            heads=int(config["num_attention_heads"]),
            kv_heads=int(config.get("num_key_value_heads") or config["num_attention_heads"]),
            head_size=int(
                config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
            ),
            vocabulary=int(config["vocab_size"]),
            epsilon=float(config["rms_norm_eps"]),
            theta=_theta(config),
            tied=bool(config.get("tie_word_embeddings", False)),
            biased=_biased(config),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise BaseModelError(f"{path} lacks a field, or has a strange one ({error})") from error


def _biased(config: dict[str, Any]) -> frozenset[str]:
    if config["model_type"] == "qwen2":  # always, and no field says so
        return frozenset(_ATTENTION[:3])
    attention = _ATTENTION if config.get("attention_bias") else ()
    return frozenset((*attention, *(_MLP if config.get("mlp_bias") else ())))


def _theta(config: dict[str, Any]) -> float:
    # transformers 5 writes `rope_parameters`; 4 wrote `rope_theta`.
    rope = config.get("rope_parameters") or {}
    kind = rope.get("rope_type", "default")
    if kind != "default":
        raise ExportError(f"no graph is built for rotary positions of type {kind!r}")
    return float(rope.get("rope_theta", config.get("rope_theta", 10_000.0)))
