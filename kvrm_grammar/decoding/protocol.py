"""What the engine is asked, and what it answers.

In: nothing. Out: the types that languages, drafts, engine and search have in common.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Answer", "Backend", "Draft", "Language", "Request", "Scores", "no_draft"]

Draft = Callable[[Sequence[int]], Sequence[int]]
"""Token IDs accepted so far -> token IDs that may follow, without the end token."""


class Language(Protocol):
    """Token sequences as an automaton, such as :class:`~kvrm_grammar.language.index.TokenIndex`."""

    @property
    def eos_token_id(self) -> int:
        """The end token."""

    @property
    def max_tokens(self) -> int:
        """No answer has more tokens, the end token included."""

    @property
    def initial_state(self) -> int:
        """The state before the first token."""

    def allowed(self, state: int) -> npt.NDArray[np.int64]:
        """Token IDs that may come next, ascending, shape (n,)."""

    def next_state(self, state: int, token_id: int) -> int | None:
        """The state after a token; None where it is not allowed."""

    def naming(self, state: int) -> npt.NDArray[np.int64] | None:
        """Tokens among which one is weighed while an operation's name is open, ascending.

        They are the allowed ones, and those of names that this language has not; never the end
        token. None where the name is told from all others, and in a language whose names are not
        told apart.
        """

    def rest(self, state: int) -> Sequence[int] | None:
        """What is left to write where only one text is, without the end token.

        How that text is cut into tokens is the language's affair: no choice between answers. None
        where there are several texts, where the text's name is still to be weighed, or where the
        language does not know.
        """


class Backend(Protocol):
    """A model, as far as decoding knows it. Threads may share one."""

    @property
    def shares_rows(self) -> bool:
        """Whether several texts may stand in a row, kept apart by a mask."""

    def hidden(
        self,
        ids: npt.NDArray[np.int64],
        positions: npt.NDArray[np.int64],
        mask: npt.NDArray[np.float32] | None,
        places: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float32]:
        """Last hidden states of whole sequences, at the places that are asked for.

        Args:
            ids: Token IDs, shape (rows, sequence).
            positions: Of each token in its own text, from 0, shape (rows, sequence).
            mask: Added to the attention scores, 0 or very negative, shape (rows or 1, 1,
                sequence, sequence); None for a causal one.
            places: Row and place in it, shape (n, 2).

        Returns:
            float32, shape (n, hidden).
        """

    def scores(
        self, vectors: npt.NDArray[np.float32], columns: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Scores of some tokens in float32, whatever the model's precision is.

        Args:
            vectors: Last hidden states, shape (n, hidden).
            columns: Token IDs, shape (m,).

        Returns:
            Shape (n, m).
        """


@dataclass(frozen=True)
class Request:
    """What to decode. Immutable.

    Attributes:
        prompt: Token IDs, at least one.
        language: The answers to choose from.
        draft: What to try first; it changes the speed and nothing else.
    """

    prompt: Sequence[int]
    language: Language
    draft: Draft


@dataclass(frozen=True)
class Answer:
    """What the model chose. Immutable.

    Attributes:
        token_ids: Without the end token.
        log_probability: Natural logarithm of the answer's probability under the language: of its
            name beside all that the language has and that begins otherwise, and of each token
            behind it among what is allowed there. Where the language says that one text is left,
            the rest is certain; else the end token is included.
        passes: Rounds of drafting and reading it took, at least 1; where a round leaves nothing
            open, as in a language of one answer, the model is not asked.
        drafted: Token IDs that were accepted from a draft.
        margin: Smallest difference of the two best allowed scores behind the name, and no more
            than that of the logarithms of its probability and of the next beginning's; infinite
            without a choice.
    """

    token_ids: tuple[int, ...]
    log_probability: float
    passes: int
    drafted: int
    margin: float


@dataclass(frozen=True, eq=False)
class Scores:
    """What the model thinks of everything that may come next. Immutable.

    Attributes:
        state: The language's state there.
        token_ids: What is allowed, ascending, shape (n,).
        log_probabilities: Natural logarithms, normalised over what is allowed, shape (n,).
    """

    state: int
    token_ids: npt.NDArray[np.int64]
    log_probabilities: npt.NDArray[np.float64]


def no_draft(accepted: Sequence[int]) -> Sequence[int]:
    """Draft nothing: one token per pass, plain stepwise decoding."""
    return ()
