"""The words of a strict text, from separator to separator.

In: a visible text and an instruction set. Out: its words, the operation's name first.
"""

import re
from functools import lru_cache

from kvrm_grammar.isa import InstructionSet

__all__ = ["written_words"]


def written_words(visible: str, isa: InstructionSet) -> list[str]:
    """Split a text at blanks, commas and the set's other separators; a literal is one word.

    >>> from kvrm_grammar.isa import load_set
    >>> written_words("mov r1, ' '", load_set())
    ['mov', 'r1', "' '"]
    """
    return _pattern(isa).findall(visible)


@lru_cache(maxsize=16)
def _pattern(isa: InstructionSet) -> re.Pattern[str]:
    marks = re.escape(isa.punctuation)
    end = rf"(?=[ \t,{marks}]|\Z)"
    return re.compile(rf"#?'(?:\\.|[^\\])'{end}|[^ \t,{marks}]+")
