"""What the operations do, for `kvrm-grammar run`. Leave this file out where nothing is run.

This file is code, as operations.py is. An effect is a function of an operation's operands and of
the state before it; it says which registers and flags change, and whether the program goes on
elsewhere (`jump`) or stops (`halts`).
"""

from typing import Any

from kvrm_grammar.isa import Effect, Integers, Semantics, State


def on(params: Any, state: State) -> Effect:
    """The lamp is at full brightness."""
    return Effect({params.lamp: 100}, {"changed": int(state.registers[params.lamp] != 100)})


def dim(params: Any, state: State) -> Effect:
    """The lamp is at the level."""
    changed = state.registers[params.lamp] != params.level
    return Effect({params.lamp: params.level}, {"changed": int(changed)})


def again(params: Any, state: State) -> Effect:
    """Goes on elsewhere where the last instruction changed something."""
    return Effect(jump=params.place) if state.flags["changed"] else Effect()


SEMANTICS = Semantics(
    registers=("hall", "kitchen", "porch"),
    flags=("changed",),
    values=Integers(0, 100),
    effects={"OP_ON": on, "OP_DIM": dim, "OP_AGAIN": again},
)
