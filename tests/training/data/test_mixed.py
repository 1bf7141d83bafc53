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


def test_a_share_between_is_kept_and_prose_is_the_sets_own() -> None:
    """About half of the texts that show a kind of one side alone; neighbouring seeds differ."""
    drawn = list(mixed_lenient(2000, 6, general=0.5))
    theirs = sum(bool({*one.kinds} & {"unnamed", "wrapped", "negated"}) for one in drawn)
    alone = list(mixed_lenient(2000, 7, general=1.0))
    whole = sum(bool({*one.kinds} & {"unnamed", "wrapped", "negated"}) for one in alone)
    assert 0.4 < theirs / whole < 0.6
    assert not [one for one in alone if "prose" in one.kinds]
    assert len({one.text for one in alone} & {one.text for one in drawn}) < 100


def test_general_kinds_are_no_kinds_of_the_sets_own_makers() -> None:
    """No name is of both; there are some."""
    assert len(general_kinds()) > 3 and not OWN_KINDS & {*general_kinds()}
