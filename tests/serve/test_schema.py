"""Which JSON schema is the set's own, however it is written."""

import json
from typing import Any, cast

import pytest
from pydantic import RootModel

from kvrm_grammar.isa import load_set, packaged_sets
from kvrm_grammar.language.formats import json_schema
from kvrm_grammar.serve.schema import why_not
from kvrm_grammar.sets.kvrm.operations import Operation

ISA = load_set()


def test_the_schema_is_the_sets_whatever_writes_it() -> None:
    """As it is exported, or by Pydantic with references, titles and a discriminator."""
    by_pydantic = RootModel[Operation].model_json_schema()
    assert "$defs" in by_pydantic and "$ref" in str(by_pydantic)
    assert why_not(by_pydantic, ISA) is None
    assert why_not(json_schema(ISA), ISA) is None


@pytest.mark.parametrize("name", packaged_sets())
def test_the_exported_schema_is_accepted(name: str) -> None:
    """What `kvrm-grammar export --json-schema` writes, of every set, and of no other set."""
    isa = load_set(name)
    assert why_not(json_schema(isa), isa) is None
    assert {*packaged_sets()} > {name}
    for other in {*packaged_sets()} - {name}:
        assert why_not(json_schema(isa), load_set(other)) is not None


def test_order_and_remarks_do_not_count() -> None:
    """Alternatives and required fields in another order say the same."""
    schema: Any = json_schema(ISA)
    schema["anyOf"].reverse()
    schema["anyOf"][3]["required"].reverse()
    schema["description"] = "an operation"
    assert why_not(schema, ISA) is None


@pytest.mark.parametrize("key", ISA.keys)
def test_one_operation_less_is_another_schema(key: str) -> None:
    """Every operation counts, whoever writes the schema."""
    schema: Any = json_schema(ISA)
    (holder,) = [one for one in schema["anyOf"] if key in one["properties"]["key"]["enum"]]
    holder["properties"]["key"]["enum"].remove(key)
    assert "not the schema of kvrm" in (why_not(schema, ISA) or "")
    by_pydantic: Any = RootModel[Operation].model_json_schema()
    left = [one for one in by_pydantic["oneOf"] if one["$ref"] != _reference(by_pydantic, key)]
    assert len(left) == len(by_pydantic["oneOf"]) - 1
    assert "not the schema of kvrm" in (why_not({**by_pydantic, "oneOf": left}, ISA) or "")


def _reference(schema: Any, key: str) -> str:
    return cast(str, schema["discriminator"]["mapping"][key])


def nested(depth: int) -> dict[str, Any]:
    """One in another; what grows by each would not end."""
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(depth):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (None, "no schema"),
        ([], "no schema"),
        ({"type": "object"}, "not the schema"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "cannot be followed"),
        ({"$ref": "#/nowhere"}, "cannot be followed"),
        ({"$ref": 5}, "cannot be followed"),
        ({"anyOf": 5}, "cannot be followed"),
        ({"properties": 5}, "cannot be followed"),
        (nested(31), "not the schema"),
        (nested(40), "cannot be followed"),
        (
            {
                "$defs": {
                    f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(30)
                },
                "$ref": "#/$defs/a0",
            },
            "cannot be followed",
        ),
    ],
)
def test_other_schemas_are_refused_with_a_reason(schema: Any, words: str) -> None:
    """Those that lead nowhere, or round in a circle, too."""
    assert words in (why_not(schema, ISA) or "")


def test_two_lists_of_alternatives_are_no_one() -> None:
    """What is to meet both is not what meets the second."""
    schema = {"oneOf": [{"type": "null"}], **json_schema(ISA)}
    assert why_not(json_schema(ISA), ISA) is None
    assert "anyOf" in schema and why_not(schema, ISA) is not None


@pytest.mark.parametrize(("written", "is_same"), [("0.0", True), ("false", False), ('"0"', False)])
def test_kinds_of_values_count(written: str, is_same: bool) -> None:
    """In JSON 0 is 0.0, and is not false."""
    own = json.dumps(json_schema(ISA))
    told = own.replace('"minimum": 0', f'"minimum": {written}')
    assert told != own
    assert (why_not(json.loads(told), ISA) is None) is is_same


def test_a_range_counts() -> None:
    """The same fields with other bounds are another schema."""
    schema: Any = json_schema(ISA)
    bounded = [one for one in schema["$defs"].values() if "minimum" in one]
    assert bounded
    bounded[0].pop("minimum")
    assert why_not(schema, ISA) is not None
