"""Examples of the lenient dialect of any set, whose data say how it is written.

In: a generator seed and an instruction set. Out: :class:`training.data.examples.Example`; some are
instructions of the strict dialect, which mean the same here.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import INVALID, InstructionSet, load_set
from training.data.examples import Example, different_examples
from training.data.lenient import generate_lenient, lenient_example
from training.texts.any_set.faults import FAULTS, any_refusal
from training.texts.any_set.forms import FORMS
from training.texts.any_set.meaning import phrasebook
from training.texts.any_set.variants import MANNERS, any_variant
from training.texts.lenient.lexicon import HELD_OUT_LEXICON
from training.texts.strict.valid import valid_variant
from training.texts.strict.words import HELD_OUT_WORDS, TRAINING_WORDS

__all__ = ["any_kinds", "any_set_examples", "any_set_kind", "fresh_lenient"]

_HARDEST = (
    *("english",) * 4, *("typo",) * 5, *("unnamed",) * 3, *("listing",) * 2, "notation", "wrapped",
)  # fmt: skip
_HARDEST_FAULTS = ("other_operation",) * 10 + ("ambiguous",) * 3


def any_kinds(isa: InstructionSet) -> Mapping[str, str]:
    """The kinds that a set's data give -> M: the model must understand it, R: refuse it."""
    data = lenient_data(isa)
    lacking = {
        "english": data.phrases,
        "notation": data.notations,
        "synonym": data.synonyms,
        "arrow": data.destination,
        "comment": data.comments,
        "other_operation": data.other_operations,
        "broken_notation": data.notations,
    }
    given = [kind for kind in (*FORMS, *MANNERS, *FAULTS) if lacking.get(kind, True)]
    return {kind: "R" if kind in FAULTS else "M" for kind in given if kind != "plain"}


def any_set_examples(
    count: int,
    seed: int,
    *,
    isa: InstructionSet,
    refusals: float = 0.4,
    strict: float = 0.2,
    even: float = 0.5,
) -> Iterator[Example]:
    """Draw examples to train on.

    Args:
        count: How many.
        seed: Seed of the ``random.Random`` behind everything.
        isa: The instruction set; it has a ``lenient.toml``.
        refusals: Share of texts that must be refused, 0 to 1.
        strict: Share of instructions of the strict dialect among the others, 0 to 1.
        even: Share of lenient texts whose kind, or kind of fault, is drawn evenly, what is hardest
            more often; of the others, kinds are as frequent as people write them.

    Yields:
        Examples in a reproducible order; texts may repeat.
    """
    rng, book, made = Random(seed), phrasebook(isa), 0
    kinds = [kind for kind, label in any_kinds(isa).items() if label == "M"]
    faults = [kind for kind, label in any_kinds(isa).items() if label == "R"]
    weights = [FAULTS[kind][0] for kind in faults]
    hardest = [kind for kind in _HARDEST if kind in kinds]
    hardest_faults = [kind for kind in _HARDEST_FAULTS if kind in faults]
    while made < count:
        if rng.random() < refusals:
            if rng.random() < even:
                kind = rng.choice([*faults, *hardest_faults])
            else:
                (kind,) = rng.choices(faults, weights)
            found = any_refusal(rng, isa, book, kind=kind)
            example = lenient_example(found.text, INVALID, ("refusal", kind), isa)
        else:
            if rng.random() < strict:
                variant = valid_variant(rng, isa)
                shown: tuple[str, ...] = ("strict", *variant.kinds)
            else:
                wanted = rng.choice([*kinds, *hardest]) if rng.random() < even else None
                variant = any_variant(rng, isa, book, kind=wanted)
                shown = variant.kinds
            example = lenient_example(variant.text, variant.operation, shown, isa)
        if example is not None:
            made += 1
            yield example


def fresh_lenient(
    count: int,
    seed: int,
    *,
    isa: InstructionSet | None = None,
    strict: float = 0.2,
    even: float = 0.5,
) -> list[Example]:
    """Draw lenient examples to measure with, in words and phrases held out from training.

    Args:
        count: How many.
        seed: Of the generator.
        isa: The instruction set; None for the packaged one.
        strict: Share of instructions of the strict dialect; none of another set.
        even: Share of texts whose kind is drawn evenly; of another set all are.
    """
    isa = load_set(isa)
    if isa is load_set():
        drawn = generate_lenient(
            count, seed, strict=strict, even=even, words=HELD_OUT_WORDS, lexicon=HELD_OUT_LEXICON,
            isa=isa,
        )  # fmt: skip
        return list(drawn)
    kinds = any_kinds(isa)
    each = count // len(kinds) + 1
    fresh = [one for kind in kinds for one in any_set_kind(kind, each, seed, isa=isa)]
    Random(seed).shuffle(fresh)
    return fresh[:count]


def any_set_kind(
    kind: str,
    count: int,
    seed: int,
    *,
    isa: InstructionSet,
    held_out: bool = True,
) -> list[Example]:
    """Draw examples that show one kind of writing, or one kind of fault.

    Args:
        kind: One of :func:`any_kinds`.
        count: How many different ones; fewer where there are no more.
        seed: Of the generator.
        isa: The instruction set.
        held_out: Whether phrases, words and other machines' operations are those of evaluation.
    """
    rng, book = Random(f"{kind} {seed}"), phrasebook(isa, held_out=held_out)
    words: Sequence[str] = HELD_OUT_WORDS if held_out else TRAINING_WORDS

    def draw() -> Example | None:
        if kind in FAULTS:
            text = any_refusal(rng, isa, book, words, kind=kind).text
            return lenient_example(text, INVALID, ("refusal", kind), isa)
        variant = any_variant(rng, isa, book, words, kind=kind)
        return lenient_example(variant.text, variant.operation, variant.kinds, isa)

    return different_examples(count, draw)
