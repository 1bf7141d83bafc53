"""A guess at what a lenient text means: only a draft, which the model verifies.

In: a text. Out: an operation. The nearest mnemonic, synonym or keyword names it; operands come
in order of appearance, turned round by ``from``, ``into`` and arrows.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from kvrm_grammar.dialects.lenient.data import LenientData, lenient_data, operation_names
from kvrm_grammar.dialects.lenient.mentions import written_mentions
from kvrm_grammar.dialects.lenient.names import name_patterns
from kvrm_grammar.dialects.lenient.words import OPERATION_FIELDS, one_edit_from
from kvrm_grammar.errors import OperationError
from kvrm_grammar.isa import (
    INVALID,
    Form,
    InstructionSet,
    Mentions,
    Opcode,
    Operand,
    OperationModel,
)

__all__ = ["guess"]

_FRINGE = re.compile(r"""^[\s`"'(.]*(?:OP_)?""", re.IGNORECASE)
_FIRST = re.compile(r"[A-Za-z]+")
_NAMED = re.compile(r"([A-Za-z]+[12]?)\s*[=:]\s*([^\s,]+)")
_TARGET = re.compile(
    r"\b(?:to|at|goto|jump)\s+@?(?!(?:to|at)\b)([A-Za-z_.][A-Za-z0-9_.$]*|[0-9][0-9A-Za-z_]*)"
)
_SIGNS = str.maketrans(dict.fromkeys("\u2190\u27f5\u2254", "=") | {
    "\u2192": "->", "\u27f6": "->", "\u00d7": "*", "\u22c5": "*", "\u00b7": "*", "\u2212": "-",
})  # fmt: skip
_LONG_ARROW = re.compile(r"<--|=\s*(?==)|-->")
_STEP = re.compile(r"\s*(?:#?(?:1|0[xX]0*1|0[bB]0*1|0[oO]0*1|one))\s*", re.IGNORECASE)
_RECORD = re.compile(r"[{}\"']|\b(?:params|operands|args|arguments)[\"']?\s*[:=]", re.IGNORECASE)
_OPERATION = re.compile(
    rf"\b(?:{'|'.join(OPERATION_FIELDS)})\s*[:=]\s*"
    r"(?:OP_)?([A-Za-z]+)\w*,?",
    re.IGNORECASE,
)
_WORDS_OF_JUMPS = re.compile(r"(?:to|at|if|when|then)$", re.IGNORECASE)


@dataclass(frozen=True)
class _Patterns:
    """What depends on how a set's names are spelled. Immutable."""

    glued: re.Pattern[str] | None
    destination_last: re.Pattern[str]
    turned_round: re.Pattern[str]


@lru_cache(maxsize=16)
def _patterns(isa: InstructionSet) -> _Patterns:
    names = name_patterns(isa)
    glued = names.glued and re.compile(rf"([A-Za-z]+?)(?={names.glued})", re.IGNORECASE)
    start = rf"[%$]?{names.stem}" if names.stem else names.one
    return _Patterns(
        glued or None,
        re.compile(rf"->|\b(?:into|in|to)\s+{names.one}\W*\w*$", re.IGNORECASE),
        re.compile(rf"\b(?:from|off)\s+{start}", re.IGNORECASE),
    )


def guess(visible: str, mentions: Mentions, isa: InstructionSet) -> OperationModel:
    """Guess what a text of the lenient dialect means.

    Args:
        visible: What the model sees of it.
        mentions: What it mentions.
        isa: The instruction set.

    Returns:
        Some operation; ``OP_INVALID`` where nothing fits.

    >>> from kvrm_grammar.dialects import find_dialect
    >>> reading = find_dialect("lenient").read("subtract r1 from r3, store in r5")
    >>> guess(reading.visible, reading.mentions, reading.dialect.isa).params.src1
    'R3'
    """
    data = lenient_data(isa)
    seen = _plainly(visible)
    mnemonic, seen = _step(seen, isa) or (_mnemonic(seen, isa, data), seen)
    for opcode, form in isa.by_mnemonic.get(mnemonic or "", ()):
        found = mentions if seen == visible else written_mentions(seen, isa)
        params = _operands(seen, found, opcode, form, isa, data)
        if params is not None:
            try:
                return isa.operation(opcode.key, params)
            except OperationError:
                continue
    return INVALID


def _plainly(visible: str) -> str:
    """Arrows as signs of ASCII, a record as a mnemonic and named operands."""
    text = _LONG_ARROW.sub("=", visible.translate(_SIGNS).replace("-->", "->"))
    bare = _RECORD.sub(" ", text)
    if named := _OPERATION.search(bare):
        text = f"{named[1]} {bare[: named.start()]} {bare[named.end() :]}"
    return _FRINGE.sub("", text, count=1)


def _step(text: str, isa: InstructionSet) -> tuple[str, str] | None:
    """``r1 += 1`` and ``r1 = r1 + 1`` step a register: the mnemonic, and the register."""
    for mnemonic, pattern in _steps(isa):
        found = pattern.fullmatch(text.strip(" ."))
        if found and _STEP.fullmatch(found[4]):
            names = {_digits(name) for name in found.groups()[:3] if name}
            return (mnemonic, found[1]) if len(names) == 1 else None
    return None


@lru_cache(maxsize=16)
def _steps(isa: InstructionSet) -> tuple[tuple[str, re.Pattern[str]], ...]:
    one = name_patterns(isa).one
    return tuple(
        (
            mnemonic,
            re.compile(
                rf"({one})\s*(?:{step}=|:?=\s*({one})\s*{step}|<-\s*({one})\s*{step})(.*)",
                re.IGNORECASE,
            ),
        )
        for mnemonic, sign in lenient_data(isa).step_signs.items()
        for step in [re.escape(sign[0])]
    )


def _digits(name: str) -> str:
    return re.sub("[^0-9]", "", name) or name.lower()


@lru_cache(maxsize=16)
def _recognised(isa: InstructionSet) -> tuple[str, ...]:
    """Names whose misspellings are recognised: mnemonics, and synonyms that are long enough."""
    own = {name.upper() for name in isa.by_mnemonic}
    return tuple(sorted(name for name in operation_names(isa) if len(name) > 4 or name in own))


def _mnemonic(text: str, isa: InstructionSet, data: LenientData) -> str | None:
    known = operation_names(isa)
    first = _FIRST.match(text)
    if first and first[0].lower() in data.all_other_operations:
        return None
    if first:
        pattern = _patterns(isa).glued
        glued = pattern.match(text) if pattern else None
        for word in (first[0], glued[1] if glued else ""):
            if word.upper() in isa.by_mnemonic or (word.upper() in known and len(text.split()) < 4):
                return known[word.upper()]
    for keyword, name in data.keywords:
        if keyword.search(text):
            return name
    if first:
        if first[0].upper() in known:
            return known[first[0].upper()]
        near = one_edit_from(first[0], _recognised(isa))
        return known[near[0]] if near else None
    return None


def _operands(
    text: str,
    found: Mentions,
    opcode: Opcode,
    form: Form,
    isa: InstructionSet,
    data: LenientData,
) -> dict[str, object] | None:
    by_name = {operand.name: operand for operand in opcode.operands}
    slots = [by_name[name] for name in form.operands]
    named = _by_name(text, slots, isa, data)
    if named is not None:
        return {**named, **dict(form.implied)}
    mentioned = _names(found)
    wanted = sum(bool(slot.domain.names) for slot in slots)
    has_destination = any(slot.name == data.destination for slot in slots)
    if len(slots) == 3 and has_destination and len(mentioned) == wanted - 1 > 0:
        mentioned = [mentioned[0], *mentioned]
    if len(mentioned) != wanted:
        return None
    if has_destination and wanted > 1 and _patterns(isa).destination_last.search(text):
        mentioned = [mentioned[-1], *mentioned[:-1]]
    if wanted == 3 and _patterns(isa).turned_round.search(text):
        mentioned[1:] = mentioned[:0:-1]
    params = _placed(text, slots, found, iter(mentioned))
    return None if params is None else {**params, **dict(form.implied)}


def _names(found: Mentions) -> list[str]:
    values = next((found[domain] for domain in found if domain.names), None)
    return [json.loads(value) for value in values or ()]


def _placed(
    text: str, slots: Sequence[Operand], found: Mentions, names: Iterator[str]
) -> dict[str, object] | None:
    """Values for the operands in written order; None where one is missing."""
    params: dict[str, object] = {}
    for operand in slots:
        domain, value = operand.domain, cast("object", None)
        if domain.names:
            value = next(names, None)
        elif domain.has_labels:
            value = next(iter(_targets(text, found[domain] or ())), None)
        else:
            numbers = [json.loads(one) for one in found[domain] or ()]
            value = numbers[-1] if numbers else 0
        if value is None:
            return None
        params[operand.name] = value
    return params


def _targets(text: str, mentioned: Sequence[str]) -> list[object]:
    """The label or address that the text most likely means."""
    values = [json.loads(value) for value in mentioned]
    pointed = _TARGET.search(text)
    if pointed and pointed[1] in values:
        return [pointed[1]]
    usable = [v for v in values[1:] if not (isinstance(v, str) and _WORDS_OF_JUMPS.match(v))]
    return usable[:1] or values[:1]


def _by_name(
    text: str, slots: Sequence[Operand], isa: InstructionSet, data: LenientData
) -> dict[str, object] | None:
    """Operands written ``name=value``; None where they are not all named."""
    domains = {slot.name: slot.domain for slot in slots}
    params: dict[str, object] = {}
    for name, value in _NAMED.findall(text):
        own = data.aliases.get(name.lower(), name.lower())
        found = written_mentions(f" {value}", isa)[domains[own]] if own in domains else None
        if found:
            params[own] = json.loads(found[0])
    return params if len(params) == len(slots) > 0 else None
