"""any_set.py: lenient examples of any set."""

import pytest

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import INVALID, load_set, operation_to_json
from training.data.any_set import any_kinds, fresh_lenient


@pytest.mark.parametrize("name", ["kvrm", "rv32im"])
def test_fresh_texts_are_of_every_set(name: str) -> None:
    """As many as asked for, the same for a seed, right ones and refusals."""
    isa = load_set(name)
    drawn = fresh_lenient(200, 7, isa=isa)
    assert len(drawn) == 200
    assert drawn == fresh_lenient(200, 7, isa=isa) != fresh_lenient(200, 8, isa=isa)
    refused = sum(one.answer == operation_to_json(INVALID) for one in drawn)
    assert 20 < refused < 180


def test_every_kind_of_another_set_is_drawn() -> None:
    """With words for other machines' operations that training does not have."""
    isa = load_set("rv32im")
    drawn = fresh_lenient(300, 7, isa=isa)
    assert any_kinds(isa).keys() <= {kind for one in drawn for kind in one.kinds}
    others = [one.text for one in drawn if "other_operation" in one.kinds]
    held_out = lenient_data(isa).held_out_operations
    assert others
    assert all(any(word in text.lower() for word in held_out) for text in others)
