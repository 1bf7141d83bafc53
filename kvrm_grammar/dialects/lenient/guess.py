"""A guess at what a lenient text means: only a draft, which the model verifies.

In: a text. Out: an operation. The nearest mnemonic, synonym or keyword names it; operands come
in order of appearance, turned round by ``from``, ``into`` and arrows.
"""

import json
import re
from collections.abc import Iterator, Sequence

from kvrm_grammar.dialects.lenient.keywords import KEYWORDS
from kvrm_grammar.dialects.lenient.mentions import lenient_mentions
from kvrm_grammar.dialects.lenient.spelling import one_edit_from
from kvrm_grammar.dialects.lenient.synonyms import SYNONYMS
from kvrm_grammar.dialects.prompt import visible_text
from kvrm_grammar.errors import OperationError
from kvrm_grammar.isa.binding import Isa, Opcode
from kvrm_grammar.isa.operations import INVALID, Operation, from_fields

__all__ = ["guess"]

_FRINGE = re.compile(r"""^[\s`"'(.]*(?:OP_)?""", re.IGNORECASE)
_FIRST = re.compile(r"[A-Za-z]+")
_GLUED = re.compile(r"([A-Za-z]+?)(?=(?:r|reg|register)\s?[0-7])", re.IGNORECASE)
_NAMED = re.compile(r"([A-Za-z]+[12]?)\s*[=:]\s*([^\s,]+)")
_DEST_LAST = re.compile(
    r"->|\b(?:into|in|to)\s+[%$]?r(?:eg(?:ister)?)?\s?[0-7]\W*\w*$", re.IGNORECASE
)
_FROM = re.compile(r"\b(?:from|off)\s+[%$]?r", re.IGNORECASE)
_TARGET = re.compile(
    r"\b(?:to|at|goto|jump)\s+@?(?!(?:to|at)\b)([A-Za-z_.][A-Za-z0-9_.$]*|[0-9][0-9A-Za-z_]*)"
)
_WORDS_OF_JUMPS = re.compile(r"(?:to|at|if|when|then)$", re.IGNORECASE)


def guess(text: str, isa: Isa) -> Operation:
    """Guess what a text of the lenient dialect means.

    Args:
        text: At most 256 characters.
        isa: The instruction set.

    Returns:
        Some operation; ``OP_INVALID`` where nothing fits.

    >>> from kvrm_grammar.isa.binding import load_isa
    >>> guess("subtract r1 from r3, store in r5", load_isa()).params.src1
    'R3'
    """
    seen = _FRINGE.sub("", visible_text(text, fold=True), count=1)
    mnemonic = _mnemonic(seen, isa)
    for opcode in isa.opcodes:
        if opcode.mnemonic == mnemonic:
            params = _operands(seen, opcode, isa)
            if params is not None:
                try:
                    return from_fields(opcode.key, params)
                except OperationError:
                    continue
    return INVALID


def _mnemonic(text: str, isa: Isa) -> str | None:
    names = [opcode.mnemonic for opcode in isa.opcodes]
    known = {name: name for name in names}
    known |= {other: name for name, others in SYNONYMS.items() for other in others}
    first = _FIRST.match(text)
    if first:
        glued = _GLUED.match(text)
        for word in (first[0], glued[1] if glued else ""):
            if word.upper() in names or (word.upper() in known and len(text.split()) < 4):
                return known[word.upper()]
    for pattern, name in KEYWORDS:
        if name in names and re.search(pattern, text, re.IGNORECASE):
            return name
    if first:
        if first[0].upper() in known:
            return known[first[0].upper()]
        near = one_edit_from(first[0], sorted(set(names)))
        return near[0] if near else None
    return None


def _operands(text: str, opcode: Opcode, isa: Isa) -> dict[str, object] | None:
    found = lenient_mentions(text, isa)
    registers = [json.loads(value) for value in found["register"] or ()]
    numbers = [int(value) for value in found["immediate"] or ()]
    names = [operand.name for operand in opcode.operands]
    kinds = [operand.kind for operand in opcode.operands]
    wanted = kinds.count("register")
    named = _by_name(text, opcode, isa)
    if named is not None:
        return named
    if wanted == 3 and len(registers) == 2:
        registers = [registers[0], *registers]
    if len(registers) != wanted:
        return None
    if "dest" in names and wanted > 1 and _DEST_LAST.search(text):
        registers = [registers[-1], *registers[:-1]]
    if wanted == 3 and _FROM.search(text):
        registers[1:] = registers[:0:-1]
    values: dict[str, Iterator[object]] = {
        "register": iter(registers),
        "immediate": iter(numbers[-1:] or [0]),
        "target": iter(_targets(text, found["target"] or ())),
    }
    params = {o.name: next(values[o.kind], None) for o in opcode.operands}
    return None if None in params.values() else params


def _targets(text: str, mentioned: Sequence[str]) -> list[object]:
    """The label or address that the text most likely means."""
    values = [json.loads(value) for value in mentioned]
    pointed = _TARGET.search(text)
    if pointed and pointed[1] in values:
        return [pointed[1]]
    usable = [v for v in values[1:] if not (isinstance(v, str) and _WORDS_OF_JUMPS.match(v))]
    return usable[:1] or values[:1]


def _by_name(text: str, opcode: Opcode, isa: Isa) -> dict[str, object] | None:
    """Operands written ``dest=r5``; None where they are not all named."""
    aliases = {"dst": "dest", "a": "src1", "b": "src2", "d": "dest", "rd": "dest"}
    params: dict[str, object] = {}
    for name, value in _NAMED.findall(text):
        own = aliases.get(name.lower(), name.lower())
        kind = next((o.kind for o in opcode.operands if o.name == own), None)
        found = lenient_mentions(f" {value}", isa)[kind] if kind else None
        if found:
            params[own] = json.loads(found[0])
    return params if len(params) == len(opcode.operands) > 0 else None
