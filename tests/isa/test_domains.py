"""What an operand may be, as a value."""

import pytest

from kvrm_grammar.isa import Domain, Integers


@pytest.mark.parametrize(
    ("low", "high", "step"), [(-8, 7, 1), (0, 30, 2), (-9, 9, 3), (5, 5, 1), (-6, -2, 4), (1, 6, 4)]
)
def test_integers_are_the_multiples_in_the_range(low: int, high: int, step: int) -> None:
    """Both ends are in it, what lies outside or between two steps is not; steps count from zero."""
    integers = Integers(low, high, step)
    assert [n for n in range(-40, 41) if n in integers] == [
        n for n in range(low, high + 1) if n % step == 0
    ]


def test_integers_of_any_size() -> None:
    """No number is too large to be asked about."""
    assert 2**64 in Integers(0, 2**64)
    assert 2**64 + 1 not in Integers(0, 2**64)
    assert 10**40 not in Integers(-(2**31), 2**31 - 1)


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (Domain(("R0", "R1", "R7")), "one of 3 names (R0…R7)"),
        (Domain(("on",)), "one of 1 names (on…on)"),
        (Domain(integers=Integers(-2048, 2047)), "an integer -2048…2047"),
        (Domain(integers=Integers(0, 30, 2)), "an integer 0…30 in steps of 2"),
        (Domain(label_max_length=16), "a label of at most 16 characters"),
        (
            Domain(("a", "b"), Integers(0, 9), 8),
            "one of 2 names (a…b) or an integer 0…9 or a label of at most 8 characters",
        ),
    ],
)
def test_a_domain_says_what_it_is(domain: Domain, text: str) -> None:
    """Every part that is there is named, and no other."""
    assert str(domain) == text


@pytest.mark.parametrize(
    ("domain", "has_labels"),
    [
        (Domain(("a",)), False),
        (Domain(label_max_length=1), True),
        (Domain(label_max_length=0), True),
    ],
)
def test_labels_are_allowed_where_they_have_a_length(domain: Domain, has_labels: bool) -> None:
    """None is no labels."""
    assert domain.has_labels is has_labels


def test_domains_are_values() -> None:
    """Equal domains are one key, and each part tells two apart."""
    parts = (
        Domain(("a", "b")),
        Domain(("b", "a")),
        Domain(integers=Integers(0, 9)),
        Domain(integers=Integers(0, 9, 3)),
        Domain(label_max_length=9),
    )
    assert len({*parts, *(Domain(p.names, p.integers, p.label_max_length) for p in parts)}) == 5


def test_a_value_is_a_name_or_an_integer_in_step() -> None:
    """A text is no number and a label no value."""
    domain = Domain(names=("R0", "R1"), integers=Integers(-4, 8, 2), label_max_length=9)
    assert [value for value in ("R0", "R2", "loop", "4") if domain.has_value(value)] == ["R0"]
    assert [value for value in (-6, -4, 3, 4, 8, 10) if domain.has_value(value)] == [-4, 4, 8]
    assert not Domain(names=("R0",)).has_value(0)
