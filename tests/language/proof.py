"""An index compared with the independent automaton: every state, every entry of the vocabulary.

In: a token index and an :class:`~tests.language.independent.Oracle`. Out: how many bits were
compared, and how many differ. Index and automaton are walked together: where at every pair of
states that some answer reaches the same tokens are allowed, that is a bisimulation, and the
languages are equal. Nothing is sampled.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kvrm_grammar.language.index import TokenIndex
from kvrm_grammar.language.vocabulary import TokenVocabulary
from tests.language.independent import Oracle, State
from tests.language.masks import packed_mask

__all__ = ["prove"]

Trie = dict[int, Any]
_IDS = -1


def _trie(vocabulary: TokenVocabulary) -> Trie:
    """All tokens by their bytes; under ``_IDS`` those that end at a node."""
    root: Trie = {}
    for token_id, data in vocabulary.tokens.items():
        node = root
        for byte in data:
            node = node.setdefault(byte, {})
        node.setdefault(_IDS, []).append(token_id)
    return root


def _tokens_from(oracle: Oracle, state: State, trie: Trie) -> Iterator[tuple[int, State]]:
    """Every token that the oracle can write here, and where it leads."""
    pending = [(state, trie)]
    while pending:
        here, node = pending.pop()
        for byte, child in node.items():
            if byte == _IDS:
                yield from ((token_id, here) for token_id in child)
                continue
            following = oracle.step(here, byte)
            if following is not None:
                pending.append((following, child))


def prove(index: TokenIndex, vocabulary: TokenVocabulary, oracle: Oracle) -> dict[str, int]:
    """Walk index and oracle together from the start.

    Returns:
        States of the index, pairs, entries of the vocabulary, bits compared, bits that are set,
        and bits that differ.
    """
    trie, words = _trie(vocabulary), -(-index.vocab_size // 32)
    start = (index.initial_state, oracle.start)
    pairs, pending, differing, allowed = {start}, [start], 0, 0
    while pending:
        state, here = pending.pop()
        expected = np.zeros(words * 32, dtype=bool)
        following = dict(_tokens_from(oracle, here, trie))
        expected[list(following)] = True
        expected[index.eos_token_id] = oracle.accepts(here)
        mask = np.unpackbits(packed_mask(index, state).view(np.uint8), bitorder="little")
        differing += int((mask.astype(bool) != expected).sum())
        allowed += int(expected.sum())
        for token_id, after in following.items():
            next_state = index.next_state(state, token_id)
            if next_state is not None and (next_state, after) not in pairs:
                pairs.add((next_state, after))
                pending.append((next_state, after))
    assert all(oracle.accepts(here) == index.is_accepting(state) for state, here in pairs)
    return {
        "states": len({state for state, _ in pairs}),
        "pairs": len(pairs),
        "entries": index.vocab_size,
        "bits": len(pairs) * words * 32,
        "allowed": allowed,
        "differing": differing,
    }
