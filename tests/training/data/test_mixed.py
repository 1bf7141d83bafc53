"""What the packaged set's lenient adapter learns from: both kinds of makers, in the share asked."""

import pytest

from kvrm_grammar.isa import load_set
from training.data.any_set import any_kinds
from training.data.mixed import OWN_KINDS, general_kinds, mixed_lenient


def test_both_makers_are_drawn_from_in_an_order_that_a_seed_repeats() -> None:
    """Kinds that any set's makers alone write are there, and the set's own."""
    drawn = list(mixed_lenient(2000, 3))
    assert len(drawn) == 2000
    assert drawn == list(mixed_lenient(2000, 3)) != list(mixed_lenient(2000, 4))
    shown = {kind for one in drawn for kind in one.kinds}
    assert {"unnamed", "wrapped", "negated"} <= {*general_kinds()} <= shown
    assert {"infix", "english", "condition"} <= shown


@pytest.mark.parametrize(("general", "others"), [(0.0, False), (1.0, True)])
def test_the_share_of_any_set_is_the_one_asked_for(general: float, others: bool) -> None:
    """None at 0; at 1 every text is theirs."""
    drawn = list(mixed_lenient(200, 5, general=general))
    assert any({*one.kinds} & {*general_kinds()} for one in drawn) is others
    known = {*any_kinds(load_set()), "plain", "refusal", "strict"}
    theirs = [one for one in drawn if {*one.kinds} <= known or "strict" in one.kinds]
    assert (len(theirs) == len(drawn)) is others


def test_what_is_left_out_is_left_out_of_both() -> None:
    """A kind that both write is in none, and the general makers' prose never is."""
    drawn = list(mixed_lenient(500, 6, without=("record", "wrapped")))
    assert not [one for one in drawn if {*one.kinds} & {"record", "wrapped"}]
    alone = list(mixed_lenient(500, 6, general=1.0))
    assert len(alone) == 500 and not [one for one in alone if "prose" in one.kinds]


def test_general_kinds_are_no_kinds_of_the_sets_own_makers() -> None:
    """Each is of one side; there are some."""
    assert len(general_kinds()) > 3 and not OWN_KINDS & {*general_kinds()}
