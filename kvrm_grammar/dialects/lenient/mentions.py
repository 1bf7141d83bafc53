"""What a lenient text mentions: registers, numbers and labels in all their spellings.

In: the text the model sees, marks and full-width forms already taken off. Out: the same table as
:mod:`kvrm_grammar.dialects.strict` gives for the strict dialect. Where a spelling could be
read in two ways, both readings are mentions: grounding leaves the choice to the model. What cannot
be read (``12abc``, ``0e20``, ``1,000``, ``@r1``) is none.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from unicodedata import category, normalize

from kvrm_grammar.dialects.implied import implied_by_name
from kvrm_grammar.dialects.lenient.data import lenient_data, operation_names
from kvrm_grammar.dialects.lenient.names import RAISED, name_patterns
from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS, OPERATION_FIELDS, one_edit_from
from kvrm_grammar.dialects.numbers import character_code, whole_number
from kvrm_grammar.isa import Domain, Implied, InstructionSet, Mentions

__all__ = ["lenient_mentions", "written_mentions"]

_MINUS = "\u2212"
_NUMBER = re.compile(
    r"'(?P<character>\\.|[^\\])'"
    r"|(?P<sign>[-+]?)(?P<gap>[ \t]?)(?<![A-Za-z0-9_.$%])(?<!\d)"
    rf"(?<!{RAISED})"
    r"(?:0[xX](?P<hexadecimal>[0-9A-Fa-f]+)|0[bB](?P<binary>[01]+)|0[oO](?P<octal>[0-7]+)"
    r"|(?P<suffixed>[0-9][0-9A-Fa-f]*)[hH]|\$(?P<dollar>[0-9A-Fa-f]+)|%(?P<percent>[01]+)"
    rf"|(?P<decimal>[0-9]+(?:_[0-9]+)*))(?![A-Za-z0-9_$]|\d|\.[0-9]|{RAISED})"
)
_BASES = {
    "hexadecimal": 16, "binary": 2, "octal": 8, "suffixed": 16, "dollar": 16, "percent": 2,
    "decimal": 10,
}  # fmt: skip
_THOUSANDS = re.compile(r"(?<![\w.])(0[xX][0-9A-Fa-f]+|[0-9]{1,3})(?:[,'][0-9]{3})+(?!\w|[.,']\w)")
_STARTS = " \t,#=(:>'\"`"  # what a signed number starts behind
_NUMBER_WORD = re.compile(
    r"(?<![A-Za-z])(?:" + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True)) + r")(?![A-Za-z])",
    re.ASCII | re.IGNORECASE,
)
# An operation's name, bare or as answers and directives begin: `beqz`, `OP_BEQZ`, `.beqz`.
_NAME = re.compile(r"(?<![\w.$])(?:[Oo][Pp]_|\.)?([A-Za-z]+(?:\.[A-Za-z]+)*)(?![\w$])")
# A letter of another script is part of its word: no half of it is a name.
_WORD = re.compile(r"[A-Za-z0-9_.$\u0080-\U0010ffff]+")
_FIELD = re.compile(r"[\"']?[ \t]*[:=][ \t]*[^\s:=>]")  # what stands behind the name of a field
_BLANKS = re.compile(r"[ \t(]*")
_NUMERIC = re.compile(r"[#=]?[-+]?[$%]?[0-9]")  # what begins as a number, whether it can be read
_MORE = re.compile(r"[ \t-]+(?:hundred|thousand|million)(?![A-Za-z])", re.ASCII | re.IGNORECASE)
_NEGATIVE = re.compile(
    rf"(?:(?:\A|(?<=[{re.escape(_STARTS)}]))-(?P<gap>[ \t]?)"
    r"|(?<![A-Za-z])(?:(?P<minus>minus)|negative)[ \t]+)\Z",
    re.ASCII | re.IGNORECASE,
)
_SIGNED = re.compile(rf"(?:\A|[{re.escape(_STARTS)}])-\Z")  # no arrow ends like that
_LETTERS = re.compile(r"[A-Za-z]+\Z")


def lenient_mentions(visible: str, isa: InstructionSet) -> Mentions:
    """List what a lenient text mentions, as JSON values.

    Args:
        visible: What the model sees of the instruction.
        isa: Gives the domains and the spellings of names.

    Returns:
        By domain its JSON values, one for each mention, in order of appearance (labels before
        integers), only those that the domain has; and what words imply.

    >>> from kvrm_grammar.isa import load_set
    >>> list(lenient_mentions("put forty-two in register 3", load_set()).values())[:2]
    [('"R3"',), ('42',)]
    >>> lenient_mentions("clear r2", load_set()).implied
    (('OP_MOV_REG_IMM', 'value', '0'),)
    """
    implied = (*_implied_by_names(visible, isa), *_implied(visible, isa))
    return replace(written_mentions(visible, isa), implied=tuple(dict.fromkeys(implied)))


def _with_raised(text: str) -> str:
    """The text with a raised two for what is a number and no digit: no number is beside one."""
    if text.isascii():
        return text
    return "".join("\u00b2" if _is_numeral(one) else one for one in text)


def _is_numeral(character: str) -> bool:
    """Whether it is a number and no digit, or has digits in it: ``Ⅸ``, ``㉕``, ``㋉``."""
    if character.isascii() or character.isdecimal():
        return False
    inner = normalize("NFKC", character)
    return category(character) in ("No", "Nl") or any(one.isdecimal() for one in inner)


@lru_cache(maxsize=64)  # the guess asks of one text for each form of an operation
def written_mentions(visible: str, isa: InstructionSet) -> Mentions:
    """The same without what words imply."""
    patterns = name_patterns(isa)
    plain = _with_raised(visible).replace(_MINUS, "-")
    plain = _without_thousands(plain, patterns.mention)
    operands = patterns.memory.sub(lambda found: " " * len(found[0]), plain)
    named = _named(operands, isa)
    names = [_canonical(match, isa) for match in named]
    taken = {
        place
        for match in named
        if match.lastgroup != "dollar"  # which may be a hexadecimal number as well
        for place in range(match.start(), match.end())
    }
    zeros = lenient_data(isa).leading_zeros
    numbers = list(_numbers(plain, taken, leading_zeros=zeros))
    labels = _labels(plain, isa)
    return Mentions(tuple((domain, _of(domain, names, numbers, labels)) for domain in isa.domains))


def _without_thousands(text: str, name: re.Pattern[str]) -> str:
    """Blank what a mark before three digits makes unreadable; ``register 1,901`` is no such."""
    ends = {match.end() for match in name.finditer(text)}

    def blank(found: re.Match[str]) -> str:
        return found[0] if found.end(1) in ends else "  "  # two: one might become a literal

    return _THOUSANDS.sub(blank, text)


def _named(text: str, isa: InstructionSet) -> list[re.Match[str]]:
    """Names of operands; letters in front of one are an operation's, or another name's."""
    found: list[re.Match[str]] = []
    end = 0
    for match in name_patterns(isa).mention.finditer(text):
        letters = _LETTERS.search(text[: match.start()]) if match.lastgroup == "number" else None
        if letters is None or match.start() == end or letters[0].upper() in operation_names(isa):
            found.append(match)
        end = match.end()
    return found


def _implied_by_names(visible: str, isa: InstructionSet) -> Iterator[Implied]:
    """What names of operations imply; a synonym or a misspelt first word does what its own does.

    So does one that a program calls, or has first, behind a dot: ``asm.beqz(a0, loop)``.
    """
    if not _implying(isa):
        return
    names: dict[str, None] = {}
    for place, match in enumerate(_NAME.finditer(visible)):
        word = match[1]
        # One letter misspells every name of one letter.
        names |= dict.fromkeys(_meant(word, isa, near=place == 0 and len(word) > 1))
        if place == 0 or visible.startswith(("(", "!", "{"), match.end()):
            names |= dict.fromkeys(_meant(_called(word, isa), isa, near=False))
    for name in names:
        yield from implied_by_name(name, isa)


def _called(word: str, isa: InstructionSet) -> str:
    """The longest name of an operation that a word with dots ends in, or the word."""
    pieces, known = word.upper().split("."), operation_names(isa)
    ends = (".".join(pieces[start:]) for start in range(len(pieces)))
    return next((end for end in ends if end in known), word)


@lru_cache(maxsize=16)
def _implying(isa: InstructionSet) -> frozenset[str]:
    """Mnemonics of which a form does not write all operands."""
    forms = isa.by_mnemonic.items()
    return frozenset(name for name, own in forms if any(form.implied for _, form in own))


@lru_cache(maxsize=4096)
def _meant(word: str, isa: InstructionSet, *, near: bool) -> tuple[str, ...]:
    """The mnemonics that a word stands for, of those that imply something."""
    known = {**{name: name for name in _implying(isa)}, **lenient_data(isa).meant_by}
    upper = word.upper()
    if upper in known or upper in isa.by_mnemonic or not near:
        names = [known[upper]] if upper in known else []
    else:
        names = [known[name] for name in one_edit_from(word, list(known))]
    return tuple(dict.fromkeys(name for name in names if name in _implying(isa)))


def _implied(visible: str, isa: InstructionSet) -> Iterator[Implied]:
    """What words anywhere in the text imply: a zero by one of clearing."""
    plain = visible.replace(_MINUS, "-")
    for words, implied in _rows(isa):
        if words.search(plain):
            yield from implied


@lru_cache(maxsize=16)
def _rows(isa: InstructionSet) -> tuple[tuple[re.Pattern[str], tuple[Implied, ...]], ...]:
    """The table of implied values, each for every operand that it is about."""
    return tuple(
        (
            row.words,
            tuple(
                (opcode.key, operand.name, json.dumps(row.value))
                for opcode in isa.opcodes
                if not row.of or opcode.key in row.of
                for operand in opcode.operands
                if operand.name == row.operand and operand.domain.has_value(row.value)
            ),
        )
        for row in lenient_data(isa).implied
    )


def _canonical(match: re.Match[str], isa: InstructionSet) -> str:
    """The name that a match means; a numbered one may be none of the set's."""
    found = match.groupdict()
    if "number" in found:
        number = found["number"] or found["dollar"] or str(NUMBER_WORDS[found["word"].lower()])
        word = name_patterns(isa).stem + number
        return isa.spellings.get(word) or isa.spellings.get(word.upper()) or word
    word = match["name"]
    cases = (word, word.lower(), word.upper())
    return next((isa.spellings[one] for one in cases if one in isa.spellings), word)


def _of(domain: Domain, names: list[str], numbers: list[int], labels: list[str]) -> tuple[str, ...]:
    """The members of a domain among what was found."""
    values = [json.dumps(name) for name in names if name in domain.names]
    values += [json.dumps(label) for label in labels] if domain.has_labels else []
    integers = domain.integers
    return (*values, *(str(n) for n in numbers if integers is not None and n in integers))


def _numbers(text: str, taken: set[int], *, leading_zeros: bool) -> Iterator[int]:
    """All numbers, those in words last; a sign that may be an operator gives both readings."""
    for match in _NUMBER.finditer(text):
        if match["character"] is not None:
            code = character_code(match["character"])
            if code is not None and not _SIGNED.search(text[: match.start()]):
                yield code
            continue
        if match.end() - 1 in taken:  # the digit of a register
            continue
        name, base = next((n, b) for n, b in _BASES.items() if match[n] is not None)
        value = whole_number(match[name].replace("_", ""), base)
        if value is None or (base == 10 and value and not leading_zeros and match[name][0] == "0"):
            continue
        if match["sign"] != "-":
            yield value
            continue
        yield -value
        before = text[: match.start()][-1:]
        if match["gap"] or before not in _STARTS:
            yield value
    yield from _numbers_in_words(text, taken)


def _numbers_in_words(text: str, taken: set[int]) -> Iterator[int]:
    """Those from zero to one hundred, and their negatives; no part of ``two hundred``."""
    end = 0
    for match in _NUMBER_WORD.finditer(text):
        if match.start() < end:
            continue
        if larger := _MORE.match(text, match.end()):
            end = larger.end()
            continue
        value = NUMBER_WORDS[match[0].lower()]
        own = match.start() in taken  # ``register-five``
        negative = None if own else _NEGATIVE.search(text[: match.start()])
        if negative is None:
            yield value
            continue
        yield -value
        if negative["minus"] or negative["gap"]:
            yield value


def _labels(text: str, isa: InstructionSet) -> list[str]:
    """Words that may be labels, with and without a full stop behind them.

    The operation in front of a name or a number, or of nothing that may be a label, is none, nor
    is a field: ``blt a0, a1``, ``jmp 0xfffffffff``, ``jmp @r1``, ``target=loop``.
    """
    words, known = list(_WORD.finditer(text)), operation_names(isa)
    named = [found for found in words if found[0].isascii() and found[0].upper() in known]
    # With another operation, as in Forth, it may be a label all the same.
    is_alone = len(named) == 1 and named[0] is words[0]
    others = [*_words_of_labels(words[is_alone:], text, isa)]
    if not is_alone or not others or _is_before_operand(words[0], isa):
        return others
    return [*_words_of_labels(words[:1], text, isa), *others]


def _words_of_labels(
    words: Iterable[re.Match[str]], text: str, isa: InstructionSet
) -> Iterator[str]:
    fields = _field_names(isa)
    for found in words:
        word = found[0]
        if word.lower() in fields and _FIELD.match(text, found.end()):
            continue
        for name in dict.fromkeys((word, word.rstrip("."))):
            if name and isa.is_label(name):
                yield name


def _is_before_operand(found: re.Match[str], isa: InstructionSet) -> bool:
    behind = _BLANKS.match(found.string, found.end())
    assert behind is not None
    patterns = (name_patterns(isa).mention, _NUMERIC)
    return any(pattern.match(found.string, behind.end()) for pattern in patterns)


@lru_cache(maxsize=16)
def _field_names(isa: InstructionSet) -> frozenset[str]:
    """What records call their fields, in lower case: operands, and the operation."""
    operands = {operand.name.lower() for opcode in isa.opcodes for operand in opcode.operands}
    return frozenset({*operands, *lenient_data(isa).aliases, *OPERATION_FIELDS})
