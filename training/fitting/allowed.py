"""What decoding would weigh at each token of an answer, so that training chooses among the same.

In: a text and the token IDs of its answer. Out: for each of them the token IDs that the closed
language of the text allows there; within an operation's name those of the schema, which names are
weighed among. Decoding never looks at the others' scores, so a loss over the
whole vocabulary also teaches what the constraint knows already: that a number is out of range, for
one, which a model learns as fear of long numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from kvrm_grammar.dialects import Dialect
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.language.grounding import Grounding
from kvrm_grammar.language.index import build_index
from training.fitting.batches import Feature

__all__ = ["ClosedFeatures", "allowed_ids", "grounding_of"]


def grounding_of(tokenizer: Any, dialect: Dialect) -> Grounding:
    """What grounds texts of a dialect, over a tokenizer's vocabulary."""
    index = build_index(build_constraint(dialect.isa), tokenizer)
    return Grounding(dialect.isa, index, index.vocabulary, dialect.shorthand)


def allowed_ids(
    grounding: Grounding, dialect: Dialect, text: str, answer: Sequence[int]
) -> list[npt.NDArray[np.int64]] | None:
    """List the token IDs that each of an answer's is weighed among.

    Args:
        grounding: Of the dialect's set.
        dialect: Reads the text.
        text: An instruction, or what is none.
        answer: Token IDs of canonical JSON from its beginning, the end token perhaps behind it.

    Returns:
        As many arrays of shape (n,) as the answer has token IDs, each with its own among them,
        and alone where one answer is left: decoding writes that out and asks nothing. None where
        the text's language does not have the answer.
    """
    language = grounding.language(dialect.read(text).mentions)
    state, found = language.initial_state, []
    for token_id in answer:
        allowed = language.allowed(state)
        if token_id not in allowed:
            return None
        if language.rest(state) is not None:
            found.append(np.array([token_id]))
        else:
            names = language.naming(state)
            found.append(allowed if names is None else names)
        if token_id != language.eos_token_id:
            following = language.next_state(state, token_id)
            assert following is not None
            state = following
    return found


@dataclass(frozen=True)
class ClosedFeatures(Dataset[Feature]):
    """Features, each with what decoding would weigh; that is found when a feature is asked for.

    Attributes:
        features: What is trained or evaluated on.
        grounding: Of their set.
        dialect: Of their texts.
        unconstrained: Places of those that have the whole vocabulary.
    """

    features: Sequence[Feature]
    grounding: Grounding
    dialect: Dialect
    unconstrained: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, place: int) -> Feature:
        feature = self.features[place]
        if place in self.unconstrained:
            return feature
        answer = [label for label in feature["labels"] if label >= 0]
        found = allowed_ids(self.grounding, self.dialect, feature["text"], answer)
        return feature if found is None else {**feature, "allowed": found}
