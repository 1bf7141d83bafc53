"""packing.py: a text in a shared row is read as in a row of its own."""

from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvrm_grammar.decoding.backends.loading import Loaded, backend_of
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.packing import arrange

TEXTS = st.lists(st.lists(st.integers(1, 999), min_size=1, max_size=40), min_size=1, max_size=30)
MIXED = [[7] * length for length in (40, 3, 9, 11, 2, 17, 5, 30)]


@given(TEXTS)
@example(MIXED)
def test_every_text_stands_once_and_counts_from_0(texts: list[list[int]]) -> None:
    """Each is where its start says, none over another, and the rest is padding."""
    rows = arrange(texts)
    taken = np.zeros(rows.ids.shape, dtype=np.int64)
    for text, (row, start) in zip(texts, rows.starts.tolist(), strict=True):
        own = (row, slice(start, start + len(text)))
        assert rows.ids[own].tolist() == text
        assert rows.positions[own].tolist() == list(range(len(text)))
        taken[own] += 1
    assert taken.sum() == sum(map(len, texts))
    assert taken.max() == 1
    assert not rows.ids[taken == 0].any()


@given(TEXTS)
@example(MIXED)
def test_a_text_sees_its_own_beginning_and_nothing_else(texts: list[list[int]]) -> None:
    """The mask of shared rows; where there is none, every row is one text from column 0."""
    rows = arrange(texts)
    if rows.mask is None:
        assert rows.starts.tolist() == [[number, 0] for number in range(len(texts))]
        return
    count, length = rows.ids.shape
    assert rows.mask.shape == (count, 1, length, length)
    for text, (row, start) in zip(texts, rows.starts.tolist(), strict=True):
        for place in range(len(text)):
            seen = np.flatnonzero(rows.mask[row, 0, start + place] == 0)
            assert seen.tolist() == list(range(start, start + place + 1))
    assert (rows.mask == 0).any(axis=-1).all()  # or a softmax would have nothing to sum


@given(TEXTS)
def test_sharing_saves_a_tenth_or_is_left(texts: list[list[int]]) -> None:
    """Never more to read than one text a row, and no row longer than 1.5 times the longest text."""
    rows, longest = arrange(texts), max(map(len, texts))
    plain = len(texts) * longest
    assert rows.ids.size <= (plain if rows.mask is None else 0.9 * plain)
    assert rows.ids.shape[1] <= 1.5 * longest
    alone = arrange(texts, share=False)
    assert alone.mask is None
    assert alone.ids.shape == (len(texts), longest)


def test_texts_of_mixed_lengths_share_rows() -> None:
    """117 tokens in eight texts of up to 40: two rows of 60, where there would be 320 tokens."""
    assert arrange(MIXED).ids.shape == (2, 60)
    assert arrange([MIXED[0]] * 4).mask is None


@pytest.fixture(params=["openvino", "torch"])
def loaded(request: pytest.FixtureRequest, tiny_adapter: object, cache_folder: object) -> Loaded:
    """The tiny adapter in either backend."""
    return Decoder.from_pretrained(
        str(tiny_adapter), backend=request.param, device="cpu", precision="float32"
    ).loaded


def test_hidden_states_are_those_of_a_row_of_its_own(loaded: Loaded) -> None:
    """In float32, at every place of every text, but for the order of sums."""
    backend, random = backend_of(loaded), Random(5)
    texts = [[random.randrange(3, 250) for _ in text] for text in MIXED]
    rows = arrange(texts)
    assert rows.mask is not None
    for text, (row, start) in zip(texts, rows.starts.tolist(), strict=True):
        alone = arrange([text])
        places = np.array([(0, place) for place in range(len(text))])
        expected = backend.hidden(alone.ids, alone.positions, alone.mask, places)
        found = backend.hidden(rows.ids, rows.positions, rows.mask, places + np.array([row, start]))
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
