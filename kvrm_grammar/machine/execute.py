"""One instruction after the other, each from an immutable state to the next.

In: a program and its instruction set. Out: a :class:`Machine`, and :func:`step`, which executes
one instruction. Running past the last instruction stops the machine, as does a jump to the
address behind it, where a label at the end of a source points. A jump to any other address
without an instruction is an error, when it is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kvrm_grammar.errors import JumpError, MachineError, RefusedLineError, SemanticsError
from kvrm_grammar.frozen import FrozenDict
from kvrm_grammar.isa import INVALID_KEY, InstructionSet, Semantics, State, load_set
from kvrm_grammar.oracle.program import Instruction, Program, resolve_labels

__all__ = ["Machine", "semantics_of", "step"]


def semantics_of(isa: InstructionSet) -> Semantics:
    """What the operations of a set do.

    Raises:
        SemanticsError: The set does not say.
    """
    if isa.semantics is None:
        raise SemanticsError(
            f"the set {isa.name!r} does not say what its operations do, so none of its programs "
            "can be run; add semantics.py to its folder"
        )
    return isa.semantics


@dataclass(frozen=True)
class Machine:
    """A program that can be run. Immutable; holds no state.

    Args:
        program: As the model or the reference parser decoded it.
        isa: The program's set; the default one where none is given.

    Raises:
        SemanticsError: The set does not say what its operations do.
        RefusedLineError: The program has lines that were refused.
        MachineError: The program is of another set.
        UnknownLabelError: A jump still goes to a label; programs that were assembled have none.
    """

    program: Program
    isa: InstructionSet = field(default_factory=load_set)

    def __post_init__(self) -> None:
        semantics = semantics_of(self.isa)
        refused = [i for i in self.program.instructions if i.operation.key == INVALID_KEY]
        if refused:
            raise RefusedLineError(
                refused[0].line,
                refused[0].text,
                _why(refused[0]),
                tuple(one.line for one in refused[1:]),
            )
        for one in self.program.instructions:
            if one.operation.key not in semantics.effects:
                raise MachineError(
                    f"line {one.line}: {one.operation.key} is no operation of the set "
                    f"{self.isa.name!r}; name the program's own set"
                )
            resolve_labels(one.operation, {}, isa=self.isa, line=one.line)

    @property
    def semantics(self) -> Semantics:
        """What the operations do."""
        return semantics_of(self.isa)

    @property
    def size(self) -> int:
        """How far apart the addresses of two instructions are."""
        return self.isa.definition.instruction_size

    @property
    def end(self) -> int:
        """The address behind the last instruction."""
        return self.size * len(self.program.instructions)

    def start(self, registers: Mapping[str, int] | None = None) -> State:
        """The state before the first instruction; a program without any has stopped.

        Args:
            registers: Numbers of some registers; the others are 0.

        Raises:
            MachineError: There is no such register, or it cannot hold the number.
        """
        first = self.semantics.start(registers)
        return State(first.registers, first.flags, first.counter, halted=self.end == 0)

    def instruction(self, address: int) -> Instruction | None:
        """The instruction at an address; None where there is none."""
        place, rest = divmod(address, self.size)
        if rest or not 0 <= place < len(self.program.instructions):
            return None
        return self.program.instructions[place]


def step(machine: Machine, state: State) -> State:
    r"""Execute one instruction.

    Args:
        machine: Whose program is run.
        state: Before it.

    Returns:
        The state after it; ``state`` stays as it is.

    Raises:
        JumpError: The instruction jumps to an address that the program does not have.
        MachineError: The machine has stopped, or ``state`` is at no instruction.
        SemanticsError: The set's semantics change what is not there, or to what cannot be.

    >>> from kvrm_grammar.oracle.program import parse_program
    >>> machine = Machine(parse_program("mov r1, 5\nsub r2, r2, r1"))
    >>> state = step(machine, step(machine, machine.start()))
    >>> state.registers["R2"], dict(state.flags), state.counter, state.halted
    (-5, {'Z': 0, 'S': 1}, 2, True)
    """
    instruction = machine.instruction(state.counter)
    if state.halted or instruction is None:
        why = "has stopped" if state.halted else "has no instruction to execute"
        raise MachineError(f"the machine {why} at address {state.counter}")
    operation = instruction.operation
    effect = machine.semantics.effects[operation.key](operation.params, state)
    _check(machine, operation.key, effect.registers, effect.flags)
    registers = _updated(state.registers, effect.registers)
    flags = _updated(state.flags, effect.flags)
    if effect.halts:
        return State(registers, flags, state.counter, halted=True)
    counter = state.counter + machine.size if effect.jump is None else effect.jump
    if counter != machine.end and machine.instruction(counter) is None:
        raise JumpError(counter, instruction.line, machine.end, machine.size)
    return State(registers, flags, counter, halted=counter == machine.end)


def _updated(old: Mapping[str, int], changes: Mapping[str, int]) -> Mapping[str, int]:
    return FrozenDict({**old, **changes}) if changes else old


def _check(
    machine: Machine, key: str, registers: Mapping[str, int], flags: Mapping[str, int]
) -> None:
    semantics = machine.semantics
    for name, number in registers.items():
        if name not in semantics.registers or not semantics.can_hold(number):
            raise _impossible(machine, key, name, number)
    for name, flag in flags.items():
        if name not in semantics.flags or flag not in (0, 1):
            raise _impossible(machine, key, name, flag)


def _impossible(machine: Machine, key: str, name: str, number: object) -> SemanticsError:
    return SemanticsError(
        f"the set {machine.isa.name!r}: {key} makes {name} {number!r}, which cannot be; "
        "correct its semantics.py"
    )


def _why(instruction: Instruction) -> str:
    """The reason of a refusal, with the confidence where there is one."""
    reason = instruction.reason or "no instruction"
    if instruction.confidence is None:
        return reason
    return f"{reason} (confidence {instruction.confidence:.4f})"
