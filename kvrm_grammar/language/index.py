"""The output language over one tokenizer: which token may come next.

In: a :class:`~kvrm_grammar.language.constraint.Constraint` and a tokenizer. Out: a
:class:`TokenIndex` around Outlines' compiled ``Index``, from disk where it was
compiled before. Compiled once, it is shared; a sequence's state is one integer.
Importing this module loads neither torch nor transformers.
"""

import hashlib
import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from outlines_core import Index, Vocabulary

from kvrm_grammar.cache import cache_dir as default_cache_dir
from kvrm_grammar.errors import TokenIndexError
from kvrm_grammar.language.constraint import Constraint
from kvrm_grammar.language.store import read_entry, write_entry
from kvrm_grammar.language.vocabulary import TokenVocabulary, read_vocabulary

__all__ = [
    "MAX_STATES",
    "TokenIndex",
    "build_index",
    "compile_index",
    "count_states",
    "fetch_index",
]

MAX_STATES = 10_000
"""States over single bytes that a language may have; with a large vocabulary one of them can
cost a megabyte."""

_FORMAT = "kvrm-index-1"
_FOLDER = "index"


@dataclass(frozen=True, eq=False)
class TokenIndex:
    """A constraint compiled for a vocabulary. Immutable; threads may share it.

    What :meth:`allowed` computes for a state is kept. So memory grows while new states are met,
    and no further: equal arrays are one (638 states of the packaged set over 49,152 tokens hold
    4 MiB, not 14).

    Attributes:
        index: Outlines' compiled automaton.
        eos_token_id: The end token; allowed exactly in accepting states.
        vocab_size: IDs from here on, such as a model's padding rows, are never allowed.
        max_tokens: No answer has more tokens than this, the end token included.
        vocabulary: What the index was compiled for.
    """

    index: Index
    eos_token_id: int
    vocab_size: int
    max_tokens: int
    vocabulary: TokenVocabulary = field(repr=False)
    _allowed: dict[int, npt.NDArray[np.int64]] = field(default_factory=dict, repr=False)
    _distinct: dict[bytes, npt.NDArray[np.int64]] = field(default_factory=dict, repr=False)

    @property
    def initial_state(self) -> int:
        """The state before the first token."""
        return int(self.index.get_initial_state())

    def allowed(self, state: int) -> npt.NDArray[np.int64]:
        """List the tokens that may come next.

        Args:
            state: From :attr:`initial_state` or :meth:`next_state`.

        Returns:
            Token IDs in ascending order, shape (n,), read-only; the end token is among
            them where the state is accepting.

        Raises:
            TokenIndexError: There is no such state.
        """
        found = self._allowed.get(state)
        if found is None:
            tokens = self.index.get_allowed_tokens(state)
            if tokens is None:
                raise TokenIndexError(f"no such state: {state}")
            found = np.sort(np.array(tokens, dtype=np.int64))
            found.flags.writeable = False
            # Two threads may both do this: with equal arrays.
            digest = hashlib.sha256(found.tobytes()).digest()
            found = self._allowed[state] = self._distinct.setdefault(digest, found)
        return found

    def next_state(self, state: int, token_id: int) -> int | None:
        """Follow one token.

        Args:
            state: The state before it.
            token_id: Any token ID.

        Returns:
            The state after it; None where the token is not allowed, and after the end
            token, because nothing comes after that.
        """
        state_after: int | None = self.index.get_next_state(state, token_id)
        return state_after

    def naming(self, state: int) -> None:
        """Always None: here no name is dead, and tokens are chosen one by one."""

    def rest(self, state: int) -> None:
        """Always None: how many texts a state leaves is not known."""

    def walk(self, token_ids: Iterable[int], state: int | None = None) -> int | None:
        """Follow several tokens.

        Args:
            token_ids: Without the end token.
            state: Where to start; None for the initial state.

        Returns:
            The state after all of them; None where one of them is not allowed.
        """
        current: int | None = self.initial_state if state is None else state
        for token_id in token_ids:
            if current is None:
                return None
            current = self.next_state(current, token_id)
        return current

    def is_accepting(self, state: int) -> bool:
        """Whether the text so far is complete, so that the end token is allowed."""
        return bool(self.index.is_final_state(state))


def build_index(
    constraint: Constraint,
    tokenizer: Any,
    *,
    cache_dir: Path | None = None,
    use_cache: bool = True,
) -> TokenIndex:
    """Compile a constraint for a tokenizer, or fetch the result from disk.

    Args:
        constraint: The output language.
        tokenizer: A fast byte-level transformers tokenizer with an end token.
        cache_dir: Folder of the disk cache; None for
            :func:`kvrm_grammar.cache.cache_dir`. A folder that cannot be used costs a
            ``RuntimeWarning`` and the time to compile, nothing else.
        use_cache: Whether to read and write the disk cache.

    Returns:
        The index. An entry on disk is used only under the same constraint, vocabulary
        and versions, and only if its checksum holds.

    Raises:
        TokenIndexError: The tokenizer is not byte-level, has no end token, or cannot
            spell the language.
        BaseModelError: The tokenizer has no fast backend.
    """
    vocabulary = read_vocabulary(tokenizer)
    if not use_cache:
        return compile_index(constraint, vocabulary)
    return fetch_index(constraint, vocabulary, cache_dir=cache_dir)


def fetch_index(
    constraint: Constraint, vocabulary: TokenVocabulary, *, cache_dir: Path | None = None
) -> TokenIndex:
    """Fetch an index from disk, or compile it for a vocabulary and keep it there.

    Args:
        constraint: The output language.
        vocabulary: Token IDs and their bytes.
        cache_dir: See :func:`build_index`.

    Returns:
        The index.

    Raises:
        TokenIndexError: See :func:`compile_index`.
    """
    folder = (default_cache_dir() if cache_dir is None else cache_dir) / _FOLDER
    version = importlib.metadata.version("outlines_core")
    key = f"{_FORMAT} {version} {constraint.digest} {vocabulary.digest}"
    payload = read_entry(folder, key)
    if payload is not None:
        try:
            return _token_index(Index.from_binary(payload), constraint, vocabulary)
        except ValueError:
            pass  # written by a build of the same version whose binary form differs
    token_index = compile_index(constraint, vocabulary)
    write_entry(folder, key, _to_binary(token_index.index))
    return token_index


def compile_index(
    constraint: Constraint, vocabulary: TokenVocabulary, *, max_states: int = MAX_STATES
) -> TokenIndex:
    """Compile a constraint for a vocabulary, in memory.

    Args:
        constraint: The output language.
        vocabulary: Token IDs and their bytes.
        max_states: States that the language's automaton over single bytes may have.

    Returns:
        The index.

    Raises:
        TokenIndexError: The vocabulary cannot spell the language, or the language has too
            many states, or is beyond Outlines' automaton.

    >>> from kvrm_grammar.language.constraint import finite_constraint
    >>> vocabulary = TokenVocabulary({1: b"a", 2: b"b", 3: b"ab"}, eos_token_id=0, size=4)
    >>> index = compile_index(finite_constraint(["ab"]), vocabulary)
    >>> index.allowed(index.initial_state).tolist()
    [1, 3]
    """
    states = count_states(constraint)
    if states > max_states:
        raise TokenIndexError(
            f"the language needs {states} automaton states, at most {max_states} are allowed: "
            "give labels a shorter maximal length, or constrain fewer texts"
        )
    index = _compile(constraint, vocabulary.eos_token_id, vocabulary.ids_by_bytes)
    return _token_index(index, constraint, vocabulary)


def count_states(constraint: Constraint) -> int:
    """Count the states of a constraint's automaton over single bytes, the cheapest there is.

    Args:
        constraint: The output language.

    Returns:
        How many states its texts lead through.

    Raises:
        TokenIndexError: The language is beyond Outlines' automaton.

    >>> from kvrm_grammar.language.constraint import finite_constraint
    >>> count_states(finite_constraint(["ab", "b"]))
    3
    """
    ids_by_bytes = {bytes([byte]): [byte + 1] for byte in range(256)}
    return len(_compile(constraint, 0, ids_by_bytes).get_transitions())


def _compile(
    constraint: Constraint, end: int, ids_by_bytes: Mapping[bytes, Sequence[int]]
) -> Index:
    try:
        return Index(constraint.regex, Vocabulary(end, {**ids_by_bytes}))
    except ValueError as error:
        reason = str(error).replace(constraint.regex, "…")
        raise TokenIndexError(f"the token index cannot be built: {reason}") from error


def _token_index(index: Index, constraint: Constraint, vocabulary: TokenVocabulary) -> TokenIndex:
    # Every token has at least one byte.
    max_tokens = constraint.max_length + 1
    return TokenIndex(index, vocabulary.eos_token_id, vocabulary.size, max_tokens, vocabulary)


def _to_binary(index: Index) -> bytes:
    """The argument of ``Index.from_binary``; Outlines hands it out in no other way."""
    _, (payload,) = index.__reduce__()
    return bytes(payload)
