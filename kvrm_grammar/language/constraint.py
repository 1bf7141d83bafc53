"""The output language: an instruction set as one regular expression.

In: a bound :class:`~kvrm_grammar.isa.InstructionSet`. Out: a frozen :class:`Constraint`
whose language is exactly the canonical JSON of every valid operation. Integer
bounds are part of the language, because Outlines ignores ``minimum`` and
``maximum`` of a JSON schema.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from kvrm_grammar.errors import ConstraintError
from kvrm_grammar.isa import INVALID_KEY, Domain, InstructionSet, Integers, Opcode, Operand
from kvrm_grammar.language.labels import label_regex
from kvrm_grammar.language.regex import (
    alternatives,
    escape,
    integer_range_regex,
    multiples_regex,
)

__all__ = [
    "MAX_REGEX_LENGTH",
    "Constraint",
    "build_constraint",
    "domain_regex",
    "finite_constraint",
]

MAX_REGEX_LENGTH = 200_000
"""Characters an expression may have: beyond it, compiling takes minutes and gigabytes."""

_FORMAT = "kvrm-constraint-1"


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


@lru_cache(maxsize=16)
def build_constraint(isa: InstructionSet) -> Constraint:
    """Compile an instruction set to the language of its canonical JSON.

    Args:
        isa: The bound instruction set; its opcode table was read off the schemas.

    Returns:
        The language of ``operation_to_json``, ``OP_INVALID`` included; the same object for the
        same set.

    Raises:
        ConstraintError: Register names, labels or size are beyond what can be expressed.

    >>> import re
    >>> from kvrm_grammar.isa import load_set
    >>> constraint = build_constraint(load_set())
    >>> bool(re.fullmatch(constraint.regex, '{"key":"OP_INC","params":{"dest":"R8"}}'))
    False
    """
    values = {domain: _value(isa, domain) for domain in isa.domains}
    # Opcodes with equal params share one expression, so that they share automaton states.
    keys_by_params: dict[_Part, list[str]] = {}
    for opcode in (*isa.opcodes, Opcode(INVALID_KEY, (), ())):
        params = _params(opcode.operands, values)
        keys_by_params.setdefault(params, []).append(opcode.key)
    options = [
        _concat(_literals(keys), _literal('","params":{'), params, _literal("}"))
        for params, keys in keys_by_params.items()
    ]
    return _constraint(_concat(_literal('{"key":"'), _union(options), _literal("}")))


def domain_regex(isa: InstructionSet, domain: Domain) -> str:
    """The expression for the JSON values of one domain, as the constraint has it.

    Args:
        isa: The set.
        domain: Of one of its operands.

    Raises:
        ConstraintError: See :func:`build_constraint`.

    >>> from kvrm_grammar.isa import load_set
    >>> isa = load_set()
    >>> domain_regex(isa, isa.domains[0])[:13]
    '(?:"R0"|"R1"|'
    """
    return _value(isa, domain).regex


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


def _value(isa: InstructionSet, domain: Domain) -> _Part:
    """The JSON values of a domain."""
    parts = []
    if domain.names:
        parts.append(_literals([json.dumps(name) for name in domain.names]))
    if domain.integers is not None:
        parts.append(_integers(domain.integers))
    if domain.label_max_length is not None:
        quote, longest = _literal('"'), domain.label_max_length
        parts.append(_concat(quote, _Part(label_regex(isa, longest), longest), quote))
    return _union(parts)


def _integers(integers: Integers) -> _Part:
    low, high = integers.low, integers.high
    regex = (
        integer_range_regex(low, high)
        if integers.step == 1
        else multiples_regex(low, high, integers.step)
    )
    return _Part(regex, max(len(str(low)), len(str(high))))


def _params(operands: Iterable[Operand], values: dict[Domain, _Part]) -> _Part:
    parts: list[_Part] = []
    for operand in operands:
        comma = "," if parts else ""
        parts += [_literal(f"{comma}{json.dumps(operand.name)}:"), values[operand.domain]]
    return _concat(*parts)


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
