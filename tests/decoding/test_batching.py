"""packing.py: every item once, what is alike together, within the budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.decoding.batching import pack

LENGTHS = st.lists(st.integers(1, 120), max_size=60)


@given(LENGTHS, st.integers(1, 9), st.integers(1, 300))
def test_every_item_once_within_the_limits(lengths: list[int], size: int, tokens: int) -> None:
    """A partition; no batch is too long or too large, but for an item that is so alone."""
    batches = pack(lengths, batch_size=size, batch_tokens=tokens)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert 1 <= len(batch) <= size
        assert len(batch) == 1 or len(batch) * longest <= tokens


@given(LENGTHS, st.integers(1, 9))
def test_what_is_alike_goes_together(lengths: list[int], size: int) -> None:
    """Batches are cut from the sorted lengths, so no two overlap, and only the last is not full."""
    batches = pack(lengths, batch_size=size, batch_tokens=10**9)
    written = [lengths[i] for batch in batches for i in batch]
    assert written == sorted(lengths)
    assert all(len(batch) == size for batch in batches[:-1])


@pytest.mark.parametrize("lengths", [[], [5], [5, 5, 5]])
def test_ties_keep_their_order(lengths: list[int]) -> None:
    """Equal lengths stay as they came."""
    assert [i for b in pack(lengths, batch_size=2, batch_tokens=99) for i in b] == list(
        range(len(lengths))
    )
