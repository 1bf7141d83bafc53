"""``lenient.toml``: what people write instead of a set's own words.

In: the tables of the file. Out: a frozen :class:`LenientData`. It makes drafts and training texts;
no answer depends on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kvrm_grammar.errors import InputError, IsaError
from kvrm_grammar.isa import InstructionSet

__all__ = ["LenientData", "lenient_data"]


@dataclass(frozen=True)
class LenientData:
    """The tables of ``lenient.toml``. Immutable.

    Attributes:
        synonyms: Mnemonic -> other words for it. Their order is part of what a seed means.
        infix_signs: Mnemonic -> the sign between its two sources.
        step_signs: Mnemonic -> the sign behind its only operand.
        other_operations: Operations of other machines, in lower case.
        keywords: Patterns of English and the mnemonic that each suggests; the first that occurs
            in a text counts.
        aliases: Other names of operands -> the operand.
        destination: The operand that arrows and ``into`` point to; empty where there is none.
    """

    synonyms: Mapping[str, tuple[str, ...]]
    infix_signs: Mapping[str, str]
    step_signs: Mapping[str, str]
    other_operations: tuple[str, ...]
    keywords: tuple[tuple[str, str], ...]
    aliases: Mapping[str, str]
    destination: str


@lru_cache(maxsize=16)
def lenient_data(isa: InstructionSet) -> LenientData:
    """Read the tables of a set.

    Raises:
        InputError: The set has no ``lenient.toml``, so it has no lenient dialect.
        IsaError: A table has the wrong shape, or is about a mnemonic that the set does not have.
    """
    tables = isa.dialect_data
    if tables is None:
        raise InputError(f"the set {isa.name} has no lenient.toml, so no lenient dialect")
    try:
        data = LenientData(
            {name: tuple(words) for name, words in tables.get("synonyms", {}).items()},
            dict(tables.get("infix_signs", {})),
            dict(tables.get("step_signs", {})),
            tuple(tables.get("other_operations", ())),
            tuple((pattern, name) for pattern, name in tables.get("keywords", ())),
            dict(tables.get("aliases", {})),
            str(tables.get("destination", "")),
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise IsaError(f"lenient.toml of {isa.name}: {error}") from error
    named = {*data.synonyms, *data.infix_signs, *data.step_signs, *(n for _, n in data.keywords)}
    if strange := sorted(named - isa.by_mnemonic.keys()):
        raise IsaError(f"lenient.toml of {isa.name} is about {strange[0]}, which is no mnemonic")
    return data
