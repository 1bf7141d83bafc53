"""The grammar against GNU as: whatever strict accepts, as accepts, and means by it the same."""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import INVALID, Form, Opcode, OperationModel, load_set, operation_to_json
from kvrm_grammar.isa.sampling import boundary_values
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, parse
from tests.sets.drawn import variants
from tests.sets.rv32im.binutils import encode, missing
from tests.sets.rv32im.words import REGISTERS, meaning
from training.texts.strict.valid import valid_variant

RV32IM = load_set("rv32im")
pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


def rendered(operation: OperationModel) -> str:
    """An operation as the table of the set writes it out: the first form of its rule."""
    form = RV32IM.by_key[operation.key].forms[0]
    words = {name: str(value) for name, value in operation.params.model_dump().items()}
    return form.joined(form.mnemonic.lower(), words)


def has_address(operation: OperationModel) -> bool:
    """Whether a target is a number: as makes a relocation of it, and no bits."""
    return isinstance(operation.params.model_dump().get("target"), int)


def compare(texts: list[str]) -> int:
    """Assemble texts and what they were read as; how many gave bytes to compare."""
    operations = [parse(text, RV32IM) for text in texts]
    own = encode([text.rstrip("\r\n") for text in texts])
    definitions = [defined(text) for text in texts]
    written = [d + rendered(o) for d, o in zip(definitions, operations, strict=True)]
    theirs = encode(written)
    compared = 0
    for text, operation, ours, judged in zip(texts, operations, own, theirs, strict=True):
        assert ours is not None, f"as refuses {text!r}"
        assert judged is not None, f"as refuses what {text!r} was read as"
        if has_address(operation):
            continue
        assert ours == judged, f"{text!r} is {ours.hex()}, {rendered(operation)} {judged.hex()}"
        label = isinstance(operation.params.model_dump().get("target"), str)
        if not label:
            word = meaning(int.from_bytes(ours, "little"))
            assert word == operation.model_dump(), text
        compared += 1
    return compared


def defined(text: str) -> str:
    """The label definition before an instruction, so that a jump to itself is one again."""
    label = find_dialect("strict", RV32IM).read(text).label
    return "" if label is None else f"{label}: "


def boundary_texts() -> Iterator[str]:
    """Each form with the ends of each range, and every register in each place."""
    for opcode in RV32IM.opcodes:
        for form in opcode.forms:
            yield from _texts(opcode, form)


def _texts(opcode: Opcode, form: Form) -> Iterator[str]:
    operands = {operand.name: operand for operand in opcode.operands}
    choices = []
    for place, name in enumerate(form.operands):
        domain = operands[name].domain
        if domain.names:
            choices.append([word for word, _ in operands[name].spellings][place::3])
        elif domain.has_labels:
            choices.append(["there", ".L1", "4", "0xfffffffe"])
        else:
            found = [n for n in boundary_values(domain) if n in (domain.integers or ())]
            choices.append([*map(str, found), *(f"{n:#x}" for n in found)])
    longest = max(map(len, choices), default=1)
    for turn in range(longest):
        words = dict(zip(form.operands, (own[turn % len(own)] for own in choices), strict=True))
        yield form.joined(form.mnemonic.lower(), words)


def test_every_form_at_the_ends_of_its_ranges() -> None:
    """As accepts it, and text, rendered answer and the manual's encoding agree."""
    texts = [*boundary_texts()]
    mnemonics = {text.split(" ")[0].upper() for text in texts}
    assert mnemonics == {*RV32IM.by_mnemonic}
    assert len(texts) > 1500 and compare(texts) > 1200


def test_every_register_by_every_name() -> None:
    """Number, name and fp in each place of an instruction with three."""
    spellings = RV32IM.by_key["OP_ADD"].operands[0].spellings
    assert len(spellings) == 65 and {name for _, name in spellings} == {*REGISTERS}
    words = [word for word, _ in spellings]
    texts = [
        f"add {a}, {b}, {c}"
        for a, b, c in zip(words, words[1:] + words[:1], words[7:] + words[:7], strict=True)
    ]
    assert compare(texts) == 65


def test_characters() -> None:
    """Every character literal that the grammar takes is the same number to as."""
    pattern = next(o for o in RV32IM.by_key["OP_ADDI"].operands if o.name == "imm").pattern
    literals = [f"'{c}'" for c in map(chr, range(32, 127))] + [
        f"'\\{c}'" for c in map(chr, range(32, 127))
    ]
    taken = [literal for literal in literals if pattern.fullmatch(literal)]
    assert len(taken) == 93 + 5
    assert compare([f"addi a0, a1, {literal}" for literal in taken]) == len(taken)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_texts_of_the_makers(seed: int) -> None:
    """What training is made of, blanks, comments, case and labels in it, sixty texts at a time."""
    rng = Random(seed)
    texts = [valid_variant(rng, RV32IM).text for _ in range(60)]
    assert compare([text for text in texts if len(text) < MAX_LINE_LENGTH]) > 20


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(from_lark(RV32IM.parser, start="line"), min_size=1, max_size=20))
def test_texts_of_the_grammar(lines: list[str]) -> None:
    """What Hypothesis derives from the grammar itself, where the ranges let it pass."""
    kept = [text for text in lines if len(text) < MAX_LINE_LENGTH]
    compare([text for text in kept if parse(text, RV32IM) != INVALID])


def test_refused_by_both_or_listed() -> None:
    """What strict refuses and as takes is of the kinds that docs/rv32im.md lists."""
    beyond = {
        "la a0, there": "two instructions", "call there": "two instructions",
        "tail there": "two instructions", "li a0, 2048": "two instructions",
        "sext.b a0, a1": "two instructions", "zext.h a0, a1": "two instructions",
        "fence rw, rw": "fence with operands", "nop; nop": "several statements",
        "x: y: nop": "several labels", "1: nop": "local labels",
        "lui a0, %hi(there)": "relocations", "addi a0, a1, 4+4": "expressions",
        "addi a0, a1, (5)": "expressions", "addi a0, a1, ~5": "expressions",
        "addi a0, a1, -'A'": "expressions", "j there+4": "expressions",
        "addi a0, a1, 010": "octal numbers", "addi a0, a1, 0xffffffff": "numbers that wrap",
        "lw a0, 0xfffffff8(sp)": "numbers that wrap", "addi a0, a1, 'A": "open quotes",
        "addi a0, a1, '\\b'": "other escapes", "jalr a1, 8": "rd left out before an offset",
        "jal a0": "labels named as registers", "j 3": "odd targets", "j +16": "signed targets",
        "unimp": "other operations", "fence.tso": "other operations",
    }  # fmt: skip
    texts = [*beyond]
    assert all(parse(text, RV32IM).key == "OP_INVALID" for text in texts)
    refused = [t for t, found in zip(texts, encode(texts), strict=True) if found is None]
    assert refused == []


@pytest.mark.parametrize(
    "text",
    [
        "add A0, a1, a2", "add X10, x11, x12", "add a0 a1 a2", "add a0, a1", "addi a0, a1, 2048",
        "lui a0, -1", "lui a0, 0x100000", "sub a0, a1, 5", "slli a0, a1, 32", "add a0,, a1, a2",
        "addi a0, a1, 0o17", "addi a0, a1, 08", "add a0, a1, a2 // sum", "subi a0, a1, 5",
        "lw a0, sp, 8", "nop a0", "add x32, x1, x1", "add x01, x1, x1",
    ],
)  # fmt: skip
def test_what_as_refuses_is_refused(text: str) -> None:
    """Neither side takes it."""
    assert encode([text]) == [None]
    assert operation_to_json(parse(text, RV32IM)) == '{"key":"OP_INVALID","params":{}}'


def test_the_campaign_looks_at_every_operation() -> None:
    """The makers' texts have each key, and all of them pass."""
    texts = [v.text for v in variants(RV32IM)]
    assert {parse(text, RV32IM).key for text in texts} == {*RV32IM.by_key}
    assert compare(texts) > len(texts) // 2
