"""The input languages: what each shows the model, and what grounding finds in a text.

In: a name. Out: its :class:`Dialect`. Output, schemas and constraint are the same for all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kvrm_grammar.dialects.lenient.mentions import lenient_mentions
from kvrm_grammar.dialects.mentions import Mentions, mentions
from kvrm_grammar.errors import InputError
from kvrm_grammar.isa.binding import Isa

__all__ = ["DIALECTS", "Dialect", "find_dialect"]


@dataclass(frozen=True)
class Dialect:
    """One input language. Immutable.

    Attributes:
        name: As callers write it.
        adapter: Folder of its packaged adapter, below the data root.
        fold: How ``visible_text`` shows a text: full-width forms, marks and case folded, or not.
        find: What a text mentions.
        shorthand: Whether two registers may stand for three.
    """

    name: str
    adapter: str
    fold: bool
    find: Callable[[str, Isa], Mentions]
    shorthand: bool


DIALECTS: Mapping[str, Dialect] = {
    "strict": Dialect("strict", "models/decode_llm", False, mentions, False),
    "lenient": Dialect("lenient", "models/decode_llm_lenient", True, lenient_mentions, True),
}


def find_dialect(name: str) -> Dialect:
    """Look a dialect up.

    Raises:
        InputError: There is no such dialect.
    """
    if name not in DIALECTS:
        raise InputError(f"unknown dialect {name!r}; available: {', '.join(DIALECTS)}")
    return DIALECTS[name]
