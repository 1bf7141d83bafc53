"""architecture.py: what is read of a configuration, and that nothing else is let through."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig

from kvrm_grammar.errors import BaseModelError, ExportError
from kvrm_grammar.weights.export.architecture import Architecture, read_architecture

PLAIN: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 3,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
    "rms_norm_eps": 1e-6,
    "rope_theta": 5e5,
    "hidden_act": "silu",
}


def write(folder: Path, **changes: Any) -> Path:
    """Write the plain configuration with changes; a field that is ``...`` is left out."""
    config = {name: own for name, own in (PLAIN | changes).items() if own is not ...}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_plain(tmp_path: Path) -> None:
    """Each attribute is the field that it should be."""
    assert read_architecture(write(tmp_path)) == Architecture(
        layers=3,
        hidden=64,
        heads=4,
        kv_heads=2,
        head_size=16,
        vocabulary=100,
        epsilon=1e-6,
        theta=5e5,
        tied=False,
    )


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_as_transformers_saves_it(family: str, make_base: Callable[..., Path]) -> None:
    """A saved configuration of either family is read as transformers reads it."""
    folder = make_base(family=family, layers=3)
    own, config = read_architecture(folder), AutoConfig.from_pretrained(folder)
    assert own.layers == config.num_hidden_layers == 3
    assert (own.heads, own.kv_heads) == (4, 2)
    assert own.head_size == config.hidden_size // 4
    assert own.vocabulary == config.vocab_size
    assert own.epsilon == config.rms_norm_eps
    assert own.theta == config.rope_parameters["rope_theta"]
    assert own.tied


@pytest.mark.parametrize(
    ("changes", "attribute", "value"),
    [
        ({"num_key_value_heads": ...}, "kv_heads", 4),
        ({"num_key_value_heads": None}, "kv_heads", 4),
        ({"head_dim": 32}, "head_size", 32),
        ({"head_dim": None}, "head_size", 16),
        ({"rope_theta": ...}, "theta", 10_000.0),
        ({"rope_theta": 1, "rope_parameters": {"rope_theta": 7}}, "theta", 7.0),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 9.0}}, "theta", 9.0),
        ({"rope_parameters": None}, "theta", 5e5),
        ({"tie_word_embeddings": True}, "tied", True),
        ({"rope_scaling": None, "use_sliding_window": False}, "layers", 3),
        ({"logit_scale": 1.0, "quantization_config": None}, "layers", 3),
        ({"model_type": "qwen2"}, "layers", 3),
    ],
    ids=str,
)
def test_defaults(changes: dict[str, Any], attribute: str, value: Any, tmp_path: Path) -> None:
    """What is absent, null or at its harmless value is read as transformers reads it."""
    assert getattr(read_architecture(write(tmp_path, **changes)), attribute) == value


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("model_type", "mistral", "'mistral'"),
        ("model_type", "gpt2", "'gpt2'"),
        ("model_type", None, "None"),
        ("model_type", ["llama"], "llama"),
        ("hidden_act", "gelu", "hidden_act 'gelu'"),
        ("rope_scaling", {"type": "linear", "factor": 2.0}, "rope_scaling"),
        ("use_sliding_window", True, "use_sliding_window True"),
        ("final_logit_softcapping", 30.0, "final_logit_softcapping 30.0"),
        ("logit_scale", 0.5, "logit_scale 0.5"),
        ("logits_scaling", 8.0, "logits_scaling 8.0"),
        ("quantization_config", {"bits": 4}, "quantization_config"),
        ("rope_parameters", {"rope_type": "llama3", "factor": 8.0}, "'llama3'"),
        ("rope_parameters", {"rope_type": "yarn"}, "'yarn'"),
    ],
)
def test_unsupported(field: str, value: Any, named: str, tmp_path: Path) -> None:
    """Whatever would change a number is an ExportError that names it."""
    with pytest.raises(ExportError) as caught:
        read_architecture(write(tmp_path, **{field: value}))
    assert named in str(caught.value)


@pytest.mark.parametrize("name", [name for name in PLAIN if name not in ("rope_theta",)])
def test_a_field_is_missing(name: str, tmp_path: Path) -> None:
    """A field without a default is missed by its name; what has one is not."""
    write(tmp_path, **{name: ...})
    if name in ("hidden_act", "num_key_value_heads"):
        assert read_architecture(tmp_path).layers == 3
        return
    with pytest.raises(BaseModelError, match=name) as caught:
        read_architecture(tmp_path)
    assert not isinstance(caught.value, ExportError)


STRANGE: dict[str, dict[str, Any]] = {
    "a word": {"num_hidden_layers": "many"},
    "null": {"hidden_size": None},
    "a list": {"vocab_size": [1]},
    "no heads": {"num_attention_heads": 0},
    "rope is a list": {"rope_parameters": [1]},
    "rope is a word": {"rope_parameters": "default"},
    "theta is a word": {"rope_theta": "large"},
}


@pytest.mark.parametrize("changes", STRANGE.values(), ids=STRANGE)
def test_strange_values(changes: dict[str, Any], tmp_path: Path) -> None:
    """A field of another kind is a BaseModelError that names the file."""
    with pytest.raises(BaseModelError, match=r"config\.json"):
        read_architecture(write(tmp_path, **changes))


@pytest.mark.parametrize("content", [None, "", "{", "[]", "1", '"llama"', "null", "{}"], ids=repr)
def test_no_configuration(content: str | None, tmp_path: Path) -> None:
    """None at all, or one that is no JSON object with a type, is a BaseModelError."""
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(BaseModelError, match=r"config\.json cannot be read"):
        read_architecture(tmp_path)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A configuration that is not UTF-8 is a BaseModelError."""
    (tmp_path / "config.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(BaseModelError, match="cannot be read"):
        read_architecture(tmp_path)
