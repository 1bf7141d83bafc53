"""Instruction sets that tests are run on."""

from pathlib import Path

from kvrm_grammar.isa import InstructionSet, load_set, packaged_sets
from kvrm_grammar.resources import resource_path

__all__ = ["SCAFFOLD", "ZETA", "every_set"]

ZETA: InstructionSet = load_set(Path(__file__).parent / "zeta")
"""Unlike KVRM in all that could be taken for granted; see its ``isa.toml``."""

SCAFFOLD: InstructionSet = load_set(resource_path("grammars/scaffold"))
"""What ``kvrm-grammar isa new`` writes."""


def every_set() -> tuple[InstructionSet, ...]:
    """Every set that comes with the package, the scaffold, and the test set."""
    return (*map(load_set, packaged_sets()), SCAFFOLD, ZETA)
