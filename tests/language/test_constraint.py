"""The constraint's language is exactly the canonical JSON of the schemas."""

import itertools
import re
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kvrm_grammar.errors import ConstraintError, OperationError
from kvrm_grammar.isa import (
    INVALID,
    InstructionSet,
    OperationModel,
    load_set,
    operation_from_json,
    operation_to_json,
)
from kvrm_grammar.language.constraint import (
    MAX_REGEX_LENGTH,
    build_constraint,
    finite_constraint,
)
from kvrm_grammar.language.index import TokenIndex, compile_index
from kvrm_grammar.language.regex import integer_range_regex, multiples_regex
from kvrm_grammar.language.vocabulary import TokenVocabulary
from tests.kvrm import ADDRESS_MAX, ADDRESS_MIN, IMMEDIATE_MAX, IMMEDIATE_MIN, REGISTERS
from tests.sets import ZETA
from training.texts.operands import kind_of

ISA = load_set()
CONSTRAINT = build_constraint(ISA)
PATTERN = re.compile(CONSTRAINT.regex)
LABEL_FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_."
LABEL_REST = LABEL_FIRST + "0123456789$"
END = 256
# A busy machine is slow at everything; how long a test takes says nothing here.
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def is_canonical(text: str) -> bool:
    """The oracle: the schemas accept the text, and write it the same way."""
    try:
        return operation_to_json(operation_from_json(text)) == text
    except OperationError:
        return False


def in_language(text: str) -> bool:
    return PATTERN.fullmatch(text) is not None


@cache
def by_bytes() -> TokenIndex:
    """The constraint over a vocabulary of the 256 bytes: the plain automaton."""
    vocabulary = TokenVocabulary({byte: bytes([byte]) for byte in range(256)}, END, END + 1)
    return compile_index(CONSTRAINT, vocabulary)


def texts_from(state: int, prefix: str, stops: tuple[str, ...]) -> Iterator[str]:
    """All texts of the language, each cut off behind the first of ``stops`` in it."""
    if prefix.endswith(stops):
        yield prefix
        return
    for token_id in by_bytes().allowed(state).tolist():
        if token_id == END:
            yield prefix
            continue
        following = by_bytes().next_state(state, token_id)
        assert following is not None
        yield from texts_from(following, prefix + chr(token_id), stops)


def count_and_longest(prefix: str) -> tuple[int, int]:
    """How many texts of the language start so, and how long the longest is."""

    @cache
    def visit(state: int) -> tuple[int, int]:
        count, longest = 0, 0
        for token_id in by_bytes().allowed(state).tolist():
            if token_id == END:
                count += 1
                continue
            following = by_bytes().next_state(state, token_id)
            assert following is not None
            texts, length = visit(following)
            count, longest = count + texts, max(longest, length + 1)
        return count, longest

    start = by_bytes().walk(prefix.encode())
    assert start is not None
    texts, length = visit(start)
    return texts, length + len(prefix)


def jump(label: str) -> str:
    return f'{{"key":"OP_JMP","params":{{"addr":"{label}"}}}}'


labels = st.one_of(
    st.text(LABEL_REST, min_size=1, max_size=66),
    st.from_regex(r"[Rr][0-9]{0,63}[A-Za-z_.$]?[a-z0-9]{0,3}", fullmatch=True),
)
values = {
    "register": st.sampled_from(REGISTERS),
    "immediate": st.integers(IMMEDIATE_MIN, IMMEDIATE_MAX),
    "target": st.integers(ADDRESS_MIN, ADDRESS_MAX)
    | labels.filter(lambda label: is_canonical(jump(label))),
}


@st.composite
def operations(draw: st.DrawFn) -> OperationModel:
    opcode = draw(st.sampled_from(ISA.opcodes))
    return load_set().operation(
        opcode.key, {operand.name: draw(values[kind_of(operand)]) for operand in opcode.operands}
    )


@st.composite
def one_edit_away(draw: st.DrawFn) -> str:
    """Canonical JSON with one character inserted, removed or replaced."""
    text = operation_to_json(draw(operations()))
    place = draw(st.integers(0, len(text) - 1))
    character = draw(st.sampled_from(' 0123456789-+_.$"{}:,RrJeE\\/é\n') | st.just(""))
    return text[:place] + character + text[place + draw(st.integers(0, 1)) :]


def test_finite_part_is_enumerated_completely() -> None:
    """Without integers and labels, both sides have the same 1,683 texts."""
    open_operands = ('"value":', '"addr":')
    found = set(texts_from(by_bytes().initial_state, "", open_operands))
    expected, cut = {operation_to_json(INVALID)}, set()
    for opcode in ISA.opcodes:
        closed = [operand for operand in opcode.operands if kind_of(operand) == "register"]
        for registers in itertools.product(ISA.names, repeat=len(closed)):
            params = dict(zip((operand.name for operand in closed), registers, strict=True))
            if len(closed) == len(opcode.operands):
                expected.add(operation_to_json(load_set().operation(opcode.key, params)))
                continue
            # Registers come first in every opcode with an open operand.
            filled = params | {opcode.operands[-1].name: 0}
            cut.add(operation_to_json(load_set().operation(opcode.key, filled)).removesuffix("0}}"))
    assert len(expected) == 1683
    assert found == expected | cut


def test_language_has_as_many_texts_as_there_are_operations() -> None:
    """Counted on the automaton: 2^32 immediates; 2^31 addresses and every free label."""
    names = sum(54 * 65 ** (length - 1) for length in range(1, 65))
    reserved = sum(2 * 10**digits for digits in range(1, 64))
    one_jump = 2**31 + names - reserved
    assert count_and_longest('{"key":"OP_MOV_REG_IMM","params":{"dest":"R0","value":')[0] == 2**32
    assert count_and_longest('{"key":"OP_JZ","params":{"addr":')[0] == one_jump
    assert count_and_longest("") == (1683 + 8 * 2**32 + 5 * one_jump, CONSTRAINT.max_length)


@relaxed
@given(operations())
def test_every_operation_is_in_the_language(operation: OperationModel) -> None:
    """Completeness: whatever the schemas write can be decoded."""
    assert in_language(operation_to_json(operation))


@settings(relaxed, max_examples=300)
@given(one_edit_away())
@example('{"key":"OP_HALT","params":{}} ')
@example('{"key":"OP_HALT","params":{}}\n')
@example('{"params":{},"key":"OP_HALT"}')
@example('{"key":"OP_HALT","params":{"dest":"R0"}}')
def test_language_and_schemas_agree_near_the_border(text: str) -> None:
    """Soundness and completeness one edit away from valid, in both regex engines."""
    expected = is_canonical(text)
    assert in_language(text) == expected
    state = by_bytes().walk(text.encode())
    assert (state is not None and by_bytes().is_accepting(state)) == expected


@pytest.mark.parametrize("name", ["value", "addr"])
def test_integer_bounds_are_exact(name: str) -> None:
    """A sweep around every power of ten and of two, and spellings JSON or int() would take."""
    head = {
        "value": '{"key":"OP_MOV_REG_IMM","params":{"dest":"R7","value":',
        "addr": '{"key":"OP_JNS","params":{"addr":',
    }[name]
    magnitudes = {base**power for base, top in ((10, 12), (2, 40)) for power in range(top)}
    numbers = {sign * (m + d) for m in magnitudes for d in (-2, -1, 0, 1, 2) for sign in (1, -1)}
    odd = ["", " 1", *["-0", "00", "01", "-01", "+1", "1.0", "1e3", "0x1", "1_0", "-", "١"]]
    for spelling in [*map(str, numbers), *odd]:
        text = f"{head}{spelling}}}}}"
        assert in_language(text) == is_canonical(text), text


@pytest.mark.parametrize("length", [1, 2, 3, 62, 63, 64, 65, 66])
def test_labels_are_exact_at_every_length(length: int) -> None:
    """The limit of 64, and names that start like a register but go on otherwise."""
    heads = ["a", "_", ".", "$", "7", "R", "r", "Ra", "R0", "r7", "R1_", "Q1", "é"]
    fills = ["0", "9", "a", "$", ".", "R", "-", "ſ"]
    ends = ["", "0", "a", "$", "_", " ", '"']
    for head, fill, end in itertools.product(heads, fills, ends):
        label = (head + fill * length)[: max(length - len(end), 0)] + end
        assert in_language(jump(label)) == is_canonical(jump(label)), label


@relaxed
@given(labels)
@example("R")
@example("R" + "9" * 62 + "a")
@example("R" + "9" * 63)
@example("r" + "9" * 63 + "a")
def test_labels_agree_with_the_schemas(label: str) -> None:
    """``fullmatch`` if and only if the schemas take the label."""
    assert in_language(jump(label)) == is_canonical(jump(label))


def test_small_integer_ranges_exhaustively() -> None:
    """Every range within -25…25 matches its members, in canonical decimal, and no others."""
    numbers = range(-25, 26)
    for low, high in itertools.combinations_with_replacement(numbers, 2):
        pattern = re.compile(integer_range_regex(low, high))
        matched = [n for n in range(-125, 126) if pattern.fullmatch(str(n))]
        assert matched == list(range(low, high + 1)), (low, high)
        assert not any(pattern.fullmatch(odd) for odd in ("-0", "00", "01", "-01", "+1", ""))


@relaxed
@given(st.integers(), st.integers(), st.integers(), st.integers(-3, 3))
def test_large_integer_ranges(one: int, other: int, anywhere: int, near: int) -> None:
    """Bounds hold exactly for integers of any size."""
    low, high = sorted((one, other))
    pattern = re.compile(integer_range_regex(low, high))
    for number in (anywhere, low + near, high + near):
        assert (pattern.fullmatch(str(number)) is not None) == (low <= number <= high)


def test_unusable_ranges_are_refused() -> None:
    """An empty range, or one of absurd size, is an error that names the range."""
    with pytest.raises(ConstraintError, match="empty integer range 3…2"):
        integer_range_regex(3, 2)
    with pytest.raises(ConstraintError, match="64 digits"):
        integer_range_regex(0, 10**5000)


@pytest.mark.parametrize("step", [2, 4, 5, 8, 20, 125, 3, 7])
@given(low=st.integers(-999, 999), size=st.integers(0, 3000))
@settings(deadline=None, max_examples=20)
def test_multiples(step: int, low: int, size: int) -> None:
    """The expression holds exactly the multiples of a step in a range, in canonical decimals."""
    low, high = low * step, (low + size // step) * step
    pattern = re.compile(multiples_regex(low, high, step))
    found = [n for n in range(low - 2 * step, high + 2 * step) if pattern.fullmatch(str(n))]
    assert found == list(range(low, high + 1, step))
    assert not any(map(pattern.fullmatch, ("", "-0", "00", f"0{high}", f"{high}.0")))


def test_steps_that_cannot_be_written_are_refused() -> None:
    """A step that divides no power of ten gives an expression only where its multiples are few."""
    with pytest.raises(ConstraintError, match="multiples of 3 are too many"):
        multiples_regex(0, 10**6, 3)
    with pytest.raises(ConstraintError, match="no multiple of 8 in 9…15"):
        multiples_regex(9, 15, 8)


def test_constraint_is_a_value() -> None:
    """The same instruction set gives the same constraint; another one, another digest."""
    assert build_constraint(ISA) is CONSTRAINT
    other = build_constraint(ZETA)
    assert other.digest != CONSTRAINT.digest
    assert not re.fullmatch(other.regex, '{"key":"OP_INC","params":{"dest":"R4"}}')


def test_instruction_set_without_labels_needs_no_register_names() -> None:
    """Whatever operands an instruction set lacks, nothing is asked of them."""
    plain = tuple(opcode for opcode in ISA.opcodes if not opcode.operands)
    constraint = build_constraint(
        InstructionSet(ISA.definition, ISA.grammar, plain, ISA.models, None, ISA.digest)
    )
    assert re.fullmatch(constraint.regex, operation_to_json(INVALID))
    assert not re.fullmatch(constraint.regex, jump("a"))


def test_finite_language_holds_just_its_texts() -> None:
    """Nothing in a text acts as an operator, in either engine."""
    texts = ['{"a":1}', '{"a":12}', "a.b|c", "$^\\-[&&~#", "(?i)x", "aé"]
    constraint = finite_constraint(texts)
    vocabulary = TokenVocabulary({byte: bytes([byte]) for byte in range(256)}, END, END + 1)
    index = compile_index(constraint, vocabulary)
    for text in [*texts, '{"a":1', "axb|c", "a.b", "X", ""]:
        state = index.walk(text.encode())
        assert (state is not None and index.is_accepting(state)) == (text in texts)
        assert (re.fullmatch(constraint.regex, text) is not None) == (text in texts)
    assert constraint.max_length == max(len(text.encode()) for text in texts)
    assert constraint == finite_constraint(reversed(texts * 2))


def test_impossible_languages_are_refused() -> None:
    """No text, one that begins another, or more than an automaton should be built from."""
    with pytest.raises(ConstraintError, match="at least one"):
        finite_constraint([])
    with pytest.raises(ConstraintError, match="'a' is the beginning of 'abc'"):
        finite_constraint(["b", "abc", "a"])
    with pytest.raises(ConstraintError, match=str(MAX_REGEX_LENGTH)):
        finite_constraint(["x" * (MAX_REGEX_LENGTH + 1)])
