"""What the operations of a set do: registers, flags, and an effect for each key.

In: nothing. Out: the types in which a set's ``semantics.py`` says it. :mod:`kvrm_grammar.machine`
executes programs by it; decoding never asks.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kvrm_grammar.errors import IsaError, MachineError
from kvrm_grammar.frozen import FrozenDict
from kvrm_grammar.isa.domains import Integers

__all__ = ["Effect", "EffectOf", "Semantics", "State", "check_semantics"]


@dataclass(frozen=True)
class State:
    """Everything a machine knows between two instructions. Immutable and hashable.

    Attributes:
        registers: Name to number, kept as a read-only copy.
        flags: Name to 0 or 1, kept as a read-only copy.
        counter: The address of the next instruction; of a machine that has stopped, that of the
            instruction which stopped it, or the end of the program.
        halted: Whether it has stopped.
    """

    registers: Mapping[str, int]
    flags: Mapping[str, int]
    counter: int = 0
    halted: bool = False

    def __post_init__(self) -> None:
        for name in ("registers", "flags"):
            own = getattr(self, name)
            if not isinstance(own, FrozenDict):
                object.__setattr__(self, name, FrozenDict(own))


@dataclass(frozen=True)
class Effect:
    """What one instruction changes. It is read at once and not kept.

    Attributes:
        registers: New numbers of those it writes.
        flags: New flags, 0 or 1, of those it sets.
        jump: The address to go on at; None for the next instruction.
        halts: Whether the machine stops.
    """

    registers: Mapping[str, int] = FrozenDict()
    flags: Mapping[str, int] = FrozenDict()
    jump: int | None = None
    halts: bool = False


EffectOf = Callable[[Any, State], Effect]
"""What an operation does: its ``params`` and the state before it -> its effect."""


@dataclass(frozen=True)
class Semantics:
    """What the operations of a set do. Immutable.

    Attributes:
        registers: Their names, in the order in which they are shown. All are 0 at the start.
        values: The numbers that a register can hold; 0 is one of them.
        effects: By key, for every operation of the set but the refusal.
        flags: Their names. All are 0 at the start.
    """

    registers: tuple[str, ...]
    values: Integers
    effects: Mapping[str, EffectOf]
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "effects", FrozenDict(self.effects))

    def start(self, registers: Mapping[str, int] | None = None) -> State:
        """The state before the first instruction.

        Args:
            registers: Numbers of some registers; the others are 0.

        Raises:
            MachineError: There is no such register, or it cannot hold the number.
        """
        given = dict(registers or {})
        for name, number in given.items():
            if name not in self.registers:
                raise MachineError(f"no register {name!r}; there are {', '.join(self.registers)}")
            if not self.can_hold(number):
                raise MachineError(
                    f"{name} cannot hold {number!r}: {self.values.low} to {self.values.high}"
                )
        numbers = dict.fromkeys(self.registers, 0) | given
        return State(FrozenDict(numbers), FrozenDict(dict.fromkeys(self.flags, 0)))

    def can_hold(self, number: object) -> bool:
        """Whether a register can hold a number; nothing but an ``int`` is one."""
        return type(number) is int and number in self.values


def check_semantics(semantics: Semantics, keys: Iterable[str], name: str) -> None:
    """Compare a set's semantics with its keys, and with the state that they start from.

    Args:
        semantics: What was loaded for the set.
        keys: Of all operations but the refusal.
        name: Of the set, for errors.

    Raises:
        IsaError: An operation has no effect, an effect is of no operation, or a register cannot
            hold the 0 of the start.
    """
    wanted, found = {*keys}, {*semantics.effects}
    for key in sorted(wanted ^ found):
        where = "the schemas" if key in wanted else "the semantics"
        raise IsaError(f"{name}: {key} is in {where} only; the two must have the same keys")
    if not semantics.can_hold(0):
        raise IsaError(f"{name}: registers hold 0 at the start, and {semantics.values} has no 0")
