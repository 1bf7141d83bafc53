"""Texts of any set that are operations, and texts near them that are none.

In: a set. Out: drawn texts, the same for the same set; what is right of them says the codec, which
shares nothing with the regular expression.
"""

import json
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

from kvrm_grammar.errors import OperationError
from kvrm_grammar.isa import INVALID, InstructionSet, Opcode, Operand, operation_to_json
from kvrm_grammar.isa.sampling import boundary_values, draw_value

__all__ = ["is_canonical", "is_operation", "near_misses", "operations", "texts"]

_SIGNS = '"{}:,_-0129aRrx. \\n'


def is_operation(text: str, isa: InstructionSet) -> bool:
    """Whether the codec takes a text, in whatever layout."""
    try:
        isa.parse_json(text)
    except OperationError:
        return False
    return True


def is_canonical(text: str, isa: InstructionSet) -> bool:
    """Whether a text is an operation's own canonical text."""
    return is_operation(text, isa) and operation_to_json(isa.parse_json(text)) == text


@cache
def operations(isa: InstructionSet) -> tuple[str, ...]:
    """Every name and every end of a range in each operand, labels of all lengths, some drawn."""
    rng, found = Random(isa.name), [operation_to_json(INVALID)]
    for opcode in isa.opcodes:
        for _ in range(4):
            found.append(_text(opcode, _drawn(rng, opcode, isa)))
        for operand in opcode.operands:
            for value in _notable(operand, isa):
                found.append(_text(opcode, _drawn(rng, opcode, isa) | {operand.name: value}))
    return tuple(dict.fromkeys(text for text in found if is_canonical(text, isa)))


@cache
def near_misses(isa: InstructionSet) -> tuple[str, ...]:
    """One edit away, out of range, with blanks, with keys in another order or of another type."""
    rng, found = Random(isa.name + "!"), list[str]()
    for opcode in isa.opcodes:
        params = _drawn(rng, opcode, isa)
        found += _misshapen(opcode, params)
        for operand in opcode.operands:
            for value in (*boundary_values(operand.domain), *_strange(operand, isa)):
                found.append(_text(opcode, params | {operand.name: value}))
    for text in rng.sample(operations(isa), min(120, len(operations(isa)))):
        found += [_edited(rng, text) for _ in range(4)]
    return tuple(dict.fromkeys(text for text in found if not is_canonical(text, isa)))


def texts(isa: InstructionSet) -> tuple[str, ...]:
    """Both kinds."""
    return (*operations(isa), *near_misses(isa))


def _drawn(rng: Random, opcode: Opcode, isa: InstructionSet) -> dict[str, Any]:
    return {operand.name: draw_value(rng, operand, isa) for operand in opcode.operands}


def _notable(operand: Operand, isa: InstructionSet) -> Iterator[str | int]:
    yield from operand.domain.names
    yield from boundary_values(operand.domain)
    if operand.domain.label_max_length is not None:
        first = next(c for c in "qQjx_" if isa.is_label(c * 3))
        for length in {1, 2, operand.domain.label_max_length - 1, operand.domain.label_max_length}:
            yield first * length
        yield from (word + first for word in isa.names[:4])


def _strange(operand: Operand, isa: InstructionSet) -> Iterator[Any]:
    yield from ("", " ", "1", None, True, 0.5, 1.0, [], {}, "é", 10**30, -(10**30))
    yield from (word.swapcase() for word in operand.domain.names[:3])
    yield from isa.names[:2]  # of another operand, or no label
    if operand.domain.label_max_length is not None:
        yield "q" * (operand.domain.label_max_length + 1)
        yield from ("q\n", "9q", "q-", 'q"', "q\\")


def _misshapen(opcode: Opcode, params: dict[str, Any]) -> list[str]:
    whole = {"key": opcode.key, "params": params}
    plain = _text(opcode, params)
    turned = json.dumps(dict(reversed(whole.items())), separators=(",", ":"))
    other = _text(opcode, dict(reversed(params.items())))
    more = _text(opcode, params | {"more": 1})
    fewer = _text(opcode, dict([*params.items()][1:]))
    blanks = [json.dumps(whole), json.dumps(whole, indent=1), " " + plain, plain + "\n"]
    twice = plain.replace('"params"', f'"key":"{opcode.key}","params"')
    numbers = plain.replace(":1", ":01").replace(":2", ":+2").replace("}}", ".0}}")
    return [*blanks, turned, other, more, fewer, twice, numbers, plain[:-1], plain + "}", ""]


def _edited(rng: Random, text: str) -> str:
    place, sign = rng.randrange(len(text)), rng.choice(_SIGNS)
    kept = rng.choice((0, 1))
    return text[:place] + rng.choice(("", sign)) + text[place + kept :]


def _text(opcode: Opcode, params: dict[str, Any]) -> str:
    return json.dumps({"key": opcode.key, "params": params}, separators=(",", ":"))
