"""The command ``isa sample``: texts of a set and their answers, as training draws them.

In: a set, a count and a seed. Out: JSON Lines of ``text`` and ``answer``; the same arguments give
the same lines.
"""

import json
from typing import Annotated

import typer

from kvrm_grammar.cli.failures import failures
from kvrm_grammar.cli.isa.makers import maker
from kvrm_grammar.cli.isa.options import Refusals, Seed, SetSource, named_set
from kvrm_grammar.cli.options import Output, Verbose
from kvrm_grammar.cli.output import destination

__all__ = ["sample"]


def sample(
    source: SetSource,
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    seed: Seed = 0,
    refusals: Refusals = 0.4,
    output: Output = None,
    verbose: Verbose = 0,
) -> None:
    """Print texts and answers as training draws them: one JSON line each."""
    with failures(verbose):
        isa = named_set(source)
        draw = maker("data.strict").generate_examples
        with destination(output) as writer:
            for example in draw(count, seed, refusals=refusals, isa=isa):
                row = {"text": example.text, "answer": json.loads(example.answer)}
                writer.line(json.dumps(row))
            writer.clear()
