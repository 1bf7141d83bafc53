"""Examples of the lenient dialect: texts whose meaning is known by their making.

In: a generator seed. Out: :class:`training.data.examples.Example`, instructions of the strict
dialect among them, for those mean the same here.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from random import Random

from kvrm_grammar.errors import DataError, LineTooLongError
from kvrm_grammar.isa import INVALID, InstructionSet, OperationModel, load_set, operation_to_json
from kvrm_grammar.oracle.reference import parse
from training.data.examples import Example, different_examples
from training.texts.lenient.families import (
    FAMILIES,
    HELD_OUT_FAMILIES,
    TRAINING_FAMILIES,
    family_fault,
    family_variant,
)
from training.texts.lenient.forms import FORMS
from training.texts.lenient.lexicon import HELD_OUT_LEXICON, TRAINING_LEXICON, Lexicon
from training.texts.lenient.refused import LENIENT_REFUSAL_KINDS, lenient_refusal
from training.texts.lenient.valid import MANNERS, lenient_variant
from training.texts.strict.valid import valid_variant
from training.texts.strict.words import TRAINING_WORDS

__all__ = ["family_examples", "generate_lenient", "lenient_example", "lenient_kind"]

_HARDEST = (
    "english",
    "english",
    "english",
    "typo",
    "typo",
    "register_spelling",
    "immediate",
    "dollar",
    "frame",
    "frame",
)
_KINDS = (*FORMS, *MANNERS, *_HARDEST)


def generate_lenient(
    count: int,
    seed: int,
    *,
    refusals: float = 0.4,
    strict: float = 0.2,
    even: float = 0.5,
    families: float = 0.3,
    without: Collection[str] = (),
    words: Sequence[str] = TRAINING_WORDS,
    lexicon: Lexicon = TRAINING_LEXICON,
    isa: InstructionSet | None = None,
) -> Iterator[Example]:
    """Draw examples of the lenient dialect.

    Args:
        count: How many.
        seed: Seed of the ``random.Random`` behind everything.
        refusals: Share of texts that must be refused, 0 to 1.
        strict: Share of instructions of the strict dialect among the others, 0 to 1.
        even: Share of lenient texts whose kind is drawn evenly; of the others, kinds are as
            frequent as people write them, and some are rare.
        families: Share of texts in notations that no table names, 0 to 1, rightly written and
            with faults as often.
        without: Kinds of writing, or families of notations, that none may show.
        words: Word list for labels and prose.
        lexicon: Phrases of English.
        isa: The instruction set; None for the packaged one.

    Yields:
        Examples in a reproducible order; texts may repeat.

    Raises:
        DataError: A rendering is an instruction of the strict dialect that means something
            else: a defect of the makers.
    """
    rng, isa, made = Random(seed), isa or load_set(), 0
    side = HELD_OUT_FAMILIES if lexicon is HELD_OUT_LEXICON else TRAINING_FAMILIES
    names = [name for name in side if name not in without]
    while made < count:
        example: Example | None
        if names and rng.random() < families:
            example = _of_family(rng, isa, rng.choice(names), words)
        elif rng.random() < refusals:
            candidate = lenient_refusal(rng, isa, words, lexicon)
            example = lenient_example(candidate.text, INVALID, ("refusal", candidate.kind), isa)
        elif rng.random() < strict:
            variant = valid_variant(rng, isa, words)
            example = lenient_example(
                variant.text, variant.operation, ("strict", *variant.kinds), isa
            )
        else:
            kind = rng.choice(_KINDS) if rng.random() < even else None
            variant = lenient_variant(rng, isa, words, lexicon, kind=kind)
            example = lenient_example(variant.text, variant.operation, variant.kinds, isa)
        if example is not None and not set(example.kinds) & set(without):
            made += 1
            yield example


def _of_family(
    rng: Random, isa: InstructionSet, family: str, words: Sequence[str], faults: float = 0.5
) -> Example | None:
    if rng.random() < faults:
        fault = family_fault(rng, isa, family, words)
        kinds = ("refusal", "family_fault", family)
        return None if fault is None else lenient_example(fault.text, INVALID, kinds, isa)
    variant = family_variant(rng, isa, family, words)
    if variant is None:
        return None
    return lenient_example(variant.text, variant.operation, variant.kinds, isa)


def family_examples(
    count: int, seed: int, names: Sequence[str], words: Sequence[str], *, isa: InstructionSet
) -> dict[str, list[Example]]:
    """Draw examples of families of notations, of each as many with a fault as without.

    Args:
        count: How many different ones of each family; fewer where there are no more.
        seed: Of the generator.
        names: Of the families.
        words: Word list for labels.
        isa: The instruction set.

    Returns:
        By family, and by its name with ``, faults`` behind it.
    """
    found = {}
    for name in names:
        assert name in FAMILIES
        for label, faults in ((name, 0.0), (f"{name}, faults", 1.0)):
            draw = partial(_of_family, Random(f"{label} {seed}"), isa, name, words, faults)
            found[label] = different_examples(count, draw)
    return found


def lenient_kind(
    kind: str,
    count: int,
    seed: int,
    words: Sequence[str],
    lexicon: Lexicon,
    *,
    mixed: bool | None = None,
    isa: InstructionSet | None = None,
) -> list[Example]:
    """Draw examples that show one kind of writing, or one kind of fault.

    Args:
        kind: Of writing, or of fault.
        count: How many different ones; fewer where there are no more.
        seed: Of the generator.
        words: Word list for labels and prose.
        lexicon: Phrases of English.
        mixed: Whether a text of a kind of writing must show others too, or none; None for either.
        isa: The instruction set; None for the packaged one.
    """
    rng, own = Random(f"{kind} {seed}"), isa or load_set()

    def draw() -> Example | None:
        if kind in LENIENT_REFUSAL_KINDS:
            text = lenient_refusal(rng, own, words, lexicon, kind=kind).text
            example = lenient_example(text, INVALID, ("refusal", kind), own)
        else:
            variant = lenient_variant(rng, own, words, lexicon, kind=kind)
            example = lenient_example(variant.text, variant.operation, variant.kinds, own)
        fits = example is not None and mixed in (None, len(example.kinds) > 1)
        return example if fits else None

    return different_examples(count, draw)


def lenient_example(
    text: str,
    operation: OperationModel,
    kinds: tuple[str, ...],
    isa: InstructionSet | None = None,
) -> Example | None:
    """Make an example, unless its line is too long or its fault repaired itself.

    Raises:
        DataError: See :func:`generate_lenient`.
    """
    try:
        strictly = parse(text, isa)
    except LineTooLongError:
        return None
    if strictly != INVALID and strictly != operation:
        if operation == INVALID:  # a fault that gave an instruction after all
            return None
        raise DataError(f"{text!r} was rendered from {operation!r} but means {strictly!r}")
    return Example(text, operation_to_json(operation), kinds)
