"""A whole run: every step of it, and the state at its end.

In: a program. Out: :func:`run`, which runs it to its end, and :func:`steps`, which hands out
each step as it is made. A :class:`Trace` keeps no steps: states are immutable, so it can make
them again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from kvrm_grammar.errors import CycleLimitError, MachineError
from kvrm_grammar.frozen import FrozenDict
from kvrm_grammar.isa import InstructionSet, State, load_set
from kvrm_grammar.machine.execute import Machine, step
from kvrm_grammar.oracle.program import Instruction, Program

__all__ = ["MAX_CYCLES", "Step", "Trace", "run", "steps"]

MAX_CYCLES = 1_000_000
"""Instructions that a run may execute, unless it is told otherwise."""


@dataclass(frozen=True)
class Step:
    """One executed instruction. Immutable.

    Attributes:
        cycle: Its number, from 1.
        instruction: Its address, source line and text, what it was decoded to, and how sure the
            model was (``confidence``; None where a parser answered).
        before: The state that it found.
        after: The state that it left.
    """

    cycle: int
    instruction: Instruction
    before: State
    after: State

    @property
    def changed(self) -> Mapping[str, int]:
        """Registers that have another number than before, with the new one."""
        old, new = self.before.registers, self.after.registers
        return FrozenDict({name: new[name] for name in new if new[name] != old[name]})

    @property
    def flags(self) -> Mapping[str, int]:
        """The flags after it."""
        return self.after.flags


@dataclass(frozen=True)
class Trace:
    """A run that came to its end. Immutable.

    Iterating over it executes the program again from ``start``; ``len`` is ``cycles``.

    Attributes:
        machine: What was run.
        start: The state before the first instruction.
        final: The state at the end.
        cycles: How many instructions were executed.
    """

    machine: Machine
    start: State
    final: State
    cycles: int

    def __len__(self) -> int:
        return self.cycles

    def __iter__(self) -> Iterator[Step]:
        return steps(self.machine, self.start, max_cycles=self.cycles)


def run(
    program: Program,
    *,
    isa: str | Path | InstructionSet | None = None,
    registers: Mapping[str, int] | None = None,
    max_cycles: int = MAX_CYCLES,
) -> Trace:
    r"""Run a program to its end.

    Args:
        program: As the model or the reference parser decoded it.
        isa: The program's set; None for the default one.
        registers: Numbers of some registers before the first instruction; the others are 0.
        max_cycles: How many instructions may be executed.

    Returns:
        The run. It stops at an instruction that halts, or behind the last one.

    Raises:
        CycleLimitError: The program has not stopped by then.
        JumpError: A jump to an address that the program does not have.
        RefusedLineError: A line of the program was refused; nothing is run.
        MachineError: There is no such register, or it cannot hold its number.
        SemanticsError: The set does not say what its operations do.
        IsaError: There is no such set.

    >>> from kvrm_grammar.oracle.program import parse_program
    >>> trace = run(parse_program("again: dec r1\n jnz again\n halt"), registers={"R1": 2})
    >>> trace.final.registers["R1"], trace.cycles
    (0, 5)
    >>> [(one.cycle, one.instruction.line, dict(one.changed)) for one in trace][:3]
    [(1, 1, {'R1': 1}), (2, 2, {}), (3, 1, {'R1': 0})]
    """
    machine = Machine(program, load_set(isa))
    start = machine.start(registers)
    final, cycles = start, 0
    for one in steps(machine, start, max_cycles=max_cycles):
        final, cycles = one.after, one.cycle
    return Trace(machine, start, final, cycles)


def steps(machine: Machine, state: State, *, max_cycles: int = MAX_CYCLES) -> Iterator[Step]:
    """Execute instructions until the machine stops, one for each value that is asked for.

    Args:
        machine: Whose program is run.
        state: Where to begin.
        max_cycles: How many instructions may be executed.

    Yields:
        Each step, as soon as it is made.

    Raises:
        CycleLimitError: The machine has not stopped by then.
        JumpError: A jump to an address that the program does not have.
        MachineError: ``max_cycles`` is negative.
    """
    if max_cycles < 0:
        raise MachineError(f"max_cycles must be at least 0, got {max_cycles}")
    for cycle in count(1):
        if state.halted:
            return
        instruction = machine.instruction(state.counter)
        if instruction is not None and cycle > max_cycles:
            raise CycleLimitError(max_cycles, instruction.line)
        after = step(machine, state)
        assert instruction is not None  # step() raises instead
        yield Step(cycle, instruction, state, after)
        state = after
