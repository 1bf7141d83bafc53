"""Three ways to say what an operation is, and one set: language, schemas, parser.

The regular language and the schemas are compared in test_constraint.py; here the reference
parser, which shares no code with either, is held against both.
"""

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvrm_grammar.errors import OperationError
from kvrm_grammar.isa import (
    INVALID,
    OperationModel,
    load_set,
    operation_from_json,
    operation_to_json,
)
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, parse
from tests.fuzz.strategies import STRATEGIES
from tests.kvrm import REGISTERS
from training.texts.operands import kind_of

ISA = load_set()
LANGUAGE = re.compile(build_constraint(ISA).regex)
LABEL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.0123456789$"


def plain(operation: OperationModel) -> str:
    """An operation as assembly, in the simplest writing."""
    [mnemonic] = {opcode.mnemonic for opcode in ISA.opcodes if opcode.key == operation.key}
    operands = ", ".join(str(value) for value in operation.params.model_dump().values())
    return f"{mnemonic} {operands}".strip()


def is_canonical(text: str) -> bool:
    try:
        return operation_to_json(operation_from_json(text)) == text
    except OperationError:
        return False


def test_the_finite_part_one_by_one() -> None:
    """All 1,682 operations of registers alone: parsed from text, canonical, in the language."""
    count = 0
    for opcode in ISA.opcodes:
        if any(kind_of(operand) != "register" for operand in opcode.operands):
            continue
        names = [operand.name for operand in opcode.operands]
        for registers in itertools.product(REGISTERS, repeat=len(names)):
            operation = load_set().operation(opcode.key, dict(zip(names, registers, strict=True)))
            assert parse(plain(operation)) == operation
            text = operation_to_json(operation)
            assert is_canonical(text)
            assert LANGUAGE.fullmatch(text)
            count += 1
    assert count == 1682
    assert LANGUAGE.fullmatch(operation_to_json(INVALID))
    assert parse("") == INVALID


@pytest.mark.parametrize(("head", "key"), [("MOV R7, ", "OP_MOV_REG_IMM"), ("JNS ", "OP_JNS")])
def test_integers_around_every_power(head: str, key: str) -> None:
    """Parser, schemas and language draw the bounds at the same integers."""
    magnitudes = {base**power for base, top in ((10, 12), (2, 40)) for power in range(top)}
    accepted = 0
    for number in sorted({s * (m + d) for m in magnitudes for d in range(-2, 3) for s in (1, -1)}):
        params = f'"dest":"R7","value":{number}' if key.startswith("OP_MOV") else f'"addr":{number}'
        text = f'{{"key":"{key}","params":{{{params}}}}}'
        parsed = operation_to_json(parse(f"{head}{number}"))
        assert (parsed == text) == is_canonical(text) == (LANGUAGE.fullmatch(text) is not None)
        assert parsed in (text, operation_to_json(INVALID))
        accepted += parsed == text
    assert accepted > 100


@given(label=st.text(LABEL, min_size=1, max_size=66))
@example(label="R")
@example(label="r7")
@example(label="R8")
@example(label="R007")
@example(label="R1_")
@example(label="a" * 64)
@example(label="a" * 65)
@example(label="0a")
@example(label="$a")
def test_labels(label: str) -> None:
    """A label is one for all three, or for none."""
    text = f'{{"key":"OP_JZ","params":{{"addr":"{label}"}}}}'
    parsed = operation_to_json(parse(f"jz {label}"))
    assert (parsed == text) == is_canonical(text) == (LANGUAGE.fullmatch(text) is not None)


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_parser_says_nothing_else(name: str) -> None:
    """Whatever the text, what the parser makes of it is in the language, and canonical."""

    @given(text=STRATEGIES[name].filter(lambda text: len(text) < MAX_LINE_LENGTH))
    def check(text: str) -> None:
        answer = operation_to_json(parse(text))
        assert LANGUAGE.fullmatch(answer)
        assert is_canonical(answer)

    check()
