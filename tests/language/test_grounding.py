"""Grounded languages: operands from the text, always a subset of the schema's language."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.strict import strict_mentions
from kvrm_grammar.isa import INVALID, INVALID_KEY, load_set, operation_to_json
from kvrm_grammar.language.constraint import build_constraint, finite_constraint
from kvrm_grammar.language.grounding import GroundedLanguage, Grounding
from kvrm_grammar.language.index import build_index
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.language.vocabulary import read_vocabulary
from tests.kvrm import DOMAINS
from training.texts.strict.valid import valid_variant

ISA = load_set()
SCHEMA = re.compile(build_constraint(ISA).regex)


@pytest.fixture(scope="module")
def grounding(tiny_tokenizer: Any) -> Grounding:
    index = build_index(build_constraint(ISA), tiny_tokenizer, use_cache=False)
    return Grounding(ISA, index, read_vocabulary(tiny_tokenizer))


def accepts(language: GroundedLanguage, token_ids: list[int]) -> bool:
    """Whether a token sequence is an answer, each token being in the mask where it stands."""
    state = language.initial_state
    for token_id in token_ids:
        if token_id not in language.allowed(state):
            assert language.next_state(state, token_id) is None
            return False
        following = language.next_state(state, token_id)
        assert following is not None
        state = following
    return language.eos_token_id in language.allowed(state)


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("sub r5 r3 R1", "register", ('"R5"', '"R3"', '"R1"')),
        ("mov r1, -0x10", "immediate", ("-16",)),
        ("mov r1, #-3", "immediate", ("-3",)),
        ("mov r1,-3", "immediate", ("-3",)),
        ("mov r1, 5-3", "immediate", ()),
        ("mov r1, --3", "immediate", ()),
        ("mov r1, - 3", "immediate", ("3",)),
        ("mov r1, #'c", "immediate", ()),
        ("mov r1 ','", "immediate", ("44",)),
        ("mov r1, #' '", "immediate", ("32",)),
        ("jmp +5", "target", ()),
        ("jmp #5", "target", ()),
        ("mov r1, #'a'", "immediate", ("97",)),
        (r"mov r1, '\n'", "immediate", ("10",)),
        ("mov r1, 2147483648", "immediate", ()),
        ("mov r1, 0b101", "immediate", ("5",)),
        ("mov r1, 0x" + "0" * 60 + "7", "immediate", ("7",)),
        ("jmp loop", "target", ('"loop"',)),
        ("jmp 12", "target", ("12",)),
        ("jmp jmp", "target", ('"jmp"',)),
        ("add r1 R1 r2", "register", ('"R1"', '"R1"', '"R2"')),
        ("jmp m\u043ev", "target", ()),
        ("jmp m\u043ev", "register", ()),
        ("mov r1, 067", "immediate", ()),
        ("jmp 0b1012", "target", ()),
        ("jmp", "target", ()),
        ("jmp r8", "target", ()),
        ("jmp r3", "target", ()),
        ("mov r3", "immediate", ()),
        ("mov r8, r4", "immediate", ()),
        ("inc sp", "register", ()),
        ("inc 5", "register", ()),
        ("jmp " + "a" * 65, "target", ()),
        ("sub [r1] r2", "register", ('"R2"',)),
        ("mov r1, 99999999999999999999999999999999999999999999", "immediate", ()),
        ("", "register", ()),
        ("", "immediate", ()),
        ("?", "target", ()),
        ("mov R8, 1", "register", ()),
        ("mov R8, r1", "register", ('"R1"',)),
        ("mov r1, -2147483648", "immediate", ("-2147483648",)),
        ("mov r1, 2147483647", "immediate", ("2147483647",)),
        ("mov r1, -2147483649", "immediate", ()),
        ("jmp 2147483647", "target", ("2147483647",)),
        ("jmp 0", "target", ("0",)),
        ("jmp 2147483648", "target", ()),
        ("jmp " + "a" * 64, "target", ('"' + "a" * 64 + '"',)),
        (r"mov r1, '\q'", "immediate", ()),
    ],
)
def test_mentions(text: str, kind: str, values: tuple[str, ...]) -> None:
    """Every notation is found and rendered in decimal; what the schema forbids is not."""
    assert strict_mentions(text, ISA)[DOMAINS[kind]] == values


@pytest.mark.parametrize("seed", range(40))
def test_the_right_answer_is_never_lost(
    seed: int, grounding: Grounding, tiny_tokenizer: Any
) -> None:
    """What a valid instruction means is in the language of its text."""
    variant = valid_variant(Random(seed), ISA)
    language = grounding.language(find_dialect("strict").read(variant.text).mentions)
    assert accepts(language, encode_plain(tiny_tokenizer, operation_to_json(variant.operation)))


@pytest.mark.parametrize(
    ("text", "answer", "member"),
    [
        ("sub r5 r3 r1", '{"key":"OP_ADD","params":{"dest":"R1","src1":"R5","src2":"R3"}}', True),
        ("sub r5 r3 r1", '{"key":"OP_ADD","params":{"dest":"R1","src1":"R1","src2":"R3"}}', False),
        ("sub r1 r3 r1", '{"key":"OP_ADD","params":{"dest":"R1","src1":"R1","src2":"R3"}}', True),
        ("sub r1 r1 r1", '{"key":"OP_ADD","params":{"dest":"R1","src1":"R1","src2":"R1"}}', True),
        ("sub r1 r1", '{"key":"OP_ADD","params":{"dest":"R1","src1":"R1","src2":"R', False),
        ("sub r1 r1", '{"key":"OP_CMP","params":{"src1":"R1","src2":"R1"}}', True),
        ("sub r5 r3 r1", '{"key":"OP_SUB","params":{"dest":"R4","src1":"R3","src2":"R1"}}', False),
        ("jmp sub", '{"key":"OP_JNZ","params":{"addr":"sub"}}', True),
        ("jmp sub", '{"key":"OP_JNZ","params":{"addr":"su"}}', False),
        ("jmp sub", '{"key":"OP_JMP","params":{"addr":"jmp"}}', False),
        ("sub r5 r3 1", '{"key":"OP_JMP","params":{"addr":5}}', False),
        ("mov r1 0x10", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R1","value":16}}', True),
        ("mov r1 0x10", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R1","value":10}}', False),
        ("mov r1 0x10", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R1","value":1', False),
        ("clear r2", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R2","value":-77}}', False),
        ("clear r2", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R3","value":-77}}', False),
        ("mov r7, 2147483648", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R7","value":2', False),
        ("mov r7, 2147483648", '{"key":"OP_MOV_REG_REG","params":{"dest":"R7","src":"R7"}}', False),
        ("mov r7, 2147483648", '{"key":"OP_INC","params":{"dest":"R7"}}', True),
        ("inc r8", '{"key":"OP_INC","params":{"dest":"R0"}}', False),
        ("inc r8", '{"key":"OP_INVALID","params":{}}', True),
        ("xyz", '{"key":"OP_INC","params":{"dest":"R7"}}', False),
        ("xyz", '{"key":"OP_NOP","params":{}}', True),
        ("", '{"key":"OP_JMP","params":{"addr":"anything"}}', False),
        ("", '{"key":"OP_INVALID","params":{}}', True),
    ],
)
def test_membership(
    text: str, answer: str, member: bool, grounding: Grounding, tiny_tokenizer: Any
) -> None:
    """Mentioned operands only, each once; of a kind without mention there is none."""
    language = grounding.language(strict_mentions(text, ISA))
    assert accepts(language, encode_plain(tiny_tokenizer, answer)) is member


@given(text=st.text(alphabet="subjmpovR0123457xX-#', .\\n", max_size=40), data=st.data())
def test_it_is_a_subset_of_the_schema(text: str, data: st.DataObject, grounding: Grounding) -> None:
    """Every random walk through the masks ends in a text of the schema's language."""
    language = grounding.language(find_dialect("strict").read(text).mentions)
    state, written, index_state = language.initial_state, b"", grounding.index.initial_state
    for _ in range(language.max_tokens):
        allowed = language.allowed(state).tolist()
        assert set(allowed) <= set(grounding.index.allowed(index_state).tolist())
        token_id = data.draw(st.sampled_from(allowed))
        if token_id == language.eos_token_id:
            break
        written += grounding.vocabulary.tokens[token_id]
        following = language.next_state(state, token_id)
        after = grounding.index.next_state(index_state, token_id)
        assert following is not None and after is not None
        state, index_state = following, after
    assert SCHEMA.fullmatch(written.decode())


def test_members_are_counted(grounding: Grounding) -> None:
    """Three registers, one number and one label give 52 texts; a number alone few."""
    texts = grounding.language(strict_mentions("sub r5 r3 r1 12 there", ISA)).texts
    assert len(texts) == len(set(texts)) == 52
    assert all(SCHEMA.fullmatch(text) for text in texts)
    alone = grounding.language(strict_mentions("mov 5", ISA)).texts
    assert {json.loads(text)["key"] for text in alone} == {
        "OP_INVALID", "OP_HALT", "OP_NOP", "OP_JMP", "OP_JZ", "OP_JNZ", "OP_JS", "OP_JNS",
    }  # fmt: skip
    assert len(alone) == 8


@pytest.mark.parametrize("text", ["sub r5 r3 5", "mov r1 0x1f x", "jmp loop, r1, 7", "inc r2 -3"])
def test_masks_equal_an_outlines_index_of_the_same_language(
    text: str, grounding: Grounding, tiny_tokenizer: Any
) -> None:
    """State by state, the allowed tokens are those of Outlines for the enumerated texts."""
    language = grounding.language(strict_mentions(text, ISA))
    oracle = build_index(finite_constraint(language.texts), tiny_tokenizer, use_cache=False)
    rng = Random(text)
    for _ in range(60):
        state, expected = language.initial_state, oracle.initial_state
        while True:
            allowed = language.allowed(state).tolist()
            assert allowed == oracle.allowed(expected).tolist()
            token_id = rng.choice(allowed)
            if token_id == language.eos_token_id:
                break
            following, after = (
                language.next_state(state, token_id),
                oracle.next_state(expected, token_id),
            )
            assert following is not None
            assert after is not None
            state, expected = following, after


@pytest.mark.parametrize("text", ["", "jmp", "mov", "mov r1", "mov 5", "sub r5 r3 r1", "clear r2"])
def test_a_mask_holds_what_leads_on(text: str, grounding: Grounding) -> None:
    """A token is in the mask just where there is a state after it."""
    language, rng = grounding.language(strict_mentions(text, ISA)), Random(text)
    every = range(grounding.index.vocab_size)
    for _ in range(4):
        state, written = language.initial_state, b""
        for _ in range(40):
            allowed = language.allowed(state)
            assert allowed.dtype == np.int64
            leading = [t for t in every if language.next_state(state, t) is not None]
            ending = [t for t in allowed.tolist() if t == language.eos_token_id]
            assert allowed.tolist() == sorted({*leading, *ending})
            assert bool(ending) == bool(SCHEMA.fullmatch(written.decode()))
            if not leading:
                break
            token_id = rng.choice(leading)
            written += grounding.vocabulary.tokens[token_id]
            following = language.next_state(state, token_id)
            assert following is not None
            state = following


@pytest.mark.parametrize(
    ("text", "operands"),
    [
        # Two registers may stand for three, the first of them twice and first.
        ("sub r5 r3", {("R5", "R5", "R3"), ("R3", "R3", "R5")}),
        ("sub r5 r5", {("R5", "R5", "R5")}),
        # Of three mentions each is used once; a third may stand in a remark.
        (
            "sub r5 r5 r3",
            {
                ("R5", "R5", "R3"),
                ("R5", "R3", "R5"),
                ("R3", "R5", "R5"),
                ("R3", "R3", "R5"),
                ("R5",) * 3,
            },
        ),
        ("sub r5", set()),
    ],
)
def test_shorthand(text: str, operands: set[tuple[str, ...]], grounding: Grounding) -> None:
    """Where a dialect has shorthand, and only there, the destination may be a source too."""

    def members(own: Grounding, mnemonic: str) -> set[tuple[str, ...]]:
        whole = own.language(strict_mentions(text, ISA)).texts
        return {tuple(json.loads(one)["params"].values()) for one in whole if mnemonic in one}

    short = replace(grounding, shorthand=True)
    assert members(short, "MUL") == operands
    once = {own for own in operands if all(own.count(r) <= text.upper().count(r) for r in own)}
    assert members(grounding, "MUL") == once
    assert members(short, "CMP") == members(grounding, "CMP")


def test_an_untrained_model_stays_within_the_text(tiny_decoder: Decoder) -> None:
    """Grounded answers of random weights mention only what the text mentions."""
    for text in ("sub r5 r3 9", "mov r2, 'a'", "jmp there r6 3", "add r7 r7 0"):
        decoded = tiny_decoder.decode(text)
        assert decoded.operation is not None
        found = strict_mentions(text, ISA)
        usable = {value.strip('"') for values in found.values() for value in values}
        params = decoded.operation.params.model_dump().values()
        assert {str(value) for value in params} <= usable
        registers = [value for value in params if value in ISA.names]
        assert not Counter(registers) - Counter(v.strip('"') for v in found[DOMAINS["register"]])


@pytest.mark.parametrize("text", ["sub r5 r3 r1", "mov r1 0x10", "jmp loop", "halt", "nothing", ""])
def test_the_rest_is_the_end_of_the_only_text_that_is_left(text: str, grounding: Grounding) -> None:
    """Behind every token of every member: None where two begin so, or where the set has another
    name that does, unless it is the refusal; else tokens that end the one."""
    language = grounding.language(strict_mentions(text, ISA))
    refusal = operation_to_json(INVALID).encode()
    tokens, settled = grounding.vocabulary.tokens, 0
    for member in language.texts:
        state, written = language.initial_state, b""
        before: list[int] = []
        for token_id in cut(member.encode(), tokens):
            rest = language.rest(state)
            left = [one for one in language.texts if one.encode().startswith(written)]
            weighed = is_open(written) and member.encode() != refusal and len(language.texts) > 1
            assert (rest is None) == (len(left) > 1 or weighed)
            if rest is not None:
                assert written + b"".join(tokens[i] for i in rest) == member.encode()
                assert accepts(language, [*before, *rest])
                settled += 1
            following = language.next_state(state, token_id)
            assert following is not None
            state, written = following, written + tokens[token_id]
            before.append(token_id)
        assert written == member.encode()
    assert settled


def is_open(written: bytes) -> bool:
    """Whether several names of the set begin as what is written."""
    names = [f'{{"key":"{key}"'.encode() for key in (INVALID_KEY, *(o.key for o in ISA.opcodes))]
    return sum(name.startswith(written) for name in names) > 1


def test_the_refusal_takes_what_begins_as_it_does(grounding: Grounding) -> None:
    """``IN`` is INVALID where there is nothing to increment, and open where there is."""
    tokens = {data: token_id for token_id, data in grounding.vocabulary.tokens.items()}
    for text, has_rest in (("halt", True), ("inc r1", False)):
        language = grounding.language(strict_mentions(text, ISA))
        state: int | None = language.initial_state
        for letter in '{"key":"OP_IN':
            assert state is not None
            state = language.next_state(state, tokens[letter.encode()])
        assert state is not None
        assert language.naming(state) is not None
        assert (language.rest(state) is not None) is has_rest


@pytest.mark.parametrize("text", ["sub r5 r3 r1", "mov r1 300", "jmp loop", "halt", "inc", ""])
def test_a_name_is_weighed_among_what_the_schema_allows(text: str, grounding: Grounding) -> None:
    """Until no other name of the set begins so, whatever the text itself allows, and no further."""
    language = grounding.language(strict_mentions(text, ISA))
    tokens, more = grounding.vocabulary.tokens, 0
    for member in language.texts:
        state, written = language.initial_state, b""
        in_schema = grounding.index.initial_state
        for token_id in cut(member.encode(), tokens):
            found = language.naming(state)
            assert (found is None) == (not is_open(written))
            if found is not None:
                assert found is grounding.index.allowed(in_schema)
                assert set(language.allowed(state).tolist()) <= set(found.tolist())
                more += len(found) > len(language.allowed(state))
            following = language.next_state(state, token_id)
            after = grounding.index.next_state(in_schema, token_id)
            assert following is not None
            assert after is not None
            state, in_schema, written = following, after, written + tokens[token_id]
    assert more


def cut(text: bytes, tokens: Mapping[int, bytes]) -> Iterator[int]:
    """A text in tokens of random lengths, so that a rest may begin inside a longest one."""
    rng, start = Random(text), 0
    by_bytes = {data: token_id for token_id, data in tokens.items()}
    while start < len(text):
        ends = [end for end in range(start + 1, len(text) + 1) if text[start:end] in by_bytes]
        end = rng.choice(ends)
        yield by_bytes[text[start:end]]
        start = end


def test_a_text_that_the_longest_tokens_do_not_end_has_no_rest(grounding: Grounding) -> None:
    """Nothing is settled then, and the model goes on token by token."""
    few = replace(grounding.vocabulary, tokens={5: b"ab", 6: b"abc", 7: b"cd"})
    own = replace(grounding, vocabulary=few)
    assert own.written(b"ababc") == (5, 6)
    assert own.written(b"abcd") is None
    assert own.written(b"") == ()
    language = GroundedLanguage(own, ["abcd"])
    assert language.is_single
    assert language.rest(language.initial_state) is None
