"""Values that a mnemonic implies: ``clear`` without its 0, ``mv`` without its 0.

In: a visible text and an instruction set, whose ``isa.toml`` declares them. Out: by domain the JSON
values that the first word brings with it, so that grounding does not lose them.
"""

import json
import re
from collections import Counter

from kvrm_grammar.isa import Domain, InstructionSet

__all__ = ["implied_values"]

_FIRST = re.compile(r"[^ \t]+")


def implied_values(visible: str, isa: InstructionSet) -> dict[Domain, tuple[str, ...]]:
    """List what the first word of a text implies.

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
    found: Counter[tuple[Domain, str]] = Counter()
    for opcode, form in isa.by_mnemonic.get(word.upper(), isa.by_mnemonic.get(word, ())):
        domains = {operand.name: operand.domain for operand in opcode.operands}
        found |= Counter((domains[name], json.dumps(value)) for name, value in form.implied)
    by_domain: dict[Domain, tuple[str, ...]] = {}
    for (domain, value), count in found.items():
        by_domain[domain] = (*by_domain.get(domain, ()), *[value] * count)
    return by_domain
