"""Examples of the strict dialect: each drawn by a maker, and judged by the reference parser.

In: a generator seed. Out: :class:`training.data.examples.Example` in a reproducible order.
"""

from collections.abc import Iterator, Sequence
from random import Random

from kvrm_grammar.errors import DataError, LineTooLongError
from kvrm_grammar.isa import INVALID, InstructionSet, load_set, operation_to_json
from kvrm_grammar.oracle.reference import parse
from training.data.examples import Example
from training.texts.strict.minimal_pairs import minimal_pair
from training.texts.strict.refused import Candidate, refusal_candidate
from training.texts.strict.valid import Variant, valid_variant
from training.texts.strict.words import TRAINING_WORDS

__all__ = ["generate_examples", "judged"]


def generate_examples(
    count: int,
    seed: int,
    *,
    refusals: float = 0.4,
    pairs: float = 0.0,
    words: Sequence[str] = TRAINING_WORDS,
    isa: InstructionSet | None = None,
) -> Iterator[Example]:
    """Draw strict examples, each confirmed by the reference parser.

    Args:
        count: How many.
        seed: Seed of the ``random.Random`` behind everything.
        refusals: Share drawn from the makers of refusals, 0 to 1, of what is no pair.
        pairs: Share of minimal pairs, 0 to 1: an instruction and its neighbour one step
            away. For training; evaluation takes none.
        words: Word list for labels and prose.
        isa: The instruction set; None for the packaged one.

    Yields:
        Examples in a reproducible order; texts may repeat (``HALT`` has few spellings).

    Raises:
        DataError: A rendering and the reference parser disagree: a defect in one of them.
    """
    rng, isa, made = Random(seed), isa or load_set(), 0
    while made < count:
        for example in _draw(rng, isa, words, refusals, pairs)[: count - made]:
            made += 1
            yield example


def _draw(
    rng: Random, isa: InstructionSet, words: Sequence[str], refusals: float, pairs: float
) -> list[Example]:
    if pairs and rng.random() < pairs / (2 - pairs):  # a pair counts twice
        drawn = [judged(candidate, isa, "pair") for candidate in minimal_pair(rng, isa, words)]
    elif rng.random() < refusals:
        drawn = [judged(refusal_candidate(rng, isa, words), isa)]
    else:
        drawn = [_valid(rng, isa, words)]
    return [example for example in drawn if example is not None]


def _valid(rng: Random, isa: InstructionSet, words: Sequence[str]) -> Example | None:
    variant: Variant = valid_variant(rng, isa, words)
    try:
        meaning = parse(variant.text, isa)
    except LineTooLongError:
        return None
    if meaning != variant.operation:
        raise DataError(
            f"{variant.text!r} was rendered from {variant.operation!r} but means {meaning!r}"
        )
    return Example(variant.text, operation_to_json(variant.operation), variant.kinds)


def judged(candidate: Candidate, isa: InstructionSet, *marks: str) -> Example | None:
    """Ask the reference parser what a candidate means.

    Args:
        candidate: A text that may or may not be an instruction.
        isa: The instruction set.
        marks: Further kinds.

    Returns:
        The example; None where the line is too long.
    """
    try:
        meaning = parse(candidate.text, isa)
    except LineTooLongError:
        return None
    verdict = "refusal" if meaning == INVALID else "near_miss"
    return Example(candidate.text, operation_to_json(meaning), (verdict, candidate.kind, *marks))
