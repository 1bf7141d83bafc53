"""The schemas of a set, read through JSON Schema: the public view of what Pydantic enforces.

In: the Pydantic models of a set's operations. Out: for each key its operands by name, each with
its domain.
"""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa.domains import Domain, Integers
from kvrm_grammar.isa.operation import INVALID_KEY, OperationModel

__all__ = ["key_of", "models_of", "params_class", "read_schemas", "schema_accepts"]


def models_of(union: Any) -> tuple[type[OperationModel], ...]:
    """The models of ``Annotated[A | B | …, Field(discriminator="key")]``, or of a bare union."""
    found = get_args(union)
    if found and not isinstance(found[0], type):
        found = get_args(found[0])
    models = tuple(m for m in found if isinstance(m, type) and issubclass(m, OperationModel))
    if not models or len(models) != len([m for m in found if isinstance(m, type)]):
        raise IsaError(f"Operation must be a union of OperationModel classes, not {union!r:.80}")
    return models


def read_schemas(models: tuple[type[OperationModel], ...]) -> dict[str, dict[str, Domain]]:
    """Read the operands of every key but the refusal's.

    Raises:
        IsaError: A key is no literal text, occurs twice, or an operand is none of the domains.
    """
    schemas: dict[str, dict[str, Domain]] = {}
    for model in models:
        key = key_of(model)
        if key in schemas:
            raise IsaError(f"{key} has two schemas; keys are unique")
        fields = params_class(model).model_json_schema().get("properties", {})
        schemas[key] = {name: _domain(f"{key}.{name}", field) for name, field in fields.items()}
    if schemas.pop(INVALID_KEY, None) != {}:
        raise IsaError(f"{INVALID_KEY} is missing: add Invalid of kvrm_grammar.isa to the union")
    return schemas


def key_of(model: type[OperationModel]) -> str:
    """The one key that a model has.

    Raises:
        IsaError: It is not a ``Literal`` of one text.
    """
    literals = get_args(model.model_fields["key"].annotation)
    if len(literals) != 1 or not isinstance(literals[0], str):
        raise IsaError(f"{model.__name__}.key must be a Literal of one string")
    return literals[0]


def params_class(model: type[OperationModel]) -> Any:
    """The class of a model's operands."""
    return model.model_fields["params"].annotation


def _domain(place: str, schema: Mapping[str, Any]) -> Domain:
    names: tuple[str, ...] = ()
    integers: Integers | None = None
    longest: int | None = None
    for one in schema.get("anyOf", [schema]):
        match one:
            case {"enum": [*values]} if all(isinstance(value, str) for value in values):
                names += tuple(values)
            case {"const": str(name)}:
                names += (name,)
            case {"type": "integer", "minimum": int(low), "maximum": int(high)}:
                integers = Integers(low, high, one.get("multipleOf", 1))
            case {"type": "string", "maxLength": int(length)}:
                longest = length
            case _:
                raise IsaError(
                    f"{place} must be a Literal of names, a bounded int, a label (LabelOf), "
                    f"or a union of these, not {one}"
                )
    return Domain(names, integers, longest)


def schema_accepts(params: Any, name: str, value: object) -> bool:
    """Whether a schema takes a value for one operand; the others are left out on purpose."""
    try:
        params.model_validate({name: value})
    except ValidationError as error:
        return all(detail["loc"][0] != name for detail in error.errors())
    return True
