"""Answers that mentions allow, in sets that order their operands differently."""

import json

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import InstructionSet, Mentions, load_set, operation_to_json
from kvrm_grammar.language.candidates import MAX_MEMBERS, Candidates
from kvrm_grammar.oracle.reference import parse
from tests.sets import ZETA, every_set


def answers(text: str, isa: InstructionSet) -> list[str]:
    return Candidates(isa).of(find_dialect("strict", isa).read(text).mentions)


@pytest.mark.parametrize(
    ("text", "key", "count"),
    [
        # The offset stands between two registers: without one there is no answer.
        ("plus s0, a3, a0", "OP_FETCH", 0),
        ("fetch s0, 8(a0)", "OP_FETCH", 2),
        ("plus s0, a3, a0", "OP_SHIFT", 0),
        ("beep", "OP_FETCH", 0),
    ],
)
def test_nothing_is_left_to_the_schema(text: str, key: str, count: int) -> None:
    """What lacks one mention has no answer."""
    assert sum(key in one for one in answers(text, ZETA)) == count


JUMPS = ("OP_JMP", "OP_JZ", "OP_JNZ", "OP_JS", "OP_JNS")
SEVERAL = ("OP_MOV_REG_REG", "OP_ADD", "OP_SUB", "OP_MUL", "OP_CMP")
STEPS = ("OP_INC", "OP_DEC")


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("halt", (*SEVERAL, *STEPS, *JUMPS, "OP_MOV_REG_IMM")),
        ("sub r5 r3 r1", (*JUMPS, "OP_MOV_REG_IMM")),
        ("mov r1", (*SEVERAL, *JUMPS, "OP_MOV_REG_IMM")),
        ("inc 5", (*SEVERAL, *STEPS, "OP_MOV_REG_IMM")),
        ("mov r1, 5", (*SEVERAL,)),
    ],
)
def test_what_is_not_mentioned_has_no_answer(text: str, lost: tuple[str, ...]) -> None:
    """All that the text mentions enough of is possible, and nothing else."""
    texts = answers(text, load_set())
    assert {key for key in load_set().by_key if not any(key in one for one in texts)} == {*lost}


@pytest.mark.parametrize("isa", every_set(), ids=lambda isa: isa.name)
def test_a_language_has_a_largest_size(isa: InstructionSet) -> None:
    """However much a text mentions; and as many values count as an instruction can have."""
    candidates = Candidates(isa, shorthand=True)
    assert candidates.most_values >= max(len(opcode.operands) for opcode in isa.opcodes)
    assert candidates.bound(candidates.most_values) <= MAX_MEMBERS
    everything = tuple(
        (
            domain,
            (
                *(f'"{name}"' for name in domain.names * 3),
                *(str(n) for n in range(3000) if domain.integers and n in domain.integers),
                *((f'"label{n}"' for n in range(3000)) if domain.has_labels else ()),
            ),
        )
        for domain in isa.domains
    )
    implied = tuple(
        (opcode.key, operand.name, json.dumps(name))
        for opcode in isa.opcodes
        for operand in opcode.operands
        for name in operand.domain.names[-2:]
    )
    texts = candidates.of(Mentions(everything, implied))
    assert 90 < len(texts) <= MAX_MEMBERS
    assert len(set(texts)) == len(texts)
    for text in texts[:: max(1, len(texts) // 50)]:
        if "label" not in text:
            assert operation_to_json(isa.parse_json(text)) == text


def test_a_long_sentence_keeps_its_last_word() -> None:
    """As many values count as fit: words in front of the target do not push it out."""
    isa = load_set("rv32im")
    text = "if x13 is less than or equal to or at least as small as ra is then hop to dust"
    mentions = find_dialect("lenient", isa).read(text).mentions
    labels = next(values for domain, values in mentions.items() if domain.has_labels)
    assert len(labels) > Candidates(isa, shorthand=True).most_values
    wanted = isa.operation("OP_BGE", {"rs1": "ra", "rs2": "a3", "target": "dust"})
    assert operation_to_json(wanted) in Candidates(isa, shorthand=True).of(mentions)


@pytest.mark.parametrize(
    ("text", "key", "params", "there"),
    [
        ("addi a0, 4", "OP_ADDI", {"rd": "a0", "rs1": "a0", "imm": 4}, True),
        ("slli a0, 4", "OP_SLLI", {"rd": "a0", "rs1": "a0", "shamt": 4}, True),
        ("sub a0, a1", "OP_SUB", {"rd": "a0", "rs1": "a0", "rs2": "a1"}, True),
        # What is compared is no destination, and a store has none.
        ("beq a0, done", "OP_BEQ", {"rs1": "a0", "rs2": "a0", "target": "done"}, False),
        ("sw a0, 4", "OP_SW", {"rs2": "a0", "offset": 4, "rs1": "a0"}, False),
        ("add a0", "OP_ADD", {"rd": "a0", "rs1": "a0", "rs2": "a0"}, False),
    ],
)
def test_where_one_name_stands_for_two(
    text: str, key: str, params: dict[str, str | int], there: bool
) -> None:
    """The destination may be the first source too, whatever the third operand is."""
    isa = load_set("rv32im")
    own = operation_to_json(isa.operation(key, params))
    mentions = find_dialect("lenient", isa).read(text).mentions
    assert (own in Candidates(isa, shorthand=True).of(mentions)) is there
    assert own not in Candidates(isa).of(mentions)


@pytest.mark.parametrize(
    ("text", "there", "lost"),
    [
        # What a name implies is for the operation that it means, and for that operand alone.
        ("mv a0, a1", "addi a0, a1, 0", "ori a0, a1, 0"),
        ("neg a0, a1", "sub a0, zero, a1", "sub zero, a0, a1"),
        ("beqz a0, done", "beq a0, zero, done", "beq zero, a0, done"),
        ("bgtz a0, done", "blt zero, a0, done", "bge zero, a0, done"),
        # It uses up no mention of the same value.
        ("neg zero, a1", "sub zero, zero, a1", "sub zero, a1, zero"),
        ("mv ra, ra", "addi ra, ra, 0", "slti ra, ra, 0"),
    ],
)
@pytest.mark.parametrize("dialect", ["strict", "lenient"])
def test_what_is_implied_is_for_one_operand(text: str, there: str, lost: str, dialect: str) -> None:
    """Of one operation, in both dialects."""
    isa = load_set("rv32im")
    found = Candidates(isa, shorthand=dialect == "lenient").of(
        find_dialect(dialect, isa).read(text).mentions
    )
    assert operation_to_json(parse(there, isa)) in found
    assert operation_to_json(parse(lost, isa)) not in found


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("set a0 to -a1", "sub a0, zero, a1"),
        ("a0 = (-a1)", "sub a0, zero, a1"),
        ("a0 = \u2212a1", "sub a0, zero, a1"),
        ("neg a0", "sub a0, zero, a0"),
        ("asm.beqz(a0, loop);", "beq a0, zero, loop"),
        ("Op.NOT(t0, t1)", "xori t0, t1, -1"),
        ("unless a0 goto loop", "beq a0, zero, loop"),
        ("if 0 < a0 goto loop", "blt zero, a0, loop"),
        ("a0 = !!a1", "sltu a0, zero, a1"),
        ("a0 = a1 ? 1 : 0", "sltu a0, zero, a1"),
        ("clear the word at sp + 8", "sw zero, 8(sp)"),
        ("store 0 at 8(sp)", "sw zero, 8(sp)"),
        ("the new value of a0 is a1", "addi a0, a1, 0"),
        ("beq a0, a1, loop: (back)", "beq a0, a1, loop"),
        ("return if a0 == a1", "beq a0, a1, return"),
    ],
)
def test_what_people_leave_out_is_not_lost(text: str, meant: str) -> None:
    """Zeros and labels that no rule writes down."""
    isa = load_set("rv32im")
    found = Candidates(isa, shorthand=True).of(find_dialect("lenient", isa).read(text).mentions)
    assert operation_to_json(parse(meant, isa)) in found
