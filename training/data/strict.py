"""Examples of the strict dialect: each drawn by a maker, and judged by the reference parser.

In: a generator seed. Out: :class:`training.data.examples.Example` in a reproducible order.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from random import Random

from kvrm_grammar.errors import DataError, LineTooLongError
from kvrm_grammar.isa import INVALID, InstructionSet, load_set, operation_to_json
from kvrm_grammar.oracle.reference import parse
from training.data.examples import Example
from training.texts.strict.minimal_pairs import minimal_pair
from training.texts.strict.refused import Candidate, refusal_candidate
from training.texts.strict.spelling import random_case
from training.texts.strict.valid import Variant, valid_variant
from training.texts.strict.words import TRAINING_WORDS

__all__ = ["generate_examples", "judged"]


def generate_examples(
    count: int,
    seed: int,
    *,
    refusals: float = 0.4,
    pairs: float = 0.0,
    odd_case: float = 0.0,
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
        odd_case: Share of texts whose mnemonic gets letters of random case, 0 to 1, beside those
            that have it anyway. For training: cut into tokens, such a name is another every time.
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
            yield _in_odd_case(example, rng, isa) if rng.random() < odd_case else example


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


def _in_odd_case(example: Example, rng: Random, isa: InstructionSet) -> Example:
    """The same with the first mnemonic in letters of random case, if it means the same then."""
    found = _names(isa).search(example.text)
    if found is None:
        return example
    name = random_case(found[0], rng)
    text = example.text[: found.start()] + name + example.text[found.end() :]
    same = operation_to_json(parse(text, isa)) == example.answer
    return replace(example, text=text) if same else example


@lru_cache(maxsize=8)
def _names(isa: InstructionSet) -> re.Pattern[str]:
    names = sorted(isa.by_mnemonic, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(re.escape(name) for name in names)})\b", re.IGNORECASE)


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
