"""The label language of a set as a regular expression without lookaround.

In: a bound set. Out: an expression for exactly the labels that its grammar takes: which characters,
up to which length, and which names are reserved, all of it asked of the grammar's own terminal.
"""

import string
from collections.abc import Collection
from dataclasses import dataclass, field

from kvrm_grammar.errors import ConstraintError
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.language.regex import alternatives, character_class

__all__ = ["label_regex"]

_DIGITS = frozenset(string.digits)
_ASCII = tuple(map(chr, range(128)))
# A stem is reserved with any digits behind it if it is with all of these.
_ANY_NUMBER = ("0", "8", "9", "00", "07", "77", "1234567890123")


@dataclass
class _Node:
    """A beginning of reserved names: what follows it, and whether it is reserved itself."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    reserved: bool = False
    any_digits: bool = False  # whatever digits follow, at least one, the name is reserved


def label_regex(isa: InstructionSet, longest: int) -> str:
    """Labels of up to ``longest`` characters, none of them a reserved name.

    A label is decided once it has shown that it is no reserved name: with the first character
    that leaves all of them. The expression counts from the end: a decided beginning of at most
    ``n`` characters stands where exactly ``longest - n`` more follow. So the automaton's states
    after it depend on the length alone; one alternative for each number of digits would have the
    same language and, without minimisation, fifteen times the states.

    Args:
        isa: The set; it has labels.
        longest: Characters that a label may have.

    Raises:
        ConstraintError: The terminal takes no label at all, or not what the expression says.

    >>> import re
    >>> from kvrm_grammar.isa import load_set
    >>> regex = label_regex(load_set(), 64)
    >>> bool(re.fullmatch(regex, "loop")), bool(re.fullmatch(regex, "r12"))
    (True, False)
    """
    # A letter that is a name itself begins a label with something behind it.
    first = {c for c in _ASCII if any(isa.is_label(c + end) for end in ("", "a", "_", "0"))}
    plain = sorted(first - {word[0] for word in _cases(isa)})
    if not plain:
        raise ConstraintError("every letter begins a reserved name; free one for labels")
    rest = {c for c in _ASCII if isa.is_label(plain[0] + c)}
    root = _reserved(isa, first, rest)
    follow = character_class(rest)
    regex = alternatives(_leaving(root, first, rest, 1))
    for count in range(2, longest + 1):
        regex = alternatives([regex + follow, *_leaving(root, first, rest, count)])
    return alternatives([*_inside(root, ""), regex])


def _cases(isa: InstructionSet) -> set[str]:
    return {case for word in isa.spellings for case in (word, word.lower(), word.upper())}


def _reserved(isa: InstructionSet, first: Collection[str], rest: Collection[str]) -> _Node:
    """Names that look like labels and are none, as a tree of their letters."""
    root = _Node()
    shaped = {word for word in _cases(isa) if word[0] in first and {*word[1:]} <= {*rest}}
    for word in sorted(word for word in shaped if not isa.is_label(word)):
        stem = word.rstrip(string.digits)
        family = stem != word and not any(isa.is_label(stem + number) for number in _ANY_NUMBER)
        node = root
        for character in stem if family else word:
            node = node.children.setdefault(character, _Node())
        if family:
            node.any_digits = True
        else:
            node.reserved = True
    return root


def _inside(node: _Node, beginning: str) -> list[str]:
    """Labels that are beginnings of reserved names, as one class for those that end alike."""
    own = [c for c, child in sorted(node.children.items()) if not child.reserved]
    options = [beginning + character_class(own)] if own else []
    for character, child in sorted(node.children.items()):
        options += _inside(child, beginning + character_class([character]))
    return options


def _leaving(node: _Node, first: Collection[str], rest: Collection[str], longest: int) -> list[str]:
    """Beginnings of at most ``longest`` characters whose last one leaves the reserved names.

    Args:
        node: What was written so far leads here.
        first: Characters that may come next.
        rest: Characters that may come after that.
        longest: How many may come, at least 1.
    """
    other = character_class(set(rest) - _DIGITS)
    if node.any_digits and not node.children:
        return [f"[0-9]{{0,{longest - 1}}}{other}"]
    out = set(first) - node.children.keys() - (_DIGITS if node.any_digits else set())
    options = [character_class(out)] if out else []
    if node.any_digits and longest > 1:
        options.append(f"[0-9]{{1,{longest - 1}}}{other}")
    alike: dict[str, list[str]] = {}  # characters with the same future share a branch
    for character, child in sorted(node.children.items()) if longest > 1 else ():
        alike.setdefault(alternatives(_leaving(child, rest, rest, longest - 1)), []).append(
            character
        )
    return options + [character_class(chars) + regex for regex, chars in alike.items()]
