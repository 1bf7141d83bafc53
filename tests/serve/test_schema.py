"""Which JSON schema is the set's own, however it is written."""

import copy
from typing import Any

import pytest
from pydantic import RootModel

from kvrm_grammar.isa import load_set, packaged_sets
from kvrm_grammar.language.formats import json_schema as exported
from kvrm_grammar.serve.schema import json_schema, why_not
from kvrm_grammar.sets.kvrm.operations import Operation

ISA = load_set()


def test_the_schema_is_the_sets_whatever_writes_it() -> None:
    """Written out, or by Pydantic with references, titles and a discriminator."""
    by_pydantic = RootModel[Operation].model_json_schema()
    assert "$defs" in by_pydantic and "$ref" in str(by_pydantic)
    assert "$ref" not in str(json_schema(ISA)) and len(json_schema(ISA)["anyOf"]) == 16
    assert why_not(dict(json_schema(ISA)), ISA) is None
    assert why_not(by_pydantic, ISA) is None


@pytest.mark.parametrize("name", packaged_sets())
def test_the_exported_schema_is_accepted(name: str) -> None:
    """What `kvrm-grammar export --json-schema` writes, of every set, and of no other set."""
    isa = load_set(name)
    assert why_not(exported(isa), isa) is None
    assert {*packaged_sets()} > {name}
    for other in {*packaged_sets()} - {name}:
        assert why_not(exported(isa), load_set(other)) is not None


def test_order_and_remarks_do_not_count() -> None:
    """Alternatives and required fields in another order say the same."""
    schema: Any = copy.deepcopy(dict(json_schema(ISA)))
    schema["anyOf"].reverse()
    schema["anyOf"][3]["required"].reverse()
    schema["description"] = "an operation"
    assert why_not(schema, ISA) is None


@pytest.mark.parametrize("number", range(16))
def test_one_operation_less_is_another_schema(number: int) -> None:
    """Every alternative counts."""
    alternatives = [*json_schema(ISA)["anyOf"]]
    del alternatives[number]
    assert "not the schema of kvrm" in (why_not({"anyOf": alternatives}, ISA) or "")


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


def test_a_range_counts() -> None:
    """The same fields with other bounds are another schema."""
    schema: Any = copy.deepcopy(dict(json_schema(ISA)))
    bounded = [one for one in schema["anyOf"] if "minimum" in str(one)]
    assert bounded
    for field in bounded[0]["properties"]["params"]["properties"].values():
        field.pop("minimum", None)
    assert why_not(schema, ISA) is not None
