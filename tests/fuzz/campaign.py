"""A fuzz campaign: the constrained model against the reference parser, strategy by strategy.

In: a strategy, a count, a seed and a decoder. Out: ``Outcome``: counts, every disagreement,
the first ones shrunk. Examples are drawn first and decoded in batches, because a model is
slow alone; then Hypothesis draws the same examples again, to shrink those that failed.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.errors import InputError
from kvrm_grammar.isa import INVALID, InstructionSet, operation_to_json
from kvrm_grammar.oracle.reference import explain
from training.scoring import is_valid, wilson

__all__ = ["Disagreement", "Labelled", "Outcome", "expected_of", "run_campaign", "summary"]

DecodeMany = Callable[[Iterable[str]], Iterator[Decoded]]

_REFUSAL = operation_to_json(INVALID)
_SHRUNK = 3  # disagreements of a strategy
_SHRINK_DECODES = 300  # of one disagreement
_CHUNK = 256  # examples between two looks at the clock
_DRAWS = 4  # for each different text that is wanted


@dataclass(frozen=True)
class Disagreement:
    """A text on which model and parser differ. Immutable.

    Attributes:
        text: The instruction.
        expected: The parser's canonical JSON, or the name of its error.
        answer: The model's, likewise.
        reason: Why the parser refuses the text, if it does.
        confidence: The model's, if it answered.
        shrunk: A smaller text that fails too, if one was looked for and found.
    """

    text: str
    expected: str
    answer: str
    reason: str | None
    confidence: float | None
    shrunk: str | None = None


@dataclass
class Outcome:
    """What a strategy gave. Mutable while the campaign runs."""

    strategy: str
    examples: int = 0
    valid: int = 0
    exact: int = 0
    refusals: int = 0
    refusals_exact: int = 0
    seconds: float = 0.0
    disagreements: list[Disagreement] = field(default_factory=list)


class Labelled(str):
    """A text whose meaning is known by its making, as canonical JSON. Immutable."""

    expected: str

    def __new__(cls, text: str, expected: str) -> "Labelled":
        """Make a text that is a string like any other, and brings its label."""
        labelled = super().__new__(cls, text)
        labelled.expected = expected
        return labelled


def expected_of(text: str, isa: InstructionSet | None = None) -> tuple[str, str | None]:
    """What a text means: JSON or an error's name, and the reason of a refusal.

    The label says it where the text brings one, and else the reference parser.
    """
    if isinstance(text, Labelled):
        return text.expected, None
    try:
        verdict = explain(text, isa)
    except InputError as error:
        return type(error).__name__, str(error)
    return operation_to_json(verdict.operation), verdict.reason


def run_campaign(
    name: str,
    strategy: st.SearchStrategy[str],
    count: int,
    seed: int,
    decode_many: DecodeMany,
    *,
    isa: InstructionSet | None = None,
    seconds: float | None = None,
    progress: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Fuzz one strategy.

    Args:
        name: Its name; part of the seed.
        strategy: Makes the texts.
        count: How many different ones, at most; fewer where it makes many twice.
        seed: The same seed draws the same texts.
        decode_many: Decodes a stream in order.
        isa: Whose parser says what texts mean; None for the packaged set's.
        seconds: Begin no further chunk after these; None for no limit.
        progress: Told after every chunk.

    Returns:
        The outcome; its first disagreements are shrunk.
    """
    texts = _draw(strategy, count, f"{name} {seed}")
    outcome, started = Outcome(name), time.monotonic()
    answers: dict[str, Decoded] = {}
    for start in range(0, len(texts), _CHUNK):
        if start and seconds is not None and time.monotonic() - started > seconds:
            break
        chunk = texts[start : start + _CHUNK]
        for text, decoded in zip(chunk, decode_many(chunk), strict=True):
            answers[text] = decoded
            _count(outcome, text, decoded, isa)
        outcome.seconds = time.monotonic() - started
        progress(outcome)
    failed = [d.text for d in outcome.disagreements]
    shrunk = _shrink(strategy, count, f"{name} {seed}", failed, answers, decode_many, isa)
    outcome.disagreements = [
        Disagreement(**{**vars(d), "shrunk": shrunk.get(d.text)}) for d in outcome.disagreements
    ]
    return outcome


def _draw(strategy: st.SearchStrategy[str], count: int, seed: str) -> list[str]:
    texts: dict[str, None] = {}

    def enough(text: str) -> bool:
        texts.setdefault(text)
        return len(texts) == count

    _find(strategy, enough, count, seed, Phase.generate)
    return list(texts)


def _find(
    strategy: st.SearchStrategy[str],
    wanted: Callable[[str], bool],
    count: int,
    seed: str,
    *phases: Phase,
) -> str | None:
    """Draw until one is wanted; the same seed draws the same."""
    options = settings(
        max_examples=_DRAWS * count,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    try:
        return find(strategy, wanted, settings=options, random=Random(seed))
    except NoSuchExample:
        return None


def _count(outcome: Outcome, text: str, decoded: Decoded, isa: InstructionSet | None) -> None:
    expected, reason = expected_of(text, isa)
    answer = _answer(decoded)
    outcome.examples += 1
    # A line that the dialect's limits refuse before any model runs has no answer to judge.
    outcome.valid += is_valid(answer, isa) if decoded.error is None else answer == expected
    outcome.exact += answer == expected
    if expected == _REFUSAL:
        outcome.refusals += 1
        outcome.refusals_exact += answer == expected
    if answer != expected:
        outcome.disagreements.append(
            Disagreement(text, expected, answer, reason, decoded.confidence)
        )


def _answer(decoded: Decoded) -> str:
    return type(decoded.error).__name__ if decoded.error is not None else str(decoded.json)


def _shrink(
    strategy: st.SearchStrategy[str],
    count: int,
    seed: str,
    failed: Sequence[str],
    answers: Mapping[str, Decoded],
    decode_many: DecodeMany,
    isa: InstructionSet | None,
) -> dict[str, str]:
    """Smaller texts that fail too, for the first disagreements."""
    known = {text: _answer(decoded) for text, decoded in answers.items()}
    shrunk: dict[str, str] = {}
    for target in failed[:_SHRUNK]:
        left = _SHRINK_DECODES
        found_it = False

        def fails(text: str, target: str = target) -> bool:
            """The target, when it is drawn again; from then on whatever fails."""
            nonlocal left, found_it
            found_it = found_it or text == target
            if not found_it:
                return False
            if text not in known:
                if left == 0:
                    return False
                left -= 1
                known[text] = _answer(next(iter(decode_many([text]))))
            return known[text] != expected_of(text, isa)[0]

        found = _find(strategy, fails, count, seed, Phase.generate, Phase.shrink)
        if found is not None and found != target:
            shrunk[target] = found
    return shrunk


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Everything counted, as a JSON-ready dictionary, with 95 % intervals (Wilson)."""
    total = Outcome("all")
    for one in outcomes:
        for name in ("examples", "valid", "exact", "refusals", "refusals_exact", "seconds"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
    return {
        "strategies": {one.strategy: _row(one) for one in outcomes},
        "all": _row(total),
        "disagreements": [
            {"strategy": one.strategy, **vars(disagreement)}
            for one in outcomes
            for disagreement in one.disagreements
        ],
    }


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "examples": outcome.examples,
        "valid": outcome.valid,
        "exact": outcome.exact,
        "exact_interval_95": list(wilson(outcome.exact, outcome.examples)),
        "refusals": outcome.refusals,
        "refusals_exact": outcome.refusals_exact,
        "refusals_interval_95": list(wilson(outcome.refusals_exact, outcome.refusals)),
        "seconds": round(outcome.seconds, 1),
    }
