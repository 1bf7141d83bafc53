"""How much of a draft is accepted: one request in progress, and what the model reads next.

In: a request, and for each pass the choices at its drafted places. Out: the text to read next,
and in the end an answer or an error. Used by the engine; knows no tensor.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kvrm_grammar.decoding.naming import Naming, Path, Siblings
from kvrm_grammar.decoding.protocol import Answer, Request
from kvrm_grammar.errors import DecodeError

__all__ = ["Choice", "Row"]


class Choice(NamedTuple):
    """The model's pick at one position.

    Attributes:
        token_id: The best allowed token.
        log_probability: Natural logarithm of its probability among the allowed tokens; within a
            name among those of all names.
        margin: By how much its score is above the next allowed one's.
        siblings: Within a name, all that was allowed; else None.
    """

    token_id: int
    log_probability: float
    margin: float
    siblings: Siblings | None = None


class Row:
    """One request in progress. Mutable, owned by one run.

    Args:
        request: What to decode.
        state: The language's state before the answer.
        draft: What may follow; of use where the states along it are all that is asked for.
    """

    def __init__(self, request: Request, state: int, draft: Sequence[int] = ()) -> None:
        self.request = request
        self.draft = list(draft)
        self.passes = 0
        self.result: Answer | DecodeError | None = None
        self._path = Path(state, [])
        self._naming = Naming()

    def begin(self) -> None:
        """Settle a language of one answer, in a round that reads nothing."""
        self._look()
        if self._path.ended:
            self.passes = 1
            self.result = self._answer()

    def start_pass(self) -> list[int]:
        """Draft behind the accepted tokens; returns what the model reads: prompt and all."""
        accepted = self._path.accepted
        room = self.request.language.max_tokens - len(accepted) - 1
        self.draft = list(self.request.draft(accepted))[: max(room, 0)]
        self.passes += 1
        return [*self.request.prompt, *accepted, *self.draft]

    def states(self) -> list[int]:
        """States before each drafted token and behind the last, as far as they have a choice."""
        states, language = [self._path.state], self.request.language
        for token_id in self.draft:
            following = language.next_state(states[-1], token_id)
            if following is None or language.rest(following) is not None:
                break
            states.append(following)
        return states

    def advance(self, states: Sequence[int], choices: Sequence[Choice | DecodeError]) -> None:
        """Accept the draft as far as the model agrees, and its first other choice."""
        expected: list[int | None] = [*self.draft[: len(states)], None][: len(states)]
        for choice, drafted in zip(choices, expected, strict=True):
            if isinstance(choice, DecodeError):
                self._path.error = choice
                break
            self._accept(choice, drafted)
            if self._path.ended or choice.token_id != drafted:
                break
        self._turn()
        if self._path.error is not None:
            self.result = self._path.error
        elif self._path.ended:
            self.result = self._answer()
        elif len(self._path.accepted) >= self.request.language.max_tokens:
            self.result = DecodeError(f"no end after {len(self._path.accepted)} tokens")

    def _accept(self, choice: Choice, drafted: int | None) -> None:
        path, language = self._path, self.request.language
        if path.named or choice.siblings is None:
            path.log_rest += choice.log_probability
            path.margin = min(path.margin, choice.margin)
        else:
            second = choice.log_probability - choice.margin
            self._naming.leaves(path, choice.token_id, second, choice.siblings)
            path.doubts = (*path.doubts, path.log_name + choice.siblings.log_others)
            path.log_name += choice.log_probability
        if choice.token_id == language.eos_token_id:
            path.ended = True
            return
        path.accepted.append(choice.token_id)
        path.drafted += choice.token_id == drafted
        self._follow()

    def _follow(self) -> None:
        """Go to the state behind a path's last token."""
        path = self._path
        following = self.request.language.next_state(path.state, path.accepted[-1])
        assert following is not None  # an allowed token has a next state
        path.state = following
        self._look()

    def _look(self) -> None:
        """End where the language leaves one text; note where a name is written."""
        path, language = self._path, self.request.language
        rest = language.rest(path.state)
        if rest is not None:
            path.accepted += rest
            path.ended = True
        if not path.named and (path.ended or language.naming(path.state) is None):
            path.named = True
            self._naming.finish(path)

    def _turn(self) -> None:
        """Where a name is written, go to the best one, or to a beginning that could be better."""
        while self._path.named:
            best = self._naming.best()
            if best is not None:
                self._path = best
                return
            self._path = self._naming.other()
            self._follow()

    def _answer(self) -> Answer:
        path = self._path
        return Answer(
            tuple(path.accepted),
            path.log_share + path.log_rest,
            self.passes,
            path.drafted,
            min(self._naming.lead(path), path.margin),
        )
