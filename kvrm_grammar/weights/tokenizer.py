"""A base model's tokenizer, without transformers.

In: a folder with ``tokenizer.json``. Out: a :class:`PlainTokenizer`, or a
:class:`~kvrm_grammar.errors.BaseModelError`.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from kvrm_grammar.errors import BaseModelError
from kvrm_grammar.language.tokens import check_plain

__all__ = ["PlainTokenizer", "read_tokenizer"]

_TOKENIZER = "tokenizer.json"
_CONFIGS = ("tokenizer_config.json", "special_tokens_map.json")


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

    Returns:
        The tokenizer; the same object as long as its files stay as they are, so that the adapters
        of a base share one.

    Raises:
        BaseModelError: It cannot be read, has no end token, or lets text spell a control token.
    """
    return _read(folder, name, tuple(_state(folder / file) for file in (_TOKENIZER, *_CONFIGS)))


@lru_cache(maxsize=4)
def _read(folder: Path, name: str, seen: object) -> PlainTokenizer:
    try:
        backend = Tokenizer.from_file(str(folder / _TOKENIZER))
    except Exception as error:  # the library has no error type of its own
        raise BaseModelError(f"the tokenizer of {name} cannot be read ({error})") from error
    eos_token_id = _end_token(folder, backend)
    if eos_token_id is None:
        raise BaseModelError(f"the tokenizer of {name} has no end token")
    check_plain(backend)
    return PlainTokenizer(backend, eos_token_id)


def _end_token(folder: Path, backend: Tokenizer) -> int | None:
    for name in _CONFIGS:
        named: Any = _json(folder / name).get("eos_token")
        if isinstance(named, dict):  # as older versions of transformers write it
            named = named.get("content")
        if isinstance(named, str):
            return backend.token_to_id(named)
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of change of a file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
