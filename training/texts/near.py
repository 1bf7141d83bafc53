"""Words that are an edit from the names of a set: typing errors, and other machines' operations.

In: words and an instruction set. Out: the mnemonics that they are near to.
"""

from functools import lru_cache

from kvrm_grammar.dialects.lenient.data import operation_names
from kvrm_grammar.dialects.lenient.words import one_edit_from
from kvrm_grammar.isa import InstructionSet

__all__ = ["LONG", "names_near", "others_near"]

LONG = 5
"""Letters of a synonym whose misspellings are recognised."""


def names_near(word: str, isa: InstructionSet) -> list[str]:
    """Mnemonics of which a word may be a typing error, or a long synonym of theirs is.

    Words for the same operation count as one.

    >>> from kvrm_grammar.isa import load_set
    >>> names_near("subtrcat", load_set()), names_near("jmpn", load_set())
    (['SUB'], ['JMP', 'JNZ'])
    """
    known = operation_names(isa)
    near = one_edit_from(word, [name for name, own in known.items() if _is_known(name, own)])
    return list(dict.fromkeys(known[name] for name in near))


def _is_known(name: str, mnemonic: str) -> bool:
    return name == mnemonic.upper() or len(name) >= LONG


@lru_cache(maxsize=16)
def others_near(names: tuple[str, ...], isa: InstructionSet) -> list[tuple[str, str]]:
    """Names of other machines, and which of the set's own each is an edit from."""
    return [(name, own) for name in names for own in names_near(name, isa)]
