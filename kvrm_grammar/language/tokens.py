"""Text to token IDs with nothing special about any text.

In: a tokenizer and a string. Out: token IDs that are never those of control tokens,
even where the string spells one (``<|im_end|>`` in an instruction is ten characters of
input, not the end of the input). The pipeline of the tokenizer's backend is run without
its added-token stage, so no switch is flipped on a shared object: thread-safe, and no
state to set up. Importing this module loads neither torch nor transformers.
"""

from collections.abc import Sequence
from typing import Any

from kvrm_grammar.errors import BaseModelError

__all__ = ["added_token_ids", "check_plain", "decode_plain", "encode_plain"]


def encode_plain(tokenizer: Any, text: str) -> list[int]:
    """Encode a text as plain text.

    Args:
        tokenizer: A fast transformers tokenizer, or a bare ``tokenizers.Tokenizer``.
        text: Any string; the names of control tokens in it have no effect.

    Returns:
        Token IDs, without a beginning or end token.

    Raises:
        BaseModelError: The tokenizer has no fast backend.
    """
    backend = _backend(tokenizer)
    if backend.normalizer is not None:
        text = backend.normalizer.normalize_str(text)
    pieces = [text]
    if backend.pre_tokenizer is not None:
        pieces = [piece for piece, _ in backend.pre_tokenizer.pre_tokenize_str(text)]
    tokenize = backend.model.tokenize
    return [token.id for piece in pieces for token in tokenize(piece)]


def decode_plain(tokenizer: Any, token_ids: Sequence[int]) -> str:
    """Write token IDs as text, control tokens too, and tidy nothing.

    Args:
        tokenizer: A fast transformers tokenizer, or a bare ``tokenizers.Tokenizer``.
        token_ids: Any IDs that it knows.
    """
    return str(_backend(tokenizer).decode(list(token_ids), skip_special_tokens=False))


def added_token_ids(tokenizer: Any) -> frozenset[int]:
    """List the IDs that plain text must never produce.

    Args:
        tokenizer: A fast transformers tokenizer, or a bare ``tokenizers.Tokenizer``.

    Returns:
        The IDs of all added tokens, whether marked special or not: for the model both
        are markers (Qwen's ``<tool_call>`` is not marked special).

    Raises:
        BaseModelError: The tokenizer has no fast backend.
    """
    return frozenset(_backend(tokenizer).get_added_tokens_decoder())


def check_plain(tokenizer: Any) -> None:
    """Make sure that control tokens cannot be spelled out with this tokenizer.

    A byte-level BPE passes; a vocabulary whose own model looks up whole pieces may not
    (then its control tokens would be reachable from text, and it is refused).

    Args:
        tokenizer: A fast transformers tokenizer, or a bare ``tokenizers.Tokenizer``.

    Raises:
        BaseModelError: The text of some added token encodes to a control ID.
    """
    backend = _backend(tokenizer)
    # The unknown token is what text outside the vocabulary becomes, by design.
    unknown = backend.token_to_id(getattr(backend.model, "unk_token", None) or "")
    for token in backend.get_added_tokens_decoder().values():
        hit = added_token_ids(backend).intersection(encode_plain(backend, token.content))
        if hit - {unknown}:
            raise BaseModelError(
                f"this tokenizer turns the text {token.content!r} into control token "
                f"{min(hit)}; choose a base model with a byte-level BPE tokenizer"
            )


def _backend(tokenizer: Any) -> Any:
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not hasattr(backend, "get_added_tokens_decoder"):
        raise BaseModelError(
            f"{type(tokenizer).__name__} is not a fast tokenizer; "
            "the base model needs a tokenizer.json"
        )
    return backend
