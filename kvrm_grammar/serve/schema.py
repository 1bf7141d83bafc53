"""The JSON schema of a set's operations, and whether another schema says the same.

In: an instruction set, or a schema that a client sent. Out: the schema that every answer meets;
and the reason why another one is not accepted.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kvrm_grammar.isa import InstructionSet

__all__ = ["json_schema", "why_not"]

_REMARKS = {"title", "description", "examples", "default", "discriminator", "$schema", "$id"}
_ALTERNATIVES = {"anyOf", "oneOf"}
_DEEPEST = 32


@lru_cache(maxsize=8)
def json_schema(isa: InstructionSet) -> Mapping[str, Any]:
    """The schema that every answer of a set meets, the refusal included; without references."""
    return {"anyOf": [_inlined(one, one, 0) for one in (m.model_json_schema() for m in isa.models)]}


def why_not(schema: object, isa: InstructionSet) -> str | None:
    """Say why a schema cannot be promised.

    Args:
        schema: What a client sent.
        isa: The set that answers.

    Returns:
        The reason; None where it says what the set's own schema says. Titles, descriptions, the
        order of alternatives, and whether parts are referred to or written out do not count.
    """
    if not isinstance(schema, dict):
        return "there is no schema in it"
    try:
        theirs = _plain(_inlined(schema, schema, 0))
    except (KeyError, TypeError, RecursionError, ValueError) as error:
        return f"its references cannot be followed: {error}"
    if theirs == _plain(json_schema(isa)):
        return None
    return f"it is not the schema of {isa.name}: the answers can meet no other"


def _inlined(part: Any, root: Any, depth: int) -> Any:
    """The same schema with what it refers to written out, and without remarks."""
    if depth > _DEEPEST:
        raise ValueError("they are too deep")
    if isinstance(part, list):
        return [_inlined(one, root, depth + 1) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(_target(part["$ref"], root), root, depth + 1)
    return {
        name: _named(own, root, depth) if name == "properties" else _inlined(own, root, depth + 1)
        for name, own in part.items()
        if name not in _REMARKS and name != "$defs"
    }


def _named(parts: Mapping[str, Any], root: Any, depth: int) -> dict[str, Any]:
    """Properties: their names are no words of the schema's language."""
    return {name: _inlined(own, root, depth + 1) for name, own in parts.items()}


def _target(reference: object, root: Any) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise ValueError(f"{reference!r} is not of this schema")
    found = root
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def _plain(part: Any) -> str:
    """Text that is equal for schemas that say the same."""
    if isinstance(part, list):
        return json.dumps([_plain(one) for one in part])
    if not isinstance(part, dict):
        return json.dumps(part)
    rows = {}
    for name, own in part.items():
        if name in _ALTERNATIVES:
            rows["anyOf"] = json.dumps(sorted({_plain(one) for one in own}))
        elif name == "const":
            rows["enum"] = json.dumps([json.dumps(own)])
        elif name in {"required", "enum"}:
            rows[name] = json.dumps(sorted(_plain(one) for one in own))
        else:
            rows[name] = _plain(own)
    return json.dumps(rows, sort_keys=True)
