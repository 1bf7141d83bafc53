"""Instruction sets that tests are run on."""

from pathlib import Path

from kvrm_grammar.isa import InstructionSet, load_set

__all__ = ["ZETA"]

ZETA: InstructionSet = load_set(Path(__file__).parent / "zeta")
"""Unlike KVRM in all that could be taken for granted; see its ``isa.toml``."""
