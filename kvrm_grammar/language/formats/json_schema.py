"""The language of a set as a JSON schema, draft 2020-12.

In: a bound set. Out: a schema whose instances are exactly the operations, for servers that
constrain a model by a schema, and for validators. The order of properties is that of the canonical
JSON, and engines that keep to it write the operands in that order; blanks are no matter of a
schema. The draft: https://json-schema.org/draft/2020-12.
"""

from typing import Any

from kvrm_grammar.isa import INVALID_KEY, Domain, InstructionSet
from kvrm_grammar.language.labels import label_regex

__all__ = ["json_schema"]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_Operands = tuple[tuple[str, str], ...]


def json_schema(isa: InstructionSet) -> dict[str, Any]:
    """Write the language of a set as a JSON schema.

    A number without a fraction is an integer to JSON Schema however it is written: ``1.0`` is an
    instance, which :meth:`~kvrm_grammar.isa.InstructionSet.parse_json` refuses. ``pattern`` is
    read as ECMA-262 reads it; Python's ``re`` takes a label with a line end behind it too.

    Args:
        isa: The bound instruction set.

    Returns:
        The schema, without lookaround in patterns, of ``anyOf``, ``enum``, ``pattern``, bounds and
        references. It is the caller's own.

    Raises:
        ConstraintError: Labels are beyond what can be expressed.

    >>> from kvrm_grammar.isa import load_set
    >>> schema = json_schema(load_set())
    >>> schema["anyOf"][0]["properties"]["key"]
    {'enum': ['OP_MOV_REG_IMM']}
    """
    names = {domain: f"domain-{number}" for number, domain in enumerate(isa.domains, start=1)}
    keys: dict[_Operands, list[str]] = {}
    for opcode in isa.opcodes:
        operands = tuple((operand.name, names[operand.domain]) for operand in opcode.operands)
        keys.setdefault(operands, []).append(opcode.key)
    keys.setdefault((), []).append(INVALID_KEY)
    return {
        "$schema": _DRAFT,
        "title": f"Operation of {isa.name}",
        "anyOf": [_operation(own, operands) for operands, own in keys.items()],
        "$defs": {name: _value(isa, domain) for domain, name in names.items()},
    }


def _operation(keys: list[str], operands: _Operands) -> dict[str, Any]:
    params = _closed({name: {"$ref": f"#/$defs/{value}"} for name, value in operands})
    return _closed({"key": {"enum": keys}, "params": params})


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    """An object with all of these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _value(isa: InstructionSet, domain: Domain) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if domain.names:
        parts.append({"enum": [*domain.names]})
    if domain.integers is not None:
        own = domain.integers
        step = {} if own.step == 1 else {"multipleOf": own.step}
        parts.append({"type": "integer", "minimum": own.low, "maximum": own.high, **step})
    if domain.label_max_length is not None:
        pattern = f"^(?:{label_regex(isa, domain.label_max_length)})$"
        parts.append({"type": "string", "pattern": pattern})
    return parts[0] if len(parts) == 1 else {"anyOf": parts}
