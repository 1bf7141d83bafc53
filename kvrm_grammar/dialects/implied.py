"""Values that a mnemonic implies: ``clear`` without its 0, ``mv`` without its 0.

In: a visible text or a name, and an instruction set, whose ``isa.toml`` declares them. Out: by
domain the JSON values that come with it, so that grounding does not lose them.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence

from kvrm_grammar.isa import Domain, Form, InstructionSet, Mentions, Opcode

__all__ = ["implied_by_name", "implied_values"]

_FIRST = re.compile(r"[^ \t]+")


def implied_values(visible: str, isa: InstructionSet) -> Mentions:
    """List what a strict text implies: by its first word, and by what else is written.

    ``lw a0, (sp)`` has an offset of 0, for it has the form that leaves the offset out;
    ``lw a0, 9999(sp)`` has not.

    Args:
        visible: What the model sees of the instruction.
        isa: Its forms say which operands are not written.

    Returns:
        By domain its JSON values, each as often as one form of the word implies it at most;
        nothing where the word implies nothing.

    >>> from kvrm_grammar.isa import load_set
    >>> implied_values("halt", load_set())
    {}
    """
    first = _FIRST.match(visible)
    word = first[0] if first else ""
    forms = _forms(word, isa)
    return _implied([row for row in forms if row[1].implied and row[1].takes(visible)])


def implied_by_name(name: str, isa: InstructionSet) -> Mentions:
    """List what any form of a mnemonic implies, as :func:`implied_values` does of one text."""
    return _implied(_forms(name, isa))


def _forms(word: str, isa: InstructionSet) -> Sequence[tuple[Opcode, Form]]:
    return isa.by_mnemonic.get(word.upper(), isa.by_mnemonic.get(word, ()))


def _implied(rows: Sequence[tuple[Opcode, Form]]) -> Mentions:
    found: Counter[tuple[Domain, str]] = Counter()
    for opcode, form in rows:
        if form.implied:
            domains = {operand.name: operand.domain for operand in opcode.operands}
            found |= Counter((domains[name], json.dumps(value)) for name, value in form.implied)
    by_domain: dict[Domain, tuple[str, ...]] = {}
    for (domain, value), count in found.items():
        by_domain[domain] = (*by_domain.get(domain, ()), *[value] * count)
    return by_domain
