"""One instruction: where the machine goes on, when it stops, and what it cannot do."""

import pickle

import pytest

from kvrm_grammar.errors import (
    JumpError,
    MachineError,
    RefusedLineError,
    SemanticsError,
    UnknownLabelError,
)
from kvrm_grammar.isa import Effect, InstructionSet, Integers, Semantics, State, load_set
from kvrm_grammar.isa.binding import bind
from kvrm_grammar.machine import Machine, run, semantics_of, step
from kvrm_grammar.oracle.program import Instruction, Program, parse_program
from kvrm_grammar.oracle.reference import parse
from tests.sets import SCAFFOLD, ZETA

KVRM = load_set()


def _zeta(effect: Effect) -> InstructionSet:
    """The test set, each of whose operations has the same effect; addresses are 4 apart."""
    semantics = Semantics(
        ("a0", "a1"), Integers(-8, 7), dict.fromkeys(ZETA.by_key, lambda *_: effect), ("odd",)
    )
    return bind(ZETA.grammar, ZETA.models, ZETA.definition, semantics=semantics)


def test_a_state_is_never_changed() -> None:
    """A step makes a new state; the one before it, and the machine, stay as they are."""
    machine = Machine(parse_program("inc r1\nhalt"))
    before = machine.start({"R1": 4})
    copy = pickle.loads(pickle.dumps(before))
    after = step(machine, before)
    assert (before, after.registers["R1"]) == (copy, 5)
    with pytest.raises(TypeError):
        before.registers["R1"] = 1  # type: ignore[index]
    with pytest.raises(AttributeError):
        before.counter = 1  # type: ignore[misc]
    assert len({before, copy, after}) == 2


def test_everything_is_zero_at_the_start() -> None:
    """Registers that are not set and all flags are 0; the counter is at the first address."""
    start = Machine(parse_program("halt")).start({"R3": -7})
    assert [*start.registers.values()] == [0, 0, 0, -7, 0, 0, 0, 0]
    assert (dict(start.flags), start.counter, start.halted) == ({"Z": 0, "S": 0}, 0, False)


@pytest.mark.parametrize(
    ("source", "counter", "cycles"),
    [
        ("", 0, 0),
        ("; nothing\nend:", 0, 0),
        ("halt", 0, 1),
        ("nop\nhalt\nnop", 1, 2),
        ("nop", 1, 1),
        ("jmp end\nnop\nend:", 2, 1),
        ("jmp 2\nnop", 2, 1),
        ("jnz 2\nnop", 2, 1),
        ("inc r1\njz 9\nhalt", 2, 3),
    ],
)
def test_where_a_program_ends(source: str, counter: int, cycles: int) -> None:
    """At an instruction that halts, or behind the last one, however it is reached."""
    trace = run(parse_program(source))
    assert trace.final.halted
    assert (trace.final.counter, trace.cycles) == (counter, cycles)


@pytest.mark.parametrize("source", ["nop\njmp 3", "nop\njnz 2147483647", "x: nop\njns 4 ; far"])
def test_a_jump_outside_of_the_program(source: str) -> None:
    """The error names the address, the line, and the highest address."""
    with pytest.raises(JumpError) as caught:
        run(parse_program(source))
    error = caught.value
    assert (error.line, error.end) == (2, 2) and error.address > error.end
    assert f"line 2: a jump to {error.address}" in str(error) and "0 to 2" in str(error)


def test_a_machine_that_has_stopped_does_nothing() -> None:
    """A step of it is an error, as is one from a state that no program has."""
    machine = Machine(parse_program("halt"))
    with pytest.raises(MachineError, match="has stopped at address 0"):
        step(machine, step(machine, machine.start()))
    with pytest.raises(MachineError, match="no instruction to execute at address 7"):
        step(machine, State(machine.start().registers, machine.start().flags, 7))


def test_a_refused_line_stops_everything() -> None:
    """The error has the first line, its text and reason, and the numbers of the others."""
    with pytest.raises(RefusedLineError) as caught:
        run(parse_program("mov r1, 5\n\n  foo r1 ; what\nadd r1\nhalt\nr9\n"))
    error = caught.value
    assert (error.line, error.text, error.others) == (3, "  foo r1 ; what", (4, 6))
    assert str(error) == (
        "line 3: 'foo r1 ; what' is refused: foo is not a mnemonic; lines refused: 3, 4, 6"
    )


def test_a_refusal_for_lack_of_confidence_says_how_sure_it_was() -> None:
    """Whoever runs a program with ``min_confidence`` sees the number."""
    line = Instruction(0, 7, "dce r1", parse("?"), "uncertain", 0.25)
    with pytest.raises(RefusedLineError, match=r"line 7: 'dce r1' .* uncertain \(confidence 0.25"):
        Machine(Program((line,), {}))
    silent = Instruction(0, 7, "dce r1", parse("?"))
    with pytest.raises(RefusedLineError, match=r"is refused: no instruction$"):
        Machine(Program((silent,), {}))


def test_a_label_that_was_not_resolved() -> None:
    """Instructions that were never assembled are refused before anything runs."""
    line = Instruction(0, 3, "jmp loop", parse("jmp loop"))
    with pytest.raises(UnknownLabelError, match="'loop' in line 3"):
        Machine(Program((line,), {}))


def test_a_set_without_semantics() -> None:
    """The error names the set, and what its folder lacks."""
    with pytest.raises(SemanticsError, match=r"the set 'zeta' does not say .* semantics\.py"):
        run(parse_program("beep", ZETA), isa=ZETA)
    with pytest.raises(SemanticsError):
        semantics_of(ZETA)
    assert semantics_of(KVRM) is KVRM.semantics


def test_a_program_of_another_set() -> None:
    """It is refused by name, before anything runs."""
    with pytest.raises(MachineError, match="OP_BEEP is no operation of the set 'kvrm'"):
        run(parse_program("beep", ZETA))


@pytest.mark.parametrize(
    ("registers", "message"),
    [
        ({"R8": 1}, "no register 'R8'; there are R0, R1"),
        ({"r1": 1}, "no register 'r1'"),
        ({"R1": 2**31}, "R1 cannot hold 2147483648: -2147483648 to 2147483647"),
        ({"R1": 1.0}, "R1 cannot hold 1.0"),
        ({"R1": True}, "R1 cannot hold True"),
    ],
)
def test_registers_that_cannot_be(registers: dict[str, int], message: str) -> None:
    """Nothing wraps at the start: a wrong name or number is an error that shows it."""
    with pytest.raises(MachineError, match=message):
        run(parse_program("halt"), registers=registers)


def test_addresses_that_are_four_apart() -> None:
    """The counter goes in steps of the set; a jump between two addresses is an error."""
    program = parse_program("beep\nbeep", ZETA)
    assert run(program, isa=_zeta(Effect({"a0": -8}, {"odd": 1}))).final == State(
        {"a0": -8, "a1": 0}, {"odd": 1}, 8, halted=True
    )
    assert run(program, isa=_zeta(Effect(jump=8))).cycles == 1
    with pytest.raises(JumpError, match=r"to 6, outside .* 0 to 8 in steps of 4"):
        run(program, isa=_zeta(Effect(jump=6)))
    with pytest.raises(JumpError, match="to -4"):
        run(program, isa=_zeta(Effect(jump=-4)))


@pytest.mark.parametrize(
    "effect",
    [Effect({"a0": 8}), Effect({"a2": 0}), Effect({"a0": True}), Effect(flags={"odd": 2}),
     Effect(flags={"even": 1})],
    ids=repr,
)  # fmt: skip
def test_an_effect_that_cannot_be(effect: Effect) -> None:
    """A register or flag that is not there, or a number it cannot hold, names set and key."""
    with pytest.raises(SemanticsError, match=r"'zeta': OP_BEEP makes .* which cannot be"):
        run(parse_program("beep", ZETA), isa=_zeta(effect))


def test_the_scaffold_can_be_run() -> None:
    """A new set says what it does: the lamps burn as the program says."""
    program = parse_program("dim hall, 30\nmore: on kitchen\noff hall\nagain more", SCAFFOLD)
    trace = run(program, isa=SCAFFOLD)
    assert {**trace.final.registers} == {"hall": 0, "kitchen": 100, "porch": 0}
    assert ({**trace.final.flags}, trace.cycles) == ({"changed": 0}, 7)
