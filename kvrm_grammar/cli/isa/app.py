"""The commands ``isa …``, put together.

In: nothing. Out: ``app``, which the command line adds under the name ``isa``.
"""

import typer

from kvrm_grammar.cli.isa.check import check
from kvrm_grammar.cli.isa.evaluate import evaluate
from kvrm_grammar.cli.isa.new import new
from kvrm_grammar.cli.isa.options import ISA_EXIT_CODES
from kvrm_grammar.cli.isa.sample import sample
from kvrm_grammar.cli.isa.train import train

__all__ = ["app"]

app = typer.Typer(
    help="Make, check and train an instruction set of your own.",
    epilog=ISA_EXIT_CODES,
    no_args_is_help=True,
)
for _command in (new, check, sample, train, evaluate):
    app.command(epilog=ISA_EXIT_CODES)(_command)
