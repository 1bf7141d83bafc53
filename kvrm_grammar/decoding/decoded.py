"""What one text decoded to: values, without the model behind them.

In: the decoder's answer. Out: :class:`Decoded`, :class:`Alternative` for what else the model
might have said, and :class:`Refusal`, an ``OP_INVALID`` that says why. All of them can be
hashed, copied, pickled and sent to another process.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, overload

from pydantic import PrivateAttr

from kvrm_grammar.decoding.protocol import Answer
from kvrm_grammar.errors import InputError, KvrmError
from kvrm_grammar.isa.operations import INVALID, Invalid, Operation, operation_to_json

__all__ = [
    "CONSTRAINTS",
    "METHODS",
    "UNCERTAIN",
    "Alternative",
    "ConstraintName",
    "Decoded",
    "Method",
    "Refusal",
    "answered",
    "check_choice",
]

ConstraintName = Literal["grounded", "schema"]
CONSTRAINTS: tuple[ConstraintName, ...] = ("grounded", "schema")
"""What the model may answer.

``schema``: any operation. ``grounded``: of these, the ones whose operands the instruction's own
text mentions.
"""

Method = Literal["verify", "stepwise", "outlines"]
METHODS: tuple[Method, ...] = ("verify", "stepwise", "outlines")
"""How to search for the model's choice; the answer is the same.

``verify``: draft the answer and check it in one forward pass. ``stepwise``: the same engine,
one token per pass. ``outlines``: transformers' ``generate`` with an Outlines logits processor.
"""

UNCERTAIN = "uncertain"
"""The reason of a refusal for lack of confidence."""


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Check a name that a caller gave.

    Raises:
        InputError: It is none of the choices; the error lists them.
    """
    if value not in choices:
        raise InputError(f"unknown {name} {value!r}; available: {', '.join(choices)}")


@dataclass(frozen=True)
class Alternative:
    """One answer that the model might give. Immutable.

    Attributes:
        operation: The answer.
        probability: Under the constraint, from the model's own scores, 0 to 1.
    """

    operation: Operation
    probability: float

    @property
    def json(self) -> str:
        """Canonical JSON of the operation."""
        return operation_to_json(self.operation)


class Refusal(Invalid):
    """``OP_INVALID``, equal to any other, with what code knows about it. Immutable.

    None of this is written by the model, so none of it is in the JSON.
    """

    _raw: str = PrivateAttr(default="")
    _reason: str = PrivateAttr(default="")
    _alternatives: tuple[Alternative, ...] = PrivateAttr(default=())

    @classmethod
    def explained(
        cls, raw: str, reason: str, alternatives: tuple[Alternative, ...] = ()
    ) -> "Refusal":
        """Make one of its text, its reason, and what the model might have said."""
        refusal = cls(key=INVALID.key, params=INVALID.params)
        refusal._raw, refusal._reason, refusal._alternatives = raw, reason, alternatives
        return refusal

    @property
    def raw(self) -> str:
        """The text as given."""
        return self._raw

    @property
    def reason(self) -> str:
        """Why it was refused; ``uncertain`` for lack of confidence."""
        return self._reason

    @property
    def alternatives(self) -> tuple[Alternative, ...]:
        """The most probable answers, best first, as many as the caller asked for."""
        return self._alternatives

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return [("reason", self._reason)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Invalid)

    def __hash__(self) -> int:
        return hash(INVALID)


class _Reason:
    """The field ``reason`` of :class:`Decoded`: a text, or a question not asked yet.

    A question is answered when the field is first read, and its answer kept in its place.
    Where two threads read it for the first time at once, both may ask.
    """

    @overload
    def __get__(self, owner: None, kind: type["Decoded"]) -> None: ...
    @overload
    def __get__(self, owner: "Decoded", kind: type["Decoded"]) -> str | None: ...
    def __get__(self, owner: "Decoded | None", kind: type["Decoded"]) -> str | None:
        if owner is None:  # dataclass asks the class for the field's default
            return None
        reason: str | Callable[[], str] | None = vars(owner)["reason"]
        if callable(reason):
            reason = vars(owner)["reason"] = reason()
        return reason

    def __set__(self, owner: "Decoded", value: str | Callable[[], str] | None) -> None:
        vars(owner)["reason"] = value


@dataclass(frozen=True)
class Decoded:
    """What one text decoded to. Immutable.

    Attributes:
        text: The text as given.
        operation: The model's answer; None where the text never reached the model.
        error: Why there is no answer; None where there is one.
        confidence: Probability of this answer under the constraint, from the model's own
            scores, 0 to 1; None where there is no answer or the method does not tell.
        passes: Forward passes it took; None where the method does not tell.
        drafted: Token IDs that were accepted from a draft.
        token_ids: The answer as the model wrote it, without the end token.
        margin: Smallest difference of the two best allowed scores on the way; infinite
            without a choice, None where the method does not tell.
        forced: Whether the constraint left this one answer, so that no model was needed.
        constraint: Which constraint was used; None where the text never reached the model.
        reason: Why the text was refused, ``uncertain`` for lack of confidence; None where it
            was not refused, or never answered. It may be given as a function, which is asked
            once, when the reason is first read, compared, hashed, copied or pickled.
        refused: The answer that was refused for its low confidence.
    """

    text: str
    operation: Operation | None
    error: KvrmError | None = None
    confidence: float | None = None
    passes: int | None = None
    drafted: int = 0
    token_ids: tuple[int, ...] = ()
    margin: float | None = None
    forced: bool = False
    constraint: ConstraintName | None = None
    reason: _Reason = _Reason()
    refused: Operation | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "reason": self.reason}

    @property
    def json(self) -> str | None:
        """Canonical JSON of the operation, or None."""
        return None if self.operation is None else operation_to_json(self.operation)

    @property
    def valid(self) -> bool:
        """Whether this is an instruction: answered, and not refused."""
        return self.operation is not None and self.operation != INVALID

    def unless_uncertain(self, min_confidence: float) -> "Decoded":
        """The same, or a refusal where an instruction is less probable than asked for.

        Args:
            min_confidence: 0 to 1; 0 changes nothing.

        Returns:
            This, or a copy whose operation is ``OP_INVALID`` and whose reason ``uncertain``.
            Confidence and alternatives stay those of the model's own answer.
        """
        if not self.valid or self.confidence is None or self.confidence >= min_confidence:
            return self
        return replace(self, operation=INVALID, reason=UNCERTAIN, refused=self.operation)


def answered(
    text: str,
    operation: Operation,
    answer: Answer,
    forced: bool,
    constraint: ConstraintName,
    reason: str | Callable[[], str] | None,
) -> Decoded:
    """Make the result of an engine's answer.

    Args:
        text: The text as given.
        operation: What the answer's tokens say.
        answer: The engine's.
        forced: Whether it was the only one that the constraint left.
        constraint: Which that was.
        reason: See :class:`Decoded`.

    Returns:
        The result.
    """
    return Decoded(
        text,
        operation,
        confidence=math.exp(answer.log_probability),
        passes=answer.passes,
        drafted=answer.drafted,
        token_ids=answer.token_ids,
        margin=answer.margin,
        forced=forced,
        constraint=constraint,
        reason=reason,
    )
