"""The strict dialect: an assembly language that the set's grammar defines in full.

In: one line. Out: its ``Reading``. An operand is mentioned as a whole word, from separator to
separator: neither half of ``4*2`` is one.
"""

import json
import re
from functools import lru_cache
from typing import ClassVar

from kvrm_grammar.dialects.bare_code import (
    ASCII_LOWER,
    defines_label,
    one_blank,
    split_label,
    tight_brackets,
    without_comments,
)
from kvrm_grammar.dialects.base import Dialect, Reading
from kvrm_grammar.dialects.implied import implied_values
from kvrm_grammar.dialects.numbers import read_number
from kvrm_grammar.dialects.written_words import written_words
from kvrm_grammar.isa import (
    INVALID,
    Domain,
    InstructionSet,
    Mentions,
    Operand,
    OperationModel,
)
from kvrm_grammar.oracle.reference import LineParts, line_parts

__all__ = ["StrictDialect", "strict_mentions"]


class StrictDialect(Dialect):
    """What the grammar defines. Its reference parser is the oracle. Immutable."""

    name: ClassVar[str] = "strict"

    def _cut(self, line: str) -> tuple[str | None, str]:
        if "\n" in line or "\r" in line:
            return None, line.strip(" \t")
        label, code = split_label(without_comments(line, self.isa), self.isa)
        return label, tight_brackets(one_blank(code), self.isa, in_front=True)

    def _shown(self, code: str) -> str:
        if not _has_free_case(self.isa):
            return code
        first = _first_word(self.isa).match(code)
        end = first.end() if first else 0
        shown = code[:end].translate(ASCII_LOWER) + code[end:]
        # In capitals it may be no label, and so a fault that the model must see.
        hides_a_fault = defines_label(shown, self.isa) and not defines_label(code, self.isa)
        return code if hides_a_fault else shown

    def mentions(self, code: str) -> Mentions:
        """See :func:`strict_mentions`."""
        return strict_mentions(code, self.isa)

    def guess(self, reading: Reading) -> OperationModel:
        """The refusal: the reference parser says all that a draft could."""
        return INVALID

    def explain(self, reading: Reading) -> str | None:
        """The reference parser's reason."""
        return reading.verdict.reason

    def split(self, line: str) -> LineParts:
        """As the grammar splits it."""
        return line_parts(line, self.isa)


@lru_cache(maxsize=16)
def _has_free_case(isa: InstructionSet) -> bool:
    """Whether the case of no mnemonic means anything: then it is not shown to the model."""
    forms = (form for opcode in isa.opcodes for form in opcode.forms)
    return all(form.free_case or form.mnemonic.upper() == form.mnemonic.lower() for form in forms)


@lru_cache(maxsize=16)
def _first_word(isa: InstructionSet) -> re.Pattern[str]:
    """As :func:`written_words` splits; a literal is none."""
    return re.compile(rf"[^ \t,'{re.escape(isa.punctuation)}]+")


@lru_cache(maxsize=16)
def _operands(isa: InstructionSet) -> dict[Domain, Operand]:
    """An operand for each domain: those of one domain are written alike."""
    return {operand.domain: operand for opcode in isa.opcodes for operand in opcode.operands}


def strict_mentions(code: str, isa: InstructionSet) -> Mentions:
    """List what an instruction's text mentions, as JSON values.

    The first word names the operation, the others are operands: what the grammar takes for a
    member of a domain is a mention for it. What cannot be read (``067``, ``R9`` as a register, a
    number out of range) is none.

    Args:
        code: What the model sees of the instruction, with the letters' case as written.
        isa: Gives the domains, and what the grammar takes for a member of each.

    Returns:
        See :meth:`Dialect.mentions`.

    >>> from kvrm_grammar.isa import load_set
    >>> isa = load_set()
    >>> list(strict_mentions("add r5, r5, 0x1F", isa).values())
    [('"R5"', '"R5"'), ('31',), ('31',)]
    >>> [values for values in strict_mentions("mov r8, r1", isa).values()][:2]
    [('"R1"',), ()]
    """
    words = written_words(code, isa)[1:]
    written = (
        (domain, tuple(value for word in words for value in _values(word, operand)))
        for domain, operand in _operands(isa).items()
    )
    return Mentions(tuple(written), implied_values(code, isa))


def _values(word: str, operand: Operand) -> list[str]:
    """The JSON value of a word as a member of a domain; none where it is no member."""
    if not operand.pattern.fullmatch(word):
        return []
    spellings = dict(operand.spellings)
    if word in spellings:
        return [json.dumps(spellings[word])]
    value = read_number(word) if word[0] in "#+-'0123456789" else None
    if value is None:
        return [json.dumps(word)] if operand.domain.has_labels else []
    integers = operand.domain.integers
    return [str(value)] if integers is not None and value in integers else []
