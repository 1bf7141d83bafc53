"""A tokenizer as the constraint sees it: which bytes each token ID stands for.

In: a fast byte-level tokenizer. Out: a :class:`TokenVocabulary` of everything that
plain text can be made of. Control tokens are not in it, so no constraint can ever
allow one. Tokens are bytes, not text: many stand for a part of a UTF-8 character, and
decoding each to text, as Outlines does by default, would turn those into U+FFFD.
Importing this module loads neither torch nor transformers.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.errors import TokenIndexError
from kvrm_grammar.language.tokens import added_token_ids

__all__ = ["TokenVocabulary", "read_vocabulary"]

_NO_BYTE = "\uffff"


@dataclass(frozen=True, eq=False)
class TokenVocabulary:
    """Token IDs and their bytes. Immutable; threads may share it. Its tables are made once.

    Attributes:
        tokens: Bytes by token ID; never empty bytes, never the end token.
        eos_token_id: The end token's ID.
        size: One more than the largest ID that the tokenizer knows, control tokens
            included; a model may have more rows (padding).
    """

    tokens: Mapping[int, bytes]
    eos_token_id: int
    size: int

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of all three fields."""
        ids = sorted(self.tokens)
        texts = [self.tokens[token_id] for token_id in ids]
        digest = hashlib.sha256(f"{self.eos_token_id}:{self.size}:{len(ids)}\n".encode())
        digest.update(np.array(ids, dtype="<i8").tobytes())
        digest.update(np.array([len(text) for text in texts], dtype="<i8").tobytes())
        digest.update(b"".join(texts))
        return digest.hexdigest()

    @cached_property
    def ids_by_bytes(self) -> Mapping[bytes, list[int]]:
        """Token IDs by what they write; several may write the same."""
        table: dict[bytes, list[int]] = {}
        for token_id, data in self.tokens.items():
            table.setdefault(data, []).append(token_id)
        return table

    @cached_property
    def beginnings(self) -> frozenset[bytes]:
        """Every beginning of every token, itself included: where a search for tokens may stop."""
        return frozenset(
            data[:length] for data in self.ids_by_bytes for length in range(1, len(data) + 1)
        )


def read_vocabulary(tokenizer: Any) -> TokenVocabulary:
    """Read the bytes of every token that plain text can produce.

    Args:
        tokenizer: A fast transformers tokenizer of the byte-level kind (Llama 3,
            SmolLM2, Qwen2, GPT-2 …) with an end token.

    Returns:
        The vocabulary, without any added token: for the model those are markers,
        whether they are flagged special or not.

    Raises:
        TokenIndexError: The tokenizer is not byte-level or has no end token.
        BaseModelError: The tokenizer has no fast backend.
    """
    control = added_token_ids(tokenizer)
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    _check_byte_level(backend)
    eos_token_id = getattr(tokenizer, "eos_token_id", None)
    if eos_token_id is None:
        raise TokenIndexError(f"{type(tokenizer).__name__} has no end token (eos_token)")
    ids = backend.get_vocab(with_added_tokens=True)
    tokens = {
        token_id: _token_bytes(token)
        for token, token_id in ids.items()
        # A token without bytes would let the model go on for ever without writing.
        if token and token_id not in control and token_id != eos_token_id
    }
    return TokenVocabulary(tokens, eos_token_id, max(*ids.values(), eos_token_id) + 1)


def _check_byte_level(backend: Any) -> None:
    decoder = None if backend.decoder is None else json.loads(backend.decoder.__getstate__())
    steps = [decoder] if decoder is None or "decoders" not in decoder else decoder["decoders"]
    kinds = [step and step["type"] for step in steps]
    if "ByteLevel" not in kinds or set(kinds) - {"ByteLevel", "Fuse"}:
        raise TokenIndexError(
            f"only byte-level tokenizers are supported, this one decodes with {kinds}; "
            "choose a base model such as SmolLM2, Qwen2 or Llama 3"
        )


def _token_bytes(token: str) -> bytes:
    """Undo the byte-level alphabet, as the decoder does."""
    try:
        return token.translate(_byte_table()).encode("latin-1")
    except UnicodeEncodeError:
        # Not written in that alphabet: the decoder takes such a token literally.
        return token.encode("utf-8")


@lru_cache(maxsize=1)
def _byte_table() -> dict[int, str]:
    """Reverse GPT-2's ``bytes_to_unicode``.

    There a printable byte stands for itself, read as Latin-1; all others, in order,
    for the characters from U+0100 on.
    """
    themselves = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in themselves]
    table = {byte: _NO_BYTE for byte in others}
    return table | {0x100 + place: chr(byte) for place, byte in enumerate(others)}
