"""A Lark grammar, read as data: who may write which operation in which form.

In: the text of a grammar. Out: the compiled parser, the forms of every operation, and for each
operand rule one regular expression. What a grammar must have: the rules ``line`` and
``source_line``; for each operation a rule ``op_xyz``, whose expansions each begin with a mnemonic
(a terminal of ASCII characters, ``[Mm]`` where case is free) and go on with one rule for each
operand that is written, named as the schema names it. Terminals ``LABEL`` and ``LABEL_DEF`` where
there are labels.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from lark import Lark
from lark.exceptions import LarkError, UnexpectedInput
from lark.grammar import Rule, Symbol

from kvrm_grammar.errors import IsaError

__all__ = ["WrittenForm", "accepts", "compile_grammar", "operand_pattern", "read_forms"]
__all__ += ["loose_brackets", "one_line", "punctuation_of", "terminal_pattern"]

_OPENING, _CLOSING = "([{", ")]}"
_Expansion = tuple[str, tuple[str, ...]]  # a rule's name, and the names of its symbols
_STARTS = ("line", "source_line")
_PIECE = re.compile(r"\[([A-Za-z])([A-Za-z])\]|\\(.)|([A-Za-z0-9_])")


@dataclass(frozen=True)
class WrittenForm:
    """One expansion of an operation's rule. Immutable.

    Attributes:
        mnemonic: In upper case where the grammar leaves the case free.
        operands: Rule names of the operands that are written, in written order.
        free_case: Whether the mnemonic's case means nothing.
        pattern: What stands between the operands, each of them a group of its own.
        pieces: The same as texts: names of operands in braces, and a separator of each kind.
    """

    mnemonic: str
    operands: tuple[str, ...]
    free_case: bool
    pattern: str = ""
    pieces: tuple[str, ...] = ()


@lru_cache(maxsize=16)
def compile_grammar(grammar: str) -> Lark:
    """Compile grammar text once; the parser is shared, stateless and thread-safe.

    Args:
        grammar: Lark text with the start symbols ``line`` and ``source_line``.

    Returns:
        The LALR parser for both start symbols.

    Raises:
        IsaError: The text is not such a grammar.
    """
    try:
        return Lark(grammar, parser="lalr", start=list(_STARTS), maybe_placeholders=False)
    except LarkError as error:
        raise IsaError(f"not a usable grammar: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """What another package's error says, without its line ends; its kind where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def accepts(parser: Lark, start: str, text: str) -> bool:
    """Tell whether the rule ``start`` of the grammar derives the whole text."""
    try:
        parser.parse(text, start=start)
    except UnexpectedInput:
        return False
    return True


def terminal_pattern(parser: Lark, name: str) -> re.Pattern[str] | None:
    """The regular expression of a terminal; None where the grammar has no such terminal."""
    found = next((t for t in parser.terminals if t.name == name), None)
    return None if found is None else re.compile(found.pattern.to_regexp())


def read_forms(parser: Lark) -> dict[str, tuple[WrittenForm, ...]]:
    """Read ``key -> forms`` from the rules ``op_*``.

    Raises:
        IsaError: An expansion does not begin with a mnemonic, or names an operand twice.
    """
    forms: dict[str, list[WrittenForm]] = defaultdict(list)
    for rule in _rules(parser):
        key = str(rule.origin.name).upper()
        if key.startswith("OP_"):
            forms[key].append(_form(parser, key, rule.expansion))
    return {key: _joined(found) for key, found in forms.items()}


def _joined(found: list[WrittenForm]) -> tuple[WrittenForm, ...]:
    """One form for all expansions that differ in optional blanks alone; the shortest is kept."""
    best: dict[tuple[str, tuple[str, ...]], WrittenForm] = {}
    for form in sorted(found, key=lambda form: len(form.pieces), reverse=True):
        best[form.mnemonic, _without_blanks(form)] = form
    order = dict.fromkeys((form.mnemonic, _without_blanks(form)) for form in found)
    return tuple(best[one] for one in order)


def _without_blanks(form: WrittenForm) -> tuple[str, ...]:
    """What is written behind a mnemonic: operands, commas and brackets."""
    return tuple(filter(None, map(str.strip, form.pieces)))


def _form(parser: Lark, key: str, expansion: Iterable[Symbol]) -> WrittenForm:
    symbols = [symbol for symbol in expansion if not _is_dropped(symbol)]
    if not symbols or not symbols[0].is_term:
        raise IsaError(f"{key}: each expansion of its rule must start with a mnemonic")
    mnemonic, *operands = symbols
    if stray := next((symbol.name for symbol in operands if symbol.is_term), None):
        raise IsaError(
            f"{key}: terminal {stray} stands where an operand's rule should; "
            "begin the names of separators with _"
        )
    names = tuple(str(symbol.name) for symbol in operands)
    if len({*names}) != len(names):
        raise IsaError(f"{key}: an operand occurs twice in ({', '.join(names)})")
    text, free_case = _mnemonic(parser, key, str(mnemonic.name))
    return WrittenForm(text, names, free_case, *_between(parser, list(expansion)[1:]))


def _between(parser: Lark, symbols: list[Symbol]) -> tuple[str, tuple[str, ...]]:
    """What follows a mnemonic, as a pattern and as texts."""
    terminals = {t.name: t.pattern.to_regexp() for t in parser.terminals}
    pattern, pieces = "", list[str]()
    for symbol in symbols:
        name = str(symbol.name)
        if not symbol.is_term:
            pattern, pieces = pattern + "(.+?)", [*pieces, f"{{{name}}}"]
            continue
        own = terminals[name]
        plain = re.sub(r"\\(.)", r"\1", own)
        usual = (", ", " ", ",", plain, "")
        pieces.append(next((text for text in usual if re.fullmatch(own, text)), plain))
        pattern += f"(?:{own})"
    return pattern, tuple(pieces)


def _mnemonic(parser: Lark, key: str, terminal: str) -> tuple[str, bool]:
    pattern = next(t.pattern for t in parser.terminals if t.name == terminal)
    written = str(pattern.value)
    if type(pattern).__name__ == "PatternStr" and not pattern.flags:
        return written, False
    pieces = list(_PIECE.finditer(written))
    whole = "".join(piece[0] for piece in pieces) == written
    paired = all(piece[1] is None or piece[1].lower() == piece[2].lower() for piece in pieces)
    # A letter of fixed case among others would make a name whose case is half free.
    letters = {bool(piece[1]) for piece in pieces if (piece[1] or piece[4] or "").isalpha()}
    if pattern.flags or not pieces or not whole or not paired or len(letters) > 1:
        raise IsaError(
            f"{key}: terminal {terminal} is /{written}/, not one mnemonic; "
            f"write it as /{''.join(f'[{c}{c.lower()}]' for c in 'ABC')}/"
        )
    text = "".join(piece[1] or piece[3] or piece[4] for piece in pieces)
    return (text.upper(), True) if any(piece[1] for piece in pieces) else (text, False)


def operand_pattern(parser: Lark, rule: str) -> re.Pattern[str]:
    """One regular expression for all that an operand's rule derives.

    Args:
        parser: Of :func:`compile_grammar`.
        rule: Its name.

    Returns:
        To be matched against a whole word; what is dropped from the tree is part of it.

    Raises:
        IsaError: The rule refers to itself, or there is none of that name.
    """
    expansions: dict[str, list[list[Symbol]]] = defaultdict(list)
    for one in _rules(parser):
        expansions[str(one.origin.name)].append(list(one.expansion))
    terminals = {t.name: t.pattern.to_regexp() for t in parser.terminals}
    return re.compile(_derived(rule, expansions, terminals, ()))


def _derived(
    rule: str,
    expansions: Mapping[str, list[list[Symbol]]],
    terminals: Mapping[str, str],
    within: tuple[str, ...],
) -> str:
    if rule in within:
        raise IsaError(f"the operand rule {within[0]} refers to itself; a word must be finite")
    if rule not in expansions:
        raise IsaError(f"the grammar has no rule {rule}")
    options = [
        "".join(
            f"(?:{terminals[symbol.name]})"
            if symbol.is_term
            else _derived(str(symbol.name), expansions, terminals, (*within, rule))
            for symbol in expansion
        )
        for expansion in expansions[rule]
    ]
    return f"(?:{'|'.join(options)})"


def punctuation_of(parser: Lark) -> str:
    """Characters that stand between operands, other than blanks and commas: ``()`` in ``8(sp)``."""
    literals, found = _literals(parser), set[str]()
    for rule in _rules(parser):
        if _is_operation(rule):
            dropped = (symbol.name for symbol in rule.expansion if _is_dropped(symbol))
            found.update(*(literals.get(str(name), "") for name in dropped))
    return "".join(sorted(found - {" ", "\t", ","}))


def loose_brackets(parser: Lark) -> tuple[str, str]:
    """The brackets of operations beside which a blank may stand or not, in every form.

    Returns:
        Those where that is so on their inner side, and those that open, where it is so between
        them and an operand in front. None of those that are a part of operands.
    """
    patterns = {t.name: t.pattern.to_regexp() for t in parser.terminals}
    blanks = {n for n, one in patterns.items() if n[:1] == "_" and re.fullmatch(one, " \t")}
    forms, within_operands = set[_Expansion](), set[str]()
    for rule in _rules(parser):
        names = tuple(str(symbol.name) for symbol in rule.expansion)
        if _is_operation(rule):
            forms.add((str(rule.origin.name), names))
        else:
            within_operands.update(names, (patterns.get(name, "") for name in names))
    inner, before = "", ""
    for name, mark in sorted(_literals(parser).items(), key=lambda one: one[1]):
        if mark not in [*_OPENING, *_CLOSING] or name in within_operands:
            continue
        if any(written in one for one in within_operands for written in (f"\\{mark}", f"[{mark}]")):
            continue
        opens = mark in _OPENING
        places = [(form, i) for form in forms for i, n in enumerate(form[1]) if n == name]
        if _are_loose(forms, [(form, i + opens) for form, i in places], blanks):
            inner += mark
        operands = [
            (form, i)
            for form, i in places
            if [None, *(n for n in form[1][:i] if n not in blanks)][-1] not in (None, *patterns)
        ]
        if opens and _are_loose(forms, operands, blanks):
            before += mark
    return inner, before


def _are_loose(
    forms: Collection[_Expansion], gaps: Collection[tuple[_Expansion, int]], blanks: Collection[str]
) -> bool:
    """Whether each expansion with a blank at its gap is there without it, and the other way."""
    return bool(gaps) and all(_has_both(forms, form, place, blanks) for form, place in gaps)


def _has_both(
    forms: Collection[_Expansion], form: _Expansion, place: int, blanks: Collection[str]
) -> bool:
    origin, names = form
    for at in (place - 1, place):  # a blank may stand on either side of where one could
        if 0 <= at < len(names) and names[at] in blanks:
            return (origin, names[:at] + names[at + 1 :]) in forms
    return any((origin, (*names[:place], blank, *names[place:])) in forms for blank in blanks)


def _literals(parser: Lark) -> dict[str, str]:
    """The text of each terminal that is one."""
    return {
        t.name: str(t.pattern.value)
        for t in parser.terminals
        if type(t.pattern).__name__ == "PatternStr"
    }


def _is_operation(rule: Rule) -> bool:
    return str(rule.origin.name).startswith("op_")


def _rules(parser: Lark) -> Iterable[Rule]:
    return cast("Iterable[Rule]", parser.rules)


def _is_dropped(symbol: Symbol) -> bool:
    """Whether the tree leaves a symbol out: separators, blanks and quoted punctuation."""
    return str(symbol.name).startswith("_") or (
        symbol.is_term and bool(getattr(symbol, "filter_out", False))
    )
