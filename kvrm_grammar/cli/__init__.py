"""The command line.

In: arguments. Out: ``main``, which the script ``kvrm-grammar`` calls.
"""

from kvrm_grammar.cli.app import main

__all__ = ["main"]
