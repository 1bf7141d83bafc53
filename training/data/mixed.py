"""What the packaged set's lenient adapter learns from: its own makers' texts, and any set's.

In: a generator seed. Out: :class:`training.data.examples.Example`. The makers of any set add the
notations of ``unnamed.toml``, what stands around a line, the listings of tools, and names of other
machines that are an edit from the set's own.
"""

from collections.abc import Iterator
from random import Random
from sys import maxsize

from kvrm_grammar.isa import InstructionSet, load_set
from training.data.any_set import any_kinds, any_set_examples
from training.data.examples import Example
from training.data.lenient import generate_lenient
from training.texts.lenient.forms import FORMS
from training.texts.lenient.refused import LENIENT_REFUSAL_KINDS
from training.texts.lenient.valid import MANNERS

__all__ = ["GENERAL", "OWN_KINDS", "general_kinds", "mixed_lenient"]

GENERAL = 0.5
"""Share of texts from the makers of any set."""

OWN_KINDS = frozenset((*FORMS, *MANNERS, *LENIENT_REFUSAL_KINDS))
"""What the packaged set's own makers write, families of notations apart."""


def general_kinds(isa: InstructionSet | None = None) -> list[str]:
    """Kinds that only the makers of any set have of the packaged set."""
    return [kind for kind in any_kinds(load_set(isa)) if kind not in OWN_KINDS]


def mixed_lenient(
    count: int,
    seed: int,
    *,
    refusals: float = 0.4,
    general: float = GENERAL,
    isa: InstructionSet | None = None,
) -> Iterator[Example]:
    """Draw examples to train on.

    Args:
        count: How many.
        seed: Of all generators behind it.
        refusals: Share of texts that must be refused, 0 to 1; a little less where the general
            makers' prose is left out.
        general: Share of texts from the makers of any set, 0 to 1.
        isa: The instruction set; None for the packaged one.

    Yields:
        Examples in a reproducible order; texts may repeat.

    Raises:
        DataError: See :func:`training.data.lenient.generate_lenient`.
    """
    isa, rng = load_set(isa), Random(seed)
    own = generate_lenient(count, seed, refusals=refusals, isa=isa)
    # The set's own prose knows what its operations are in English.
    others = (
        example
        for example in any_set_examples(maxsize, rng.getrandbits(64), refusals=refusals, isa=isa)
        if "prose" not in example.kinds
    )
    for _ in range(count):
        yield next(others if rng.random() < general else own)
