"""Fixtures shared by all tests: a tiny model, tokenizer and adapter, made here, offline."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# torch and transformers are imported inside the fixtures: most tests need neither.

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = (
    ("O", "P"), ("OP", "_"), ("{", '"'), ('"', ":"), ('":', '"'), ('"', ","), ('",', '"'),
    ("k", "e"), ("ke", "y"), ("d", "e"), ("s", "t"), ("de", "st"), ("s", "r"), ("sr", "c"),
    ("p", "a"), ("pa", "r"), ("a", "m"), ("par", "am"), ("param", "s"), ("Ġ", "R"), ("Ġ", "r"),
    ("}", "}"), ("S", "U"), ("SU", "B"), ("M", "O"), ("MO", "V"), ("OP_", "SUB"),
)  # fmt: skip
TARGET_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.fixture(autouse=True)
def _offline(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test reaches a network, whatever the machine allows; only those marked may try."""
    attempts: list[object] = []
    connect = socket.socket.connect

    def refuse(*arguments: object, **_: object) -> None:
        attempts.append(arguments[-1])
        raise OSError(f"a test tried to use the network: {arguments[-1]!r}")

    def local_only(own: socket.socket, address: Any) -> None:
        if own.family != getattr(socket, "AF_UNIX", None):
            refuse(address)
        connect(own, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    if request.node.get_closest_marker("network") is None:
        assert attempts == []


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of this test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", str(folder))
    return folder


Merges = tuple[tuple[str, str], ...]


def build_tokenizer(merges: Merges = MERGES) -> Any:
    """A byte-level BPE over all 256 bytes with a few merges, wrapped for transformers."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = [*SPECIAL_TOKENS, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    pieces += [left + right for left, right in merges]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    backend = Tokenizer(models.BPE(vocabulary, list(merges)))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(SPECIAL_TOKENS))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
    )


def build_base(
    folder: Path,
    *,
    hidden: int = 32,
    layers: int = 2,
    family: str = "llama",
    merges: Merges = MERGES,
) -> Path:
    """Save a random model of a given shape, with the tiny tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = build_tokenizer(merges)
    config = AutoConfig.for_model(
        family,
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_adapter(folder: Path, base: Path, *, rank: int = 4) -> Path:
    """Save a LoRA adapter of random, non-zero weights for a base."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from kvrm_grammar.weights.pytorch.quiet import quiet_transformers

    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=list(TARGET_MODULES),
        task_type="CAUSAL_LM",
        init_lora_weights=False,
    )
    with torch.random.fork_rng(), quiet_transformers():
        torch.manual_seed(1)
        tuned = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    tuned.save_pretrained(str(folder), save_embedding_layers=False)
    return folder


@pytest.fixture(scope="session")
def make_base(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build a tiny base model of another shape: ``make_base(hidden=64, family="qwen2")``."""
    return lambda **shape: build_base(tmp_path_factory.mktemp("base"), **shape)


@pytest.fixture(scope="session")
def make_adapter(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build a tiny adapter for a base folder."""
    return lambda base: build_adapter(tmp_path_factory.mktemp("adapter"), base)


@pytest.fixture(scope="session")
def tiny_base(make_base: Callable[..., Path]) -> Path:
    """Folder of a random Llama: hidden 32, 2 layers, 286 tokens. Do not write to it."""
    return make_base()


@pytest.fixture(scope="session")
def tiny_adapter(tiny_base: Path, make_adapter: Callable[..., Path]) -> Path:
    """Folder of a random rank-4 adapter that records ``tiny_base``. Do not write to it."""
    return make_adapter(tiny_base)


@pytest.fixture(scope="session")
def tiny_tokenizer(tiny_base: Path) -> Any:
    """The tokenizer of ``tiny_base``."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_base)


@pytest.fixture(scope="session")
def tiny_decoder(tiny_adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A decoder of ``tiny_adapter`` in float32: its answers are arbitrary, but operations."""
    import torch

    from kvrm_grammar.decoding.decoder import Decoder
    from kvrm_grammar.weights.pytorch.loading import load_model

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KVRM_GRAMMAR_CACHE", str(tmp_path_factory.mktemp("cache")))
        return Decoder.from_loaded(load_model(tiny_adapter, dtype=torch.float32))


@pytest.fixture(scope="session")
def two_adapters(tiny_base: Path, tiny_adapter: Path, make_adapter: Any) -> tuple[Path, Path]:
    """Adapters of one base that differ: the second has the first one's weights negated."""
    from safetensors.torch import load_file, save_file

    from kvrm_grammar.weights.checksums import write_checksums

    other: Path = make_adapter(tiny_base)
    weights = other / "adapter_model.safetensors"
    tensors = {
        name: -tensor if "lora_B" in name else tensor for name, tensor in load_file(weights).items()
    }
    save_file(tensors, weights, metadata={"format": "pt"})
    if (other / "SHA256SUMS").exists():
        write_checksums(other)
    return tiny_adapter, other
