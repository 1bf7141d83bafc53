"""What one text decoded to: values, without the model behind them.

In: the decoder's answer. Out: :class:`Decoded`, :class:`Alternative` for what else the model
might have said, and :class:`Refusal`, an ``OP_INVALID`` that says why. All of them can be
hashed, copied, pickled and sent to another process.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import PrivateAttr

from kvrm_grammar.dialects.base import NOT_RECOGNISED, Reading
from kvrm_grammar.errors import InputError, KvrmError
from kvrm_grammar.isa import INVALID, Invalid, OperationModel, operation_to_json

__all__ = [
    "CONSTRAINTS",
    "METHODS",
    "UNCERTAIN",
    "Alternative",
    "ConstraintName",
    "Decoded",
    "Method",
    "Refusal",
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
"""How to search for the model's choice.

``verify``: draft the answer and check it in one forward pass. ``stepwise``: the same engine,
one token per pass, with the same answer. ``outlines``: transformers' ``generate`` with an Outlines
logits processor, under the constraint ``schema`` and without a confidence.
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

    operation: OperationModel
    probability: float

    @property
    def json(self) -> str:
        """Canonical JSON of the operation."""
        return operation_to_json(self.operation)

    def as_row(self) -> dict[str, Any]:
        """Ready for JSON: ``key``, ``params`` and ``probability``."""
        return {**json.loads(self.json), "probability": self.probability}


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


@dataclass(frozen=True)
class Decoded:
    """What one text decoded to: data alone, without the model behind it. Immutable.

    Attributes:
        text: The text as given.
        operation: The model's answer; None where the text never reached the model.
        error: Why there is no answer; None where there is one.
        confidence: Probability of this answer under the constraint, from the model's own
            scores, 0 to 1; grounded never too high but for a refusal (docs/api.md). None where
            there is no answer or the method does not tell.
        passes: Rounds of drafting and reading it took, each a forward pass where something is
            open, at least 1; None where the method does not tell.
        drafted: Token IDs that were accepted from a draft.
        token_ids: The answer as the model wrote it, without the end token. Grounded, the longest
            tokens stand behind the last place where the answer or its name is open.
        margin: Smallest difference of the two best allowed scores on the way, operations' names
            being scored whole; infinite without a choice, None where the method does not tell.
        forced: Whether the constraint left this one answer, so that no model was needed.
        constraint: Which constraint was used; None where the text never reached the model.
        refused: The answer that was refused for its low confidence.
        reading: What the dialect made of the text; None where it could not be read.
    """

    text: str
    operation: OperationModel | None
    error: KvrmError | None = None
    confidence: float | None = None
    passes: int | None = None
    drafted: int = 0
    token_ids: tuple[int, ...] = ()
    margin: float | None = None
    forced: bool = False
    constraint: ConstraintName | None = None
    refused: OperationModel | None = None
    reading: Reading | None = None

    @property
    def json(self) -> str | None:
        """Canonical JSON of the operation, or None."""
        return None if self.operation is None else operation_to_json(self.operation)

    @property
    def valid(self) -> bool:
        """Whether this is an instruction: answered, and not refused."""
        return self.operation is not None and self.operation != INVALID

    @property
    def reason(self) -> str | None:
        """Why it was refused; ``uncertain`` for lack of confidence, None where it was not.

        Looked for when first asked, once: the reading keeps it.
        """
        if self.operation is None or self.valid:
            return None
        if self.refused is not None:
            return UNCERTAIN
        return NOT_RECOGNISED if self.reading is None else self.reading.reason

    @property
    def agrees_with_reference(self) -> bool | None:
        """Whether the reference parser says the same; None where there is no answer.

        It is asked now, and not while decoding. Of the strict dialect it is the oracle.
        """
        if self.operation is None or self.reading is None:
            return None
        return self.reading.verdict.operation == (self.refused or self.operation)

    def unless_uncertain(self, min_confidence: float) -> "Decoded":
        """The same, or a refusal where an instruction is less probable than asked for.

        Args:
            min_confidence: 0 to 1; 0 changes nothing.

        Returns:
            This, or a copy whose operation is ``OP_INVALID`` and whose reason ``uncertain``.
            Its confidence stays that of the model's own answer.
        """
        if not self.valid or self.confidence is None or self.confidence >= min_confidence:
            return self
        return replace(self, operation=INVALID, refused=self.operation)
