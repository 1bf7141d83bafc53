"""Running a program that was decoded, for ``POST /v1/programs`` and the page.

In: a program and what the request says of its run. Out: the state at its start, each step, and the
state at its end, or why it did not come there. A program with a refused line is not run at all.
"""

from collections.abc import Mapping
from typing import Any

from kvrm_grammar.errors import MachineError, SemanticsError
from kvrm_grammar.isa import InstructionSet, State
from kvrm_grammar.machine import Machine, Step, semantics_of, steps
from kvrm_grammar.oracle.program import Program
from kvrm_grammar.serve.bodies import ProgramBody
from kvrm_grammar.serve.problems import RequestError
from kvrm_grammar.serve.rows import error_row

__all__ = ["SHOWN_STEPS", "check_run", "run_row"]

SHOWN_STEPS = 5_000
"""Steps that are answered, the first ones; more are run, but not told one by one."""


def check_run(body: ProgramBody, isa: InstructionSet) -> None:
    """Refuse a run that could not begin, before a model is asked.

    Raises:
        RequestError: The set does not say what its operations do, or a register is wrong.
    """
    if not body.run:
        return
    try:
        semantics_of(isa).start(_registers(body, isa))
    except SemanticsError as error:
        raise RequestError(501, "not_available", str(error), param="run") from error
    except MachineError as error:
        raise RequestError(400, type(error).__name__, str(error), param="registers") from error


def run_row(program: Program, body: ProgramBody, isa: InstructionSet) -> dict[str, Any]:
    """Run a program.

    Returns:
        ``start`` and ``end``: states; ``steps``: of each executed instruction, in order, what it
        changed, at most ``SHOWN_STEPS`` of them; ``cycles``: how many there were; ``error``: why it
        did not come to its end, or None.
    """
    shown: list[dict[str, Any]] = []
    row: dict[str, Any] = {"start": None, "end": None, "cycles": 0, "steps": shown, "error": None}
    try:
        machine = Machine(program, isa)
        state = machine.start(_registers(body, isa))
        row["start"] = row["end"] = _state_row(state)
        for one in steps(machine, state, max_cycles=body.max_cycles):
            state = one.after
            row["cycles"] = one.cycle
            if one.cycle <= SHOWN_STEPS:
                shown.append(_step_row(one))
    except MachineError as error:
        row["error"] = error_row(error)
    if row["cycles"]:
        row["end"] = _state_row(state)
    return row


def _registers(body: ProgramBody, isa: InstructionSet) -> Mapping[str, int]:
    """A register may have any spelling of the set."""
    return {isa.spellings.get(word, word): number for word, number in body.registers.items()}


def _state_row(state: State) -> dict[str, Any]:
    return {
        "registers": dict(state.registers),
        "flags": dict(state.flags),
        "counter": state.counter,
        "halted": state.halted,
    }


def _step_row(one: Step) -> dict[str, Any]:
    return {
        "cycle": one.cycle,
        "line": one.instruction.line,
        "address": one.instruction.address,
        "changed": dict(one.changed),
        "flags": dict(one.flags),
        "counter": one.after.counter,
    }
