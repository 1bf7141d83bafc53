"""Values that a mnemonic implies: ``clear`` without its 0, ``mv`` without its 0.

In: a text or a name, and an instruction set, whose ``isa.toml`` declares them. Out: which operand
of which operation has which JSON value, so that grounding does not lose it.
"""

import json
import re
from collections.abc import Sequence

from kvrm_grammar.dialects.written_words import written_words
from kvrm_grammar.isa import Form, Implied, InstructionSet, Opcode

__all__ = ["implied_by_name", "implied_values"]

_FIRST = re.compile(r"[^ \t]+")


def implied_values(code: str, isa: InstructionSet) -> tuple[Implied, ...]:
    """List what a strict text implies: by its first word, and by what else is written.

    ``lw a0, (sp)`` has an offset of 0, for it has the form that leaves the offset out;
    ``lw a0, 9999(sp)`` and ``jalr a0, 9999(sp)`` have not.

    Args:
        code: What the model sees of the instruction, with the letters' case as written.
        isa: Its forms say which operands are not written.

    Returns:
        Opcode, operand and JSON value of each; nothing where the word implies nothing.

    >>> from kvrm_grammar.isa import load_set
    >>> implied_values("halt", load_set())
    ()
    """
    first = _FIRST.match(code)
    rows = [row for row in _forms(first[0] if first else "", isa) if row[1].implied]
    if not rows:
        return ()
    operands = len(written_words(code, isa)) - 1
    return _implied([r for r in rows if len(r[1].operands) == operands and r[1].takes(code)])


def implied_by_name(name: str, isa: InstructionSet) -> tuple[Implied, ...]:
    """List what any form of a mnemonic implies, as :func:`implied_values` does of one text."""
    return _implied(_forms(name, isa))


def _forms(word: str, isa: InstructionSet) -> Sequence[tuple[Opcode, Form]]:
    if not word.isascii():  # the capital letter of a long s is one of ASCII
        return ()
    return isa.by_mnemonic.get(word.upper(), isa.by_mnemonic.get(word, ()))


def _implied(rows: Sequence[tuple[Opcode, Form]]) -> tuple[Implied, ...]:
    found = (
        (opcode.key, name, json.dumps(value))
        for opcode, form in rows
        for name, value in form.implied
    )
    return tuple(dict.fromkeys(found))
