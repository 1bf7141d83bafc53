"""Examples of the lenient dialect: texts whose meaning is known by their making.

In: a generator seed. Out: :class:`training.data.examples.Example`, instructions of the strict
dialect among them, for those mean the same here.
"""

from collections.abc import Collection, Iterator, Sequence
from random import Random

from kvrm_grammar.errors import DataError, LineTooLongError
from kvrm_grammar.isa import INVALID, InstructionSet, OperationModel, load_set, operation_to_json
from kvrm_grammar.oracle.reference import parse
from training.data.examples import Example
from training.texts.lenient.forms import FORMS
from training.texts.lenient.lexicon import TRAINING_LEXICON, Lexicon
from training.texts.lenient.refused import LENIENT_REFUSAL_KINDS, lenient_refusal
from training.texts.lenient.valid import MANNERS, lenient_variant
from training.texts.strict.valid import valid_variant
from training.texts.strict.words import TRAINING_WORDS

__all__ = ["generate_lenient", "lenient_example", "lenient_kind"]

_HARDEST = (
    "english",
    "english",
    "english",
    "typo",
    "typo",
    "register_spelling",
    "immediate",
    "dollar",
)
_KINDS = (*FORMS, *MANNERS, *_HARDEST)


def generate_lenient(
    count: int,
    seed: int,
    *,
    refusals: float = 0.4,
    strict: float = 0.2,
    even: float = 0.5,
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
        without: Kinds of writing that none may show.
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
    while made < count:
        if rng.random() < refusals:
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
    rng, isa = Random(f"{kind} {seed}"), isa or load_set()
    drawn: dict[str, Example] = {}
    for _ in range(60 * count):
        if kind in LENIENT_REFUSAL_KINDS:
            text = lenient_refusal(rng, isa, words, lexicon, kind=kind).text
            example = lenient_example(text, INVALID, ("refusal", kind), isa)
        else:
            variant = lenient_variant(rng, isa, words, lexicon, kind=kind)
            example = lenient_example(variant.text, variant.operation, variant.kinds, isa)
        if example is not None and mixed in (None, len(example.kinds) > 1):
            drawn.setdefault(example.text, example)
        if len(drawn) == count:
            break
    return list(drawn.values())


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
