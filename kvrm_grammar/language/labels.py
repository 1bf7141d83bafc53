"""The label language of a set as a regular expression without lookaround.

In: a bound set. Out: an expression for exactly the labels that its grammar takes: which characters,
up to which length, and which names are reserved, all of it asked of the grammar's own terminal.
"""

import re
import string
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import product

from kvrm_grammar.errors import ConstraintError
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.isa.spelling import every_case
from kvrm_grammar.language.regex import alternatives, character_class

__all__ = ["label_regex"]

_DIGITS = frozenset(string.digits)
_ASCII = tuple(map(chr, range(128)))
# One of each kind: small and capital letters, digits, and signs that labels have somewhere.
_PROBES = "abzAZ09_.$-@"
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
        ConstraintError: Every letter begins a reserved name, a reserved name goes on where a
            numbered family does, or the terminal is more than a first character and others.

    >>> import re
    >>> from kvrm_grammar.isa import load_set
    >>> regex = label_regex(load_set(), 64)
    >>> bool(re.fullmatch(regex, "loop")), bool(re.fullmatch(regex, "r12"))
    (True, False)
    """
    # A letter that is a name itself begins a label with something behind it.
    first = {c for c in _ASCII if any(isa.is_label(c + end) for end in ("", "a", "_", "0"))}
    words = _refused_words(isa)
    plain = sorted(first - {word[0] for word in words})
    if not plain:
        raise ConstraintError("every letter begins a reserved name; free one for labels")
    rest = {c for c in _ASCII if isa.is_label(plain[0] + c)}
    shaped = {w for w in words if w[0] in first and {*w[1:]} <= rest and len(w) <= longest}
    root = _reserved(isa, shaped)
    follow = character_class(rest)
    regex = alternatives(_leaving(root, first, rest, 1))
    for count in range(2, longest + 1):
        regex = alternatives([regex + follow, *_leaving(root, first, rest, count)])
    regex = alternatives([*_inside(root, ""), regex])
    _check_shape(isa, re.compile(regex), (plain[0] * longest, plain[0] * (longest + 1)))
    return regex


def _check_shape(isa: InstructionSet, pattern: re.Pattern[str], more: Collection[str]) -> None:
    """Probe what was taken for granted: one character of some, then any number of others."""
    words = ("".join(word) for length in range(4) for word in product(_PROBES, repeat=length))
    for word in (*words, *more):
        if isa.is_label(word) != bool(pattern.fullmatch(word)):
            raise ConstraintError(
                f"LABEL {'takes' if isa.is_label(word) else 'refuses'} {word!r}, which no set of "
                "first and of further characters explains; write it as [first][further]{0,n}"
            )


def _refused_words(isa: InstructionSet) -> set[str]:
    """Words that are no labels: of those that a grammar may reserve, in every case."""
    terminal = isa.label_pattern.pattern if isa.label_pattern else ""
    # `[Ss][Pp]` in the terminal is the word sp.
    listed = re.findall(r"[A-Za-z_.$][\w.$]*", re.sub(r"\[(\w)\w\]", r"\1", terminal))
    words = {*isa.spellings, *isa.by_mnemonic, *listed}
    return {case for word in words for case in every_case(word) if not isa.is_label(case)}


def _reserved(isa: InstructionSet, words: Collection[str]) -> _Node:
    """Names that look like labels and are none, as a tree of their letters."""
    root = _Node()
    for word in sorted(words):
        stem = word.rstrip(string.digits)
        family = stem != word and not any(isa.is_label(stem + number) for number in _ANY_NUMBER)
        node = root
        for character in stem if family else word:
            node = node.children.setdefault(character, _Node())
        if family:
            node.any_digits = True
        else:
            node.reserved = True
    _check_families(root, "")
    return root


def _check_families(node: _Node, beginning: str) -> None:
    if node.any_digits and _DIGITS & node.children.keys():
        raise ConstraintError(
            f"{beginning} is reserved with any number behind it, and so is a longer name that "
            "goes on with a digit; give that name another beginning"
        )
    for character, child in node.children.items():
        _check_families(child, beginning + character)


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
