"""The output language: an instruction set as one regular expression.

In: a bound :class:`~kvrm_grammar.isa.binding.Isa`. Out: a frozen :class:`Constraint`
whose language is exactly the canonical JSON of every valid operation. Integer
bounds are part of the language, because Outlines ignores ``minimum`` and
``maximum`` of a JSON schema.
"""

import hashlib
import itertools
import json
import string
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from kvrm_grammar.errors import ConstraintError
from kvrm_grammar.isa.binding import Isa, Opcode, Operand, OperandKind, accepts, compile_grammar
from kvrm_grammar.isa.operations import INVALID_KEY
from kvrm_grammar.language.regex import alternatives, character_class, escape, integer_range_regex

__all__ = [
    "MAX_REGEX_LENGTH",
    "Constraint",
    "build_constraint",
    "finite_constraint",
    "integer_range_regex",
]

MAX_REGEX_LENGTH = 200_000
"""Characters an expression may have: beyond it, compiling takes minutes and gigabytes."""

_FORMAT = "kvrm-constraint-1"
_DIGITS = frozenset(string.digits)


@dataclass(frozen=True)
class Constraint:
    """A regular language of output texts. Immutable and hashable.

    Attributes:
        regex: Matches the whole text of an output, never a part of it.
        digest: SHA-256 of the expression and of this format, in hexadecimal.
        max_length: Bytes of the longest text in the language, as UTF-8.
    """

    regex: str
    digest: str
    max_length: int


class _Part(NamedTuple):
    """An expression, and the bytes of the longest text that it matches."""

    regex: str
    longest: int


def build_constraint(isa: Isa) -> Constraint:
    """Compile an instruction set to the language of its canonical JSON.

    Args:
        isa: The bound instruction set; its opcode table was read off the schemas.

    Returns:
        The language of ``operation_to_json``, ``OP_INVALID`` included.

    Raises:
        ConstraintError: Register names, labels or size are beyond what can be expressed.

    >>> import re
    >>> from kvrm_grammar.isa.binding import load_isa
    >>> constraint = build_constraint(load_isa())
    >>> bool(re.fullmatch(constraint.regex, '{"key":"OP_INC","params":{"dest":"R8"}}'))
    False
    """
    values = {kind: _value(isa, kind) for kind in _kinds(isa)}
    # Opcodes with equal params share one expression, so that they share automaton states.
    keys_by_params: dict[_Part, list[str]] = {}
    for opcode in (*isa.opcodes, Opcode(INVALID_KEY, "", ())):
        params = _params(opcode.operands, values)
        keys_by_params.setdefault(params, []).append(opcode.key)
    options = [
        _concat(_literals(keys), _literal('","params":{'), params, _literal("}"))
        for params, keys in keys_by_params.items()
    ]
    return _constraint(_concat(_literal('{"key":"'), _union(options), _literal("}")))


def finite_constraint(texts: Iterable[str]) -> Constraint:
    """Make the language that holds just these texts.

    Args:
        texts: At least one output text; duplicates count once. None may be the beginning
            of another, and no JSON object is.

    Returns:
        The finite language.

    Raises:
        ConstraintError: No text at all, one that begins another, or too many.

    >>> finite_constraint(["{}", "[]"]).max_length
    2
    """
    ordered = sorted(set(texts))
    if not ordered:
        raise ConstraintError("a constraint needs at least one text")
    for text, following in itertools.pairwise(ordered):
        # Outlines drops the way from a complete text to a longer one of two more bytes.
        if following.startswith(text):
            raise ConstraintError(f"{text!r} is the beginning of {following!r}")
    return _constraint(_literals(ordered))


def _kinds(isa: Isa) -> list[OperandKind]:
    return sorted({operand.kind for opcode in isa.opcodes for operand in opcode.operands})


def _value(isa: Isa, kind: OperandKind) -> _Part:
    """The JSON values that an operand of this kind may have."""
    if kind == "register":
        return _literals([json.dumps(name) for name in isa.registers])
    if kind == "immediate":
        return _integers(*isa.immediate)
    quote = _literal('"')
    return _union([_integers(*isa.address), _concat(quote, _label(isa), quote)])


def _integers(low: int, high: int) -> _Part:
    return _Part(integer_range_regex(low, high), max(len(str(low)), len(str(high))))


def _params(operands: Iterable[Operand], values: dict[OperandKind, _Part]) -> _Part:
    parts: list[_Part] = []
    for operand in operands:
        comma = "," if parts else ""
        parts += [_literal(f"{comma}{json.dumps(operand.name)}:"), values[operand.kind]]
    return _concat(*parts)


def _label(isa: Isa) -> _Part:
    """Labels as the grammar has them: which characters, and which names are reserved."""
    parser = compile_grammar(isa.grammar)

    def is_target(text: str) -> bool:
        return accepts(parser, "target", text)

    ascii_characters = [chr(code) for code in range(128)]
    first = {c for c in ascii_characters if c not in _DIGITS and is_target(c)}
    stems = {name.rstrip(string.digits) for name in isa.registers}
    letters = {case for stem in stems for case in (stem.lower(), stem.upper())}
    plain = first - letters
    if not plain or not letters <= first or any(is_target(letter + "0") for letter in letters):
        raise ConstraintError(
            f"labels cannot be told from the registers {', '.join(isa.registers)}: "
            "a register name must be one letter and digits, reserved in the grammar"
        )
    start = min(plain)
    rest = {c for c in ascii_characters if is_target(start + c)}
    return _Part(_label_regex(plain, letters, rest, isa.label_max_length), isa.label_max_length)


def _label_regex(
    plain: Collection[str], letters: Collection[str], rest: Collection[str], longest: int
) -> str:
    """Labels of up to ``longest`` characters, none of them a register letter and digits.

    A label is decided once it has shown that it is no register: with its first
    character, or with the first non-digit after a register letter and digits. The
    expression counts from the end: a decided beginning of at most ``n`` characters
    stands where exactly ``longest - n`` more follow. So the automaton's states after
    it depend on the length alone; one alternative for each number of digits would
    have the same language and, without minimisation, fifteen times the states.
    """
    reserved, follow = character_class(letters), character_class(rest)
    decided, other = character_class(plain), character_class(set(rest) - _DIGITS)
    regex = decided
    for count in range(2, longest + 1):
        after_digits = f"{reserved}[0-9]{{0,{count - 2}}}{other}"
        regex = f"(?:{regex}{follow}|{decided}|{after_digits})"
    return f"(?:{reserved}|{regex})"


def _literal(text: str) -> _Part:
    return _Part(escape(text), len(text.encode()))


def _literals(texts: Iterable[str]) -> _Part:
    return _union([_literal(text) for text in texts])


def _concat(*parts: _Part) -> _Part:
    return _Part("".join(part.regex for part in parts), sum(part.longest for part in parts))


def _union(parts: list[_Part]) -> _Part:
    regex = alternatives([part.regex for part in parts])
    return _Part(regex, max(part.longest for part in parts))


def _constraint(part: _Part) -> Constraint:
    if len(part.regex) > MAX_REGEX_LENGTH:
        raise ConstraintError(
            f"the expression has {len(part.regex)} characters, at most {MAX_REGEX_LENGTH} "
            "are allowed; constrain fewer or shorter texts"
        )
    digest = hashlib.sha256(f"{_FORMAT}\n{part.regex}".encode()).hexdigest()
    return Constraint(part.regex, digest, part.longest)
