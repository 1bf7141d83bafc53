"""A whole run: its steps, its end, and the limit of its cycles."""

import pickle
from itertools import islice, pairwise

import pytest

from kvrm_grammar.errors import CycleLimitError, MachineError
from kvrm_grammar.machine import MAX_CYCLES, Machine, run, steps
from kvrm_grammar.oracle.program import parse_program

COUNTDOWN = "mov r1, 2\nloop: dec r1 ; down\n jnz loop\nhalt"


def test_a_trace_tells_each_step() -> None:
    """Number, line, text, changed registers and flags, in the order of execution."""
    trace = run(parse_program(COUNTDOWN))
    assert [(one.cycle, one.instruction.line, {**one.changed}, {**one.flags}) for one in trace] == [
        (1, 1, {"R1": 2}, {"Z": 0, "S": 0}),
        (2, 2, {"R1": 1}, {"Z": 0, "S": 0}),
        (3, 3, {}, {"Z": 0, "S": 0}),
        (4, 2, {"R1": 0}, {"Z": 1, "S": 0}),
        (5, 3, {}, {"Z": 1, "S": 0}),
        (6, 4, {}, {"Z": 1, "S": 0}),
    ]
    assert [one.instruction.text for one in trace][1] == "loop: dec r1 ; down"


def test_a_trace_is_made_again_each_time() -> None:
    """Its length is its cycles; the steps join up from the start to the end; copies do too."""
    trace = run(parse_program(COUNTDOWN))
    first, second = [*trace], [*pickle.loads(pickle.dumps(trace))]
    assert first == second and len(first) == len(trace) == trace.cycles == 6
    assert first[0].before == trace.start and first[-1].after == trace.final
    assert all(a.after == b.before for a, b in pairwise(first))


def test_a_register_that_keeps_its_number_has_not_changed() -> None:
    """Writing 0 where 0 was is no change."""
    assert [{**one.changed} for one in run(parse_program("mov r1, 0\nmov r2, 1"))] == [
        {},
        {"R2": 1},
    ]


@pytest.mark.parametrize("cycles", [1, 2, 5])
def test_too_many_cycles(cycles: int) -> None:
    """The error has the limit and the line that would be next; so many are still enough."""
    source = "\n".join(["nop"] * cycles)
    assert run(parse_program(source), max_cycles=cycles).cycles == cycles
    with pytest.raises(CycleLimitError) as caught:
        run(parse_program(f"{source}\n\nhalt"), max_cycles=cycles)
    assert (caught.value.limit, caught.value.line) == (cycles, cycles + 2)
    assert f"not stopped after {cycles} cycles" in str(caught.value)


def test_an_endless_loop_has_steps_all_the_same() -> None:
    """Steps come as they are made; only the one beyond the limit is an error."""
    machine = Machine(parse_program("again: inc r1\njmp again"))
    endless = steps(machine, machine.start(), max_cycles=100)
    seen = [*islice(endless, 100)]
    assert seen[-1].after.registers["R1"] == 50
    with pytest.raises(CycleLimitError):
        next(endless)


def test_no_cycles_at_all() -> None:
    """Nothing may be executed: an empty program ends, another does not; less is an error."""
    assert run(parse_program(""), max_cycles=0).cycles == 0
    with pytest.raises(CycleLimitError, match="after 0 cycles, next is line 1"):
        run(parse_program("halt"), max_cycles=0)
    with pytest.raises(MachineError, match="must be at least 0, got -1"):
        run(parse_program("halt"), max_cycles=-1)
    assert MAX_CYCLES == 1_000_000
