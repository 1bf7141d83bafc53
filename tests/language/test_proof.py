"""The guarantee, proved on the automaton: every state, every entry of the vocabulary.

The token index and an independent automaton over bytes are walked together: at every pair
of states that some answer reaches, the tokens that one allows are exactly those that the
other does. That is a bisimulation, so the languages are equal. Nothing is sampled.
"""

import sys
from collections.abc import Iterator
from typing import Any

import llguidance.hf
import numpy as np
import pytest
from llguidance import LLMatcher

from benchmarks.qwen_vocabulary import qwen_tokenizer
from kvrm_grammar.isa import InstructionSet, load_set
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.language.index import TokenIndex, build_index
from kvrm_grammar.language.vocabulary import TokenVocabulary, read_vocabulary
from kvrm_grammar.weights.packaged_base import packaged_base_path
from tests.language.independent import KVRM, TABLES, Oracle, State, Table
from tests.language.masks import packed_mask
from tests.sets import every_set

Trie = dict[int, Any]
_IDS = -1


def trie_of(vocabulary: TokenVocabulary) -> Trie:
    """All tokens by their bytes; under ``_IDS`` those that end at a node."""
    root: Trie = {}
    for token_id, data in vocabulary.tokens.items():
        node = root
        for byte in data:
            node = node.setdefault(byte, {})
        node.setdefault(_IDS, []).append(token_id)
    return root


def tokens_from(oracle: Oracle, state: State, trie: Trie) -> Iterator[tuple[int, State]]:
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


def prove(index: TokenIndex, vocabulary: TokenVocabulary, table: Table) -> dict[str, int]:
    """Walk index and oracle together from the start.

    Returns:
        States of the index, pairs, entries of the vocabulary, bits compared and differing.
    """
    oracle = Oracle(table)
    trie, words = trie_of(vocabulary), -(-index.vocab_size // 32)
    start = (index.initial_state, oracle.start)
    pairs, pending, differing = {start}, [start], 0
    while pending:
        state, here = pending.pop()
        expected = np.zeros(words * 32, dtype=bool)
        following = dict(tokens_from(oracle, here, trie))
        expected[list(following)] = True
        expected[index.eos_token_id] = oracle.accepts(here)
        mask = np.unpackbits(packed_mask(index, state).view(np.uint8), bitorder="little")
        differing += int((mask.astype(bool) != expected).sum())
        for token_id, after in following.items():
            next_state = index.next_state(state, token_id)
            if next_state is not None and (next_state, after) not in pairs:
                pairs.add((next_state, after))
                pending.append((next_state, after))
    states = {state for state, _ in pairs}
    assert all(oracle.accepts(here) == index.is_accepting(state) for state, here in pairs)
    return {
        "states": len(states),
        "pairs": len(pairs),
        "entries": index.vocab_size,
        "bits": len(pairs) * words * 32,
        "differing": differing,
    }


def real_tokenizer(name: str) -> Any:
    if name == "Qwen2.5":
        return qwen_tokenizer()
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(packaged_base_path())


@pytest.fixture(
    scope="module",
    params=["Qwen2.5", pytest.param("SmolLM2", marks=pytest.mark.model)],
)
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return real_tokenizer(request.param)


@pytest.fixture(scope="module", params=every_set(), ids=lambda isa: isa.name)
def isa(request: pytest.FixtureRequest) -> InstructionSet:
    found: InstructionSet = request.param
    return found


@pytest.fixture(scope="module")
def index(tokenizer: Any, isa: InstructionSet) -> TokenIndex:
    return build_index(build_constraint(isa), tokenizer, use_cache=False)


def test_every_mask_is_the_oracles(index: TokenIndex, tokenizer: Any, isa: InstructionSet) -> None:
    """Over every reachable state and every entry, end token and padding included: none differs."""
    table = prove(index, read_vocabulary(tokenizer), TABLES[isa.name])
    print(isa.name, table, file=sys.stderr)
    assert table["differing"] == 0
    assert table["entries"] >= 49_152
    assert table["states"] > {"kvrm": 600, "zeta": 400, "scaffold": 150}[isa.name]
    assert table["bits"] > table["states"] * table["entries"]


def test_every_state_leads_to_an_answer(index: TokenIndex) -> None:
    """From every reachable state some answer can still be completed."""
    before: dict[int, set[int]] = {}
    seen, pending = {index.initial_state}, [index.initial_state]
    while pending:
        state = pending.pop()
        for token_id in index.allowed(state).tolist():
            following = index.next_state(state, token_id)
            if following is not None:
                before.setdefault(following, set()).add(state)
                if following not in seen:
                    seen.add(following)
                    pending.append(following)
    alive = {state for state in seen if index.is_accepting(state)}
    pending = list(alive)
    while pending:
        for state in before.get(pending.pop(), ()):
            if state not in alive:
                alive.add(state)
                pending.append(state)
    assert alive == seen
    assert all(len(index.allowed(state)) for state in seen)


def test_the_longest_answer_is_computed(index: TokenIndex) -> None:
    """No way through the automaton has more tokens than the limit, and one has as many."""
    longest: dict[int, int] = {}  # tokens that may still come, the end token included
    order, pending = [], [(index.initial_state, False)]
    following: dict[int, set[int]] = {}
    while pending:
        state, done = pending.pop()
        if done:
            order.append(state)
        elif state not in following:
            steps = (
                index.next_state(state, token_id) for token_id in index.allowed(state).tolist()
            )
            following[state] = {step for step in steps if step is not None}
            pending.append((state, True))
            pending += [(step, False) for step in following[state] - following.keys()]
    for state in order:  # those behind it come first: the language is finite
        behind = [longest[step] for step in following[state]]
        longest[state] = max([*(1 + count for count in behind), int(index.is_accepting(state))])
    assert longest[index.initial_state] == index.max_tokens


def test_a_wrong_bit_is_found(tiny_tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof can fail: one flipped bit in one state's mask is counted."""
    index = build_index(build_constraint(load_set()), tiny_tokenizer, use_cache=False)
    vocabulary = read_vocabulary(tiny_tokenizer)
    assert prove(index, vocabulary, KVRM)["differing"] == 0
    usual = TokenIndex.allowed

    def flipped(self: TokenIndex, state: int) -> Any:
        allowed = usual(self, state)
        return np.setxor1d(allowed, [229]) if state == self.initial_state else allowed

    monkeypatch.setattr(TokenIndex, "allowed", flipped)
    assert prove(index, vocabulary, KVRM)["differing"] == 1


def test_every_mask_is_llguidances(index: TokenIndex, tokenizer: Any, isa: InstructionSet) -> None:
    """Another engine, in another language, from the same expression: no bit differs either."""
    pattern = build_constraint(isa).regex.replace("/", r"\/")
    # Without `no_forcing` it offers one tokenisation of what is certain, not all of them.
    grammar = f'%llguidance {{"no_forcing": true}}\nstart: /{pattern}/'
    matcher = LLMatcher(
        llguidance.hf.from_tokenizer(
            tokenizer, n_vocab=index.vocab_size, eos_token=index.eos_token_id
        ),
        LLMatcher.grammar_from_lark(grammar),
    )
    paths: dict[int, list[int]] = {index.initial_state: []}
    pending = [index.initial_state]
    while pending:
        state = pending.pop()
        matcher.reset()
        assert matcher.consume_tokens(paths[state])
        other = np.frombuffer(matcher.compute_bitmask(), dtype="<u4")
        own = packed_mask(index, state)
        assert np.array_equal(other[: len(own)], own)
        assert not other[len(own) :].any()
        for token_id in index.allowed(state).tolist():
            following = index.next_state(state, token_id)
            if following is not None and following not in paths:
                paths[following] = [*paths[state], token_id]
                pending.append(following)
    assert len(paths) > 150
