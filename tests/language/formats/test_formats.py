"""Regular expression, GBNF and JSON schema: all of them have the codec's language, of every set."""

import json
import re
from functools import cache
from random import Random
from typing import Any, Literal

import llguidance
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from kvrm_grammar.errors import ConstraintError
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.language.automaton import compile_automaton
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.language.formats import gbnf, json_schema
from kvrm_grammar.language.formats.minimal import minimal_states
from tests.language.formats.interpreter import Grammar
from tests.language.formats.samples import (
    is_canonical,
    is_operation,
    near_misses,
    operations,
    texts,
)
from tests.sets import every_set

SETS = every_set()
_END = 256


class Bytes:
    """A tokenizer of single bytes, as llguidance wants one."""

    def __init__(self) -> None:
        self.eos_token_id, self.bos_token_id = _END, None
        self.tokens = [*(bytes([byte]) for byte in range(256)), b"<end>"]
        self.special_token_ids = [_END]

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)


@cache
def tokenizer() -> llguidance.LLTokenizer:
    return llguidance.LLTokenizer(llguidance.TokenizerWrapper(Bytes()))


class Engine:
    """One grammar in llguidance; what it has worked out for a text serves the next one too."""

    def __init__(self, kind: Literal["regex", "grammar", "json_schema"], grammar: str) -> None:
        made = llguidance.grammar_from(kind, grammar)
        self._matcher = llguidance.LLMatcher(tokenizer(), made)
        assert not self._matcher.is_error(), self._matcher.get_error()

    def accepts(self, text: str) -> bool:
        ids = [*text.encode("utf-8", "surrogatepass")]
        self._matcher.reset()
        return self._matcher.try_consume_tokens(ids) == len(ids) and self._matcher.is_accepting()


def some(isa: InstructionSet, count: int = 400) -> list[str]:
    """Texts of both kinds, at most so many."""
    every = texts(isa)
    return Random(isa.name).sample(every, min(count, len(every)))


def ecma_pattern(_: Any, pattern: str, value: object, __: Any) -> Any:
    """``pattern`` as ECMA-262 reads it: a dollar sign is the very end, before no line end."""
    if isinstance(value, str) and not re.search(pattern.removesuffix("$") + r"\Z", value):
        yield ValidationError(f"{value!r} does not match")


def has_a_whole_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_a_whole_float, value.values()))
    return isinstance(value, float) and value.is_integer()


@pytest.mark.parametrize("isa", SETS, ids=lambda isa: isa.name)
def test_the_samples_are_of_both_kinds(isa: InstructionSet) -> None:
    """Every opcode is among the operations, and there are many near misses of each kind."""
    keys = {json.loads(text)["key"] for text in operations(isa)}
    assert keys == {*isa.keys}
    assert all(is_canonical(text, isa) for text in operations(isa))
    assert len(near_misses(isa)) >= 200
    assert sum(is_operation(text, isa) for text in near_misses(isa)) >= 3  # but not canonical


@pytest.mark.parametrize("isa", SETS, ids=lambda isa: isa.name)
def test_the_expression_takes_what_the_codec_writes(isa: InstructionSet) -> None:
    """In Outlines' automaton and in Python's engine alike."""
    regex = build_constraint(isa).regex
    automaton, pattern = compile_automaton(regex), re.compile(regex)
    for text in texts(isa):
        assert automaton.accepts(text) == is_canonical(text, isa), text
        assert bool(pattern.fullmatch(text)) == is_canonical(text, isa), text


@pytest.mark.parametrize("isa", SETS, ids=lambda isa: isa.name)
def test_the_grammar_takes_what_the_codec_writes(isa: InstructionSet) -> None:
    """Read by an interpreter of GBNF that shares nothing with the writer."""
    grammar = Grammar(gbnf(isa))
    for text in texts(isa):
        assert grammar.accepts(text) == is_canonical(text, isa), text


@pytest.mark.parametrize("isa", SETS, ids=lambda isa: isa.name)
def test_llguidance_takes_the_same_by_expression_and_grammar(isa: InstructionSet) -> None:
    """The engine that vLLM can use: the expression, and the grammar by its own reader of GBNF."""
    engines = Engine("regex", build_constraint(isa).regex), Engine("grammar", gbnf(isa))
    for text in some(isa):
        assert [one.accepts(text) for one in engines] == [is_canonical(text, isa)] * 2, text


@pytest.mark.parametrize("isa", SETS, ids=lambda isa: isa.name)
def test_llguidance_writes_canonical_texts_by_the_schema(isa: InstructionSet) -> None:
    """Without blanks, its language of the schema is that of the expression."""
    layout = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}
    schema = json_schema(isa) | {"x-guidance": layout}
    engine = Engine("json_schema", json.dumps(schema))
    for text in some(isa):
        assert engine.accepts(text) == is_canonical(text, isa), text


@pytest.mark.parametrize("isa", SETS, ids=lambda isa: isa.name)
def test_the_schemas_instances_are_the_operations(isa: InstructionSet) -> None:
    """As data, in whatever layout; ``1.0`` is an integer to a schema and none to the codec."""
    schema = json_schema(isa)
    Draft202012Validator.check_schema(schema)
    validator = extend(Draft202012Validator, {"pattern": ecma_pattern})(schema)
    looked_at = 0
    for text in some(isa, 1000):
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if has_a_whole_float(value.get("params", {})):
            continue
        again = json.dumps(value)  # a key that comes twice is no matter of a schema
        looked_at += 1
        assert validator.is_valid(value) == is_operation(again, isa), text
    assert looked_at >= 150


@pytest.mark.parametrize("isa", SETS, ids=lambda isa: isa.name)
def test_the_grammar_has_one_way_on(isa: InstructionSet) -> None:
    """In a domain's rules no character begins two alternatives, so nothing is followed twice."""
    rules = [line for line in gbnf(isa).splitlines() if line.startswith("domain-")]
    assert len(rules) >= len(isa.domains)
    for rule in rules:
        body = rule.partition(" ::= ")[2].removesuffix(")?").removeprefix("(")
        firsts = [first_characters(option) for option in body.split(" | ")]
        assert sum(map(len, firsts)) == len(set().union(*firsts)), rule


def first_characters(option: str) -> set[str]:
    """What an alternative that begins with a literal or a class may begin with."""
    piece = re.match(r'"(?:\\.|[^"\\])|\[(?:\\.|[^\]\\])*\]', option)
    assert piece, option
    grammar = Grammar(f"root ::= {piece[0]}" + ('"' if piece[0][0] == '"' else ""))
    return {chr(code) for code in range(128) if grammar.accepts(chr(code))}


@pytest.mark.parametrize("isa", SETS, ids=lambda isa: isa.name)
def test_grammars_are_plain(isa: InstructionSet) -> None:
    """ASCII alone, names that every version of llama.cpp reads, each rule defined once."""
    text = gbnf(isa)
    assert text.isascii() and text.endswith("\n")
    names = re.findall(r"^([^ #]+) ::=", text, re.MULTILINE)
    assert names[:2] == ["root", "operation"] and len({*names}) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in names)


def test_minimal_states_are_minimal() -> None:
    """Equal futures are one state; what a state leads to comes before it."""
    states = minimal_states("(?:ab|cb|cd|b)?")
    assert [state.may_end for state in states] == [True, False, False, True]
    assert len({*states}) == len(states)
    assert all(to < place for place, own in enumerate(states) for _, to in own.ways)


def test_an_endless_language_has_no_states() -> None:
    """A typed error, not an endless loop."""
    with pytest.raises(ConstraintError, match="without a longest text"):
        minimal_states("ab*")
