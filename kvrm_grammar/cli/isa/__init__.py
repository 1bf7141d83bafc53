"""The commands ``isa …``: an instruction set of one's own, from an empty folder to an adapter.

In: a folder, or the name of a set. Out: files, a report, sample texts, an adapter.
"""

from kvrm_grammar.cli.isa.app import app

__all__ = ["app"]
