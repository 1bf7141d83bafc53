"""Runs decoded programs, of any set that says what its operations do.

In: a :class:`~kvrm_grammar.oracle.program.Program`, whoever decoded it. Out: an immutable state
after each instruction. What an operation does is the set's matter (``semantics.py``).
"""

from kvrm_grammar.machine.execute import Machine, semantics_of, step
from kvrm_grammar.machine.trace import MAX_CYCLES, Step, Trace, run, steps

__all__ = ["MAX_CYCLES", "Machine", "Step", "Trace", "run", "semantics_of", "step", "steps"]
