"""How much of a draft is accepted: one request in progress, and what the model reads next.

In: a request, and for each pass the choices at its drafted places. Out: the text to read next,
and in the end an answer or an error. Used by the engine; knows no tensor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kvrm_grammar.decoding.protocol import Answer, Request
from kvrm_grammar.errors import DecodeError

__all__ = ["Choice", "Row"]


class Choice(NamedTuple):
    """The model's pick at one position."""

    token_id: int
    log_probability: float
    margin: float


@dataclass
class Row:
    """One request in progress. Mutable, owned by one run."""

    request: Request
    state: int
    accepted: list[int] = field(default_factory=list)
    draft: list[int] = field(default_factory=list)
    log_probability: float = 0.0
    passes: int = 0
    drafted: int = 0
    margin: float = float("inf")
    result: Answer | DecodeError | None = None

    def begin(self) -> None:
        """Settle a language of one answer, in a round that reads nothing."""
        if self.request.language.rest(self.state) is not None:
            self.passes = 1
            self._settle()

    def start_pass(self) -> list[int]:
        """Draft behind the accepted tokens; returns what the model reads: prompt and all."""
        room = self.request.language.max_tokens - len(self.accepted) - 1
        self.draft = list(self.request.draft(self.accepted))[: max(room, 0)]
        self.passes += 1
        return [*self.request.prompt, *self.accepted, *self.draft]

    def states(self) -> list[int]:
        """States before each drafted token and behind the last, as far as they have a choice."""
        states, language = [self.state], self.request.language
        for token_id in self.draft:
            following = language.next_state(states[-1], token_id)
            if following is None or language.rest(following) is not None:
                break
            states.append(following)
        return states

    def advance(self, states: Sequence[int], choices: Sequence[Choice | DecodeError]) -> None:
        """Accept the draft as far as the model agrees, and its first other choice."""
        language = self.request.language
        expected: list[int | None] = [*self.draft[: len(states)], None][: len(states)]
        for state, choice, drafted in zip(states, choices, expected, strict=True):
            if isinstance(choice, DecodeError):
                self.result = choice
                return
            self.log_probability += choice.log_probability
            self.margin = min(self.margin, choice.margin)
            if choice.token_id == language.eos_token_id:
                self.result = self._answer()
                return
            self.accepted.append(choice.token_id)
            following = language.next_state(state, choice.token_id)
            assert following is not None  # an allowed token has a next state
            self.state = following
            self.drafted += choice.token_id == drafted
            self._settle()
            if self.result is not None or choice.token_id != drafted:
                break
        if self.result is None and len(self.accepted) >= language.max_tokens:
            self.result = DecodeError(f"no end after {len(self.accepted)} tokens")

    def _settle(self) -> None:
        """End where the language leaves one text."""
        rest = self.request.language.rest(self.state)
        if rest is not None:
            self.accepted += rest
            self.result = self._answer()

    def _answer(self) -> Answer:
        return Answer(
            tuple(self.accepted), self.log_probability, self.passes, self.drafted, self.margin
        )
