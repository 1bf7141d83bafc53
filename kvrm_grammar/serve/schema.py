"""Whether a client's JSON schema is the one that every answer of a set meets.

In: a schema that a client sent. Out: the reason why it is not accepted. The set's own is
:func:`kvrm_grammar.language.formats.json_schema`; what Pydantic writes for the models is as good.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.language.formats import json_schema

__all__ = ["why_not"]

_REMARKS = {"title", "description", "examples", "default", "discriminator", "$schema", "$id"}
_ALTERNATIVES = {"anyOf", "oneOf"}
_DEEPEST = 32
_MOST_PARTS = 20_000


@lru_cache(maxsize=8)
def _accepted(isa: InstructionSet) -> frozenset[Hashable]:
    """The set's schema, as ``kvrm-grammar export`` writes it, and as its models do."""
    exported = json_schema(isa)
    models = [model.model_json_schema() for model in isa.models]
    by_models = {"anyOf": [_Inliner(one).inlined(one) for one in models]}
    return frozenset((_plain(_Inliner(exported).inlined(exported)), _plain(by_models)))


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
        theirs = _plain(_Inliner(schema).inlined(schema))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return f"its references cannot be followed: {error}"
    if theirs in _accepted(isa):
        return None
    return f"it is not the schema of {isa.name}: the answers can meet no other"


@dataclass
class _Inliner:
    """Writes out what a schema refers to, and leaves remarks out. Mutable: it counts its steps.

    A schema of a few lines can stand for one that no memory holds, where each part refers twice to
    the next.
    """

    root: Any
    left: int = _MOST_PARTS

    def inlined(self, part: Any, depth: int = 0) -> Any:
        """The same schema without references.

        Raises:
            ValueError: A reference leads nowhere, or there are too many.
        """
        self.left -= 1
        if depth > _DEEPEST or self.left < 0:
            raise ValueError("there are too many, one in another")
        if isinstance(part, list):
            return [self.inlined(one, depth + 1) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return self.inlined(_target(part["$ref"], self.root), depth + 1)
        return {
            name: self._named(own, depth) if name == "properties" else self.inlined(own, depth + 1)
            for name, own in part.items()
            if name not in _REMARKS and name != "$defs"
        }

    def _named(self, parts: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """Properties: their names are no words of the schema's language."""
        return {name: self.inlined(own, depth + 1) for name, own in parts.items()}


def _target(reference: object, root: Any) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise ValueError(f"{reference!r} is not of this schema")
    found = root
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def _plain(part: Any) -> Hashable:
    """A value that is equal for schemas that say the same, and no larger than they are."""
    if isinstance(part, list):
        return ("list", *map(_plain, part))
    if not isinstance(part, dict):
        # In JSON 1 is 1.0, and neither is true; in Python all three are equal.
        return isinstance(part, bool), part
    rows: list[tuple[str, Hashable]] = []
    for name, own in part.items():
        if name in _ALTERNATIVES:
            rows.append(("anyOf", frozenset(map(_plain, own))))
        elif name == "const":
            rows.append(("enum", frozenset([_plain(own)])))
        elif name in {"required", "enum"}:
            rows.append((name, frozenset(map(_plain, own))))
        else:
            rows.append((name, _plain(own)))
    return frozenset(rows)
