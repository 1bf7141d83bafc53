"""Labels as a grammar spells them, for the schemas of a set.

In: the terminal ``LABEL`` of a grammar file. Out: an annotation for Pydantic, so that alphabet,
reserved names and length are written once, in the grammar.
"""

import re
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa.grammar import compile_grammar, terminal_pattern

__all__ = ["LabelOf", "label_shape", "longest_label"]

_LONGEST = 1024
_ASCII = [chr(code) for code in range(128)]


class LabelOf:
    """Annotates a ``str`` as a label: ``Annotated[str, LabelOf(path)]``.

    Args:
        grammar: A Lark file with a terminal ``LABEL``; read when the schema is built.
    """

    def __init__(self, grammar: Path) -> None:
        self._grammar = grammar

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        try:
            text = self._grammar.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise IsaError(f"cannot read the grammar {self._grammar}: {error}") from error
        pattern = terminal_pattern(compile_grammar(text), "LABEL")
        if pattern is None:
            raise IsaError(f"{self._grammar} has no terminal LABEL")
        return pattern

    def _check(self, name: str) -> str:
        if not self._pattern.fullmatch(name):
            raise ValueError(f"{name!r} is not a label of this instruction set")
        return name

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        longest = longest_label(self._pattern)
        return core_schema.no_info_after_validator_function(
            self._check, core_schema.str_schema(max_length=longest)
        )


def label_shape(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """Words made of a label's characters, also those that are too long or reserved.

    Args:
        pattern: What a grammar takes for a label.

    >>> label_shape(re.compile("(?!ra)[a-z][a-z0-9]{0,7}")).fullmatch("ra") is not None
    True
    """
    starts = [c for c in _ASCII if any(pattern.fullmatch(c + other) for other in ("", *_ASCII))]
    following = [c for c in _ASCII if any(pattern.fullmatch(start + c) for start in starts)]
    first, other = ("".join(map(re.escape, some)) for some in (starts, following))
    return re.compile(f"[{first}]" + (f"[{other}]*" if other else "") if first else "(?!)")


def longest_label(pattern: re.Pattern[str]) -> int:
    """How many characters the longest label has that a pattern allows.

    Raises:
        IsaError: No label at all, or one of more than 1,024 characters.
    """
    starts = [c for c in _ASCII if pattern.fullmatch(c)]
    # What a label begins with need not be what it goes on with.
    pairs = ((c, other) for c in starts for other in _ASCII if pattern.fullmatch(c + other))
    first, other = next(pairs, ("".join(starts[:1]), ""))
    words = ((n, first + other * (n - 1)) for n in range(1, _LONGEST + 2))
    longest = max((n for n, word in words if len(word) == n and pattern.fullmatch(word)), default=0)
    if not 0 < longest <= _LONGEST:
        raise IsaError(f"LABEL must allow labels, of at most {_LONGEST} characters")
    return longest
