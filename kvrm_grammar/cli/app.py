"""The command ``kvrm-grammar``.

In: arguments. Out: one JSON line per instruction on standard output and everything else on
standard error. Exit codes: 0 all decoded; 1 some refused or failed; 2 usage, or a file that
is named cannot be read or written; 3 model, adapter, cache or output cannot be used.
Models are loaded by the commands that need one, so ``--help`` is quick.
"""

import sys
from typing import Annotated

import typer

from kvrm_grammar import __version__
from kvrm_grammar.cli.batch import batch
from kvrm_grammar.cli.decode import decode
from kvrm_grammar.cli.export import export
from kvrm_grammar.cli.failures import ENVIRONMENT, tell
from kvrm_grammar.cli.info import info
from kvrm_grammar.cli.isa import app as isa_app
from kvrm_grammar.cli.options import EXIT_CODES
from kvrm_grammar.cli.parse import parse
from kvrm_grammar.cli.program import decode_program
from kvrm_grammar.cli.run import run
from kvrm_grammar.cli.serve import serve
from kvrm_grammar.cli.setup import setup

__all__ = ["app", "main"]

app = typer.Typer(
    name="kvrm-grammar",
    help="Decode assembly into verified operations, with a model that can say nothing else.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=EXIT_CODES)(decode)
app.command(epilog=EXIT_CODES)(parse)
app.command("decode-program", epilog=EXIT_CODES)(decode_program)
app.command(epilog=EXIT_CODES)(run)
app.command(epilog=EXIT_CODES)(batch)
app.command(epilog=EXIT_CODES)(export)
app.command(epilog=EXIT_CODES)(info)
app.command(epilog=EXIT_CODES)(serve)
app.command(epilog=EXIT_CODES)(setup)
app.add_typer(isa_app, name="isa")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"kvrm-grammar {__version__}")
        raise typer.Exit()


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
]


@app.callback()
def _options(version: Version = False) -> None:
    """Take what stands before the command."""


def main() -> None:
    """Run the command line."""
    try:
        app()
    except OSError as error:  # what is no command's, as a page of help, cannot be written
        tell(f"error: {error.strerror or error}")
        sys.stdout = None  # Python must not complain at exit either
        sys.exit(ENVIRONMENT)
