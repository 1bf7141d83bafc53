"""The guarantee, proved on the automaton: every state, every entry of the vocabulary.

For every instruction set, and for whole vocabularies of real models; :mod:`tests.language.proof`
says what is compared with what.
"""

import sys
from typing import Any

import llguidance.hf
import numpy as np
import pytest
from llguidance import LLMatcher, LLParserLimits

from benchmarks.qwen_vocabulary import qwen_tokenizer
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.language.index import TokenIndex, build_index
from kvrm_grammar.language.vocabulary import read_vocabulary
from kvrm_grammar.weights.packaged_base import packaged_base_path
from tests.language.independent import Oracle
from tests.language.masks import packed_mask
from tests.language.proof import prove
from tests.language.tables import TABLES
from tests.sets import every_set

MIN_STATES = {"kvrm": 600, "rv32im": 1400, "zeta": 500, "scaffold": 150}
SETS = {isa.name: isa for isa in every_set()}


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


@pytest.fixture(scope="module", params=[*SETS.values()], ids=[*SETS])
def isa(request: pytest.FixtureRequest) -> InstructionSet:
    found: InstructionSet = request.param
    return found


@pytest.fixture(scope="module")
def index(tokenizer: Any, isa: InstructionSet) -> TokenIndex:
    return build_index(build_constraint(isa), tokenizer, use_cache=False)


def test_every_mask_is_the_oracles(index: TokenIndex, tokenizer: Any, isa: InstructionSet) -> None:
    """Over every reachable state and every entry, end token and padding included: none differs."""
    table = prove(index, read_vocabulary(tokenizer), Oracle(TABLES[isa.name]))
    print(isa.name, table, file=sys.stderr)
    assert table["differing"] == 0
    assert table["entries"] >= 49_152
    assert table["states"] > MIN_STATES.get(isa.name, 100)
    assert table["allowed"] > table["states"]
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


def test_a_wrong_bit_is_found(
    isa: InstructionSet, tiny_tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof can fail: one flipped bit in one state's mask is counted."""
    index = build_index(build_constraint(isa), tiny_tokenizer, use_cache=False)
    vocabulary, oracle = read_vocabulary(tiny_tokenizer), Oracle(TABLES[isa.name])
    assert prove(index, vocabulary, oracle)["differing"] == 0
    usual = TokenIndex.allowed

    def flipped(self: TokenIndex, state: int) -> Any:
        allowed = usual(self, state)
        return np.setxor1d(allowed, [229]) if state == self.initial_state else allowed

    monkeypatch.setattr(TokenIndex, "allowed", flipped)
    assert prove(index, vocabulary, oracle)["differing"] == 1


def test_another_sets_index_is_found(tiny_tokenizer: Any) -> None:
    """The proof can fail: no set's index is any other set's automaton."""
    vocabulary = read_vocabulary(tiny_tokenizer)
    assert len(SETS) >= 2
    for isa in SETS.values():
        index = build_index(build_constraint(isa), tiny_tokenizer, use_cache=False)
        for name in SETS.keys() - {isa.name}:
            assert prove(index, vocabulary, Oracle(TABLES[name]))["differing"] > 0


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
        # Its usual fuel is for grammars of many expressions; ours is one, and may be long.
        limits=LLParserLimits(initial_lexer_fuel=10**9, step_lexer_fuel=10**9),
    )
    paths: dict[int, list[int]] = {index.initial_state: []}
    pending = [index.initial_state]
    while pending:
        state = pending.pop()
        matcher.reset()
        assert matcher.consume_tokens(paths[state]), matcher.get_error()
        other = np.frombuffer(matcher.compute_bitmask(), dtype="<u4")
        own = packed_mask(index, state)
        assert np.array_equal(other[: len(own)], own)
        assert not other[len(own) :].any()
        for token_id in index.allowed(state).tolist():
            following = index.next_state(state, token_id)
            if following is not None and following not in paths:
                paths[following] = [*paths[state], token_id]
                pending.append(following)
    assert len(paths) > MIN_STATES.get(isa.name, 100)
