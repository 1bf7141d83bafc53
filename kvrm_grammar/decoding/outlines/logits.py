"""One step of constrained decoding, as a logits processor that Outlines can run.

In: the scores of the next token for each row of a batch. Out: the same scores, with
minus infinity for every token that the constraint does not allow there.

Outlines has a processor of its own for a compiled ``Index``. This one chooses the same
tokens (a test compares them), but starts at once where that one first compiles a C++
kernel (15 s, and a compiler must be there), knows the difference between "may stop"
and "has stopped", and refuses scores that are not numbers.
"""

from typing import Any

import torch
from outlines.processors import OutlinesLogitsProcessor

from kvrm_grammar.errors import DecodeError
from kvrm_grammar.language.index import TokenIndex

__all__ = ["ConstraintLogitsProcessor"]


class ConstraintLogitsProcessor(OutlinesLogitsProcessor):
    """Mask what the constraint does not allow; one object per call of ``generate``.

    Mutable: it keeps a state per row, so rows must keep their place (greedy decoding
    and sampling do, beam search does not). Threads share the index, not this object.

    Args:
        token_index: The compiled constraint.
    """

    def __init__(self, token_index: TokenIndex) -> None:
        super().__init__("torch")
        self.token_index = token_index
        self._states: list[int | None] | None = None

    def reset(self) -> None:
        """Forget all rows, before the next prompt."""
        self._states = None

    def process_logits(self, input_ids: Any, logits: Any) -> Any:
        """Mask the scores of the next token.

        Args:
            input_ids: Prompt and tokens so far, integers, shape (batch, length).
            logits: Scores, floating point, shape (batch, vocabulary).

        Returns:
            A new tensor like ``logits``. Rows after their end token allow that token alone.

        Raises:
            DecodeError: A row's last token was not allowed, or none of its allowed
                tokens has a finite score.
        """
        if self._states is None:
            self._states = [self.token_index.initial_state] * len(input_ids)
        else:
            last = input_ids[:, -1].tolist()
            pairs = zip(self._states, last, strict=True)
            self._states = [self._advance(row, *pair) for row, pair in enumerate(pairs)]
        masked = torch.full_like(logits, float("-inf"))
        for row, state in enumerate(self._states):
            if state is None:
                masked[row, self.token_index.eos_token_id] = 0.0
            else:
                allowed = torch.from_numpy(self.token_index.allowed(state).copy())
                allowed = allowed.to(logits.device)
                masked[row, allowed] = logits[row, allowed]
        _check_finite(masked)
        return masked

    def _advance(self, row: int, state: int | None, token_id: int) -> int | None:
        """Follow a row's last token; None once it has ended, whatever padding follows."""
        if state is None:
            return None
        if token_id == self.token_index.eos_token_id and self.token_index.is_accepting(state):
            return None
        following = self.token_index.next_state(state, token_id)
        if following is None:
            raise DecodeError(
                f"row {row}: token {token_id} is not allowed here; the processor must see "
                "every step of one generation, and be reset before the next"
            )
        return following


def _check_finite(masked: torch.Tensor) -> None:
    # The largest score says it all: NaN and +inf win, and -inf is largest only if alone.
    best = masked.max(dim=-1).values  # (batch,)
    bad = (~torch.isfinite(best)).nonzero().flatten().tolist()
    if bad:
        raise DecodeError(
            f"the model's scores for row {bad[0]} are {best[bad[0]].item()}, not numbers; "
            "the model is damaged or its precision is too low"
        )
