"""A base model's tokenizer, without transformers.

In: a folder with ``tokenizer.json``. Out: a :class:`PlainTokenizer`, or a
:class:`~kvrm_grammar.errors.BaseModelError`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from kvrm_grammar.errors import BaseModelError
from kvrm_grammar.language.tokens import check_plain

__all__ = ["PlainTokenizer", "read_tokenizer"]


@dataclass(frozen=True, eq=False)
class PlainTokenizer:
    """A tokenizer and its end token. Immutable; threads may share it.

    Attributes:
        backend_tokenizer: As ``tokenizers`` reads it.
        eos_token_id: The end token.
    """

    backend_tokenizer: Tokenizer
    eos_token_id: int

    def __len__(self) -> int:
        """Tokens, control tokens included."""
        return int(self.backend_tokenizer.get_vocab_size(with_added_tokens=True))


def read_tokenizer(folder: Path, name: str) -> PlainTokenizer:
    """Read a base model's tokenizer.

    Args:
        folder: The base model's folder.
        name: What to call the base in an error.

    Raises:
        BaseModelError: It cannot be read, has no end token, or lets text spell a control token.
    """
    try:
        backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library has no error type of its own
        raise BaseModelError(f"the tokenizer of {name} cannot be read ({error})") from error
    eos_token_id = _end_token(folder, backend)
    if eos_token_id is None:
        raise BaseModelError(f"the tokenizer of {name} has no end token")
    check_plain(backend)
    return PlainTokenizer(backend, eos_token_id)


def _end_token(folder: Path, backend: Tokenizer) -> int | None:
    named: Any = _json(folder / "tokenizer_config.json").get("eos_token")
    if isinstance(named, dict):  # as older versions of transformers write it
        named = named.get("content")
    return backend.token_to_id(named) if isinstance(named, str) else None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
