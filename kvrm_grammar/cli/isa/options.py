"""What the commands ``isa …`` share: options, and the set that an argument names.

In: a name or a folder. Out: types for typer, and the loaded set. No module of the package that
loads a model is imported, so that ``--help`` is quick.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from kvrm_grammar.cli.failures import USAGE, fail

if TYPE_CHECKING:
    from kvrm_grammar.isa import InstructionSet

__all__ = ["ISA_EXIT_CODES", "Refusals", "Seed", "SetSource", "named_set"]

ISA_EXIT_CODES = (
    "Exit codes: 0 done, and nothing disagrees; 1 the parts of the set disagree, or training "
    "failed; 2 usage, or there is no such folder; 3 training/ is not there, or a model, the cache "
    "or the output cannot be used."
)
"""The last line of the help of every command ``isa …``."""

SetSource = Annotated[
    str,
    typer.Argument(
        metavar="NAME_OR_FOLDER", help="A set, or its folder with a slash in it: ./NAME."
    ),
]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn.")]
Refusals = Annotated[
    float, typer.Option(min=0, max=1, help="Share of texts that are drawn to be refused.")
]


def named_set(source: str) -> "InstructionSet":
    """Load the set that an argument names.

    Raises:
        typer.Exit: There is no such set, or its parts disagree: nothing can be made of it.
    """
    from kvrm_grammar.errors import IsaError
    from kvrm_grammar.isa import load_set

    try:
        return load_set(source)
    except IsaError as error:
        fail(str(error), USAGE)
