"""The command ``isa new``: a working set to begin one's own with.

In: a folder that does not exist, or is empty. Out: its files, named on standard output.
"""

from pathlib import Path
from typing import Annotated

import typer

from kvrm_grammar.cli.failures import USAGE, fail, failures, tell
from kvrm_grammar.cli.options import Verbose
from kvrm_grammar.cli.output import destination

__all__ = ["NewFolder", "new"]

NewFolder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER", help="A folder that does not exist, or is empty; its name is the set's."
    ),
]


def new(folder: NewFolder, verbose: Verbose = 0) -> None:
    """Write a working set of three operations, to be changed."""
    with failures(verbose):
        from kvrm_grammar.errors import IsaError
        from kvrm_grammar.isa.scaffold import write_scaffold

        try:
            files = write_scaffold(folder)
        except IsaError as error:
            fail(str(error), USAGE)
        with destination(None) as writer:
            for path in files:
                writer.line(str(path))
        name = str(folder)
        tell(f"next: kvrm-grammar isa check {name if '/' in name else './' + name}")
