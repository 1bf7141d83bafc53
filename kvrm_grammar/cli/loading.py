"""Options of the command line -> a decoder.

In: what the options say. Out: a loaded decoder. Whatever runs a model is imported here, when one
is loaded, and nowhere else on the command line.
"""

import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kvrm_grammar.cli.failures import USAGE, fail

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import ConstraintName, Method
    from kvrm_grammar.decoding.decoder import Decoder
    from kvrm_grammar.isa import InstructionSet

__all__ = ["ModelOptions", "chosen_isa", "is_terminal"]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelOptions:
    """What the options say about the model. Immutable.

    Attributes:
        adapter: Folder; None for the packaged one of the dialect.
        base: Folder or hub name; None for the one the adapter names.
        dialect: The input language; None for the one that the adapter was trained for.
        constraint: What may be answered.
        method: How to search.
        device: Where to compute; None for the fastest.
        precision: Of the computation; None for the fastest.
        isa: Name or folder of an instruction set; None for the packaged one.
        backend: What runs the model; None for OpenVINO on a CPU and torch on a GPU.
    """

    adapter: Path | None
    base: str | None = None
    dialect: str | None = None
    constraint: "ConstraintName" = "grounded"
    method: "Method" = "verify"
    device: str | None = None
    precision: str | None = None
    isa: str | None = None
    backend: str | None = None

    def load(self) -> "Decoder":
        """Load the model.

        Raises:
            KvrmError: It cannot be loaded.
        """
        isa = None if self.isa is None else chosen_isa(self.isa)
        from kvrm_grammar.decoding.decoder import Decoder

        start = time.perf_counter()
        decoder = Decoder.from_pretrained(
            self.adapter,
            base=self.base,
            device=self.device,
            precision=self.precision,
            backend=self.backend,
            progress=is_terminal(sys.stderr),
            method=self.method,
            constraint=self.constraint,
            dialect=self.dialect,
            isa=isa,
        )
        elapsed_ms = 1000 * (time.perf_counter() - start)
        _LOGGER.info(
            "%s adapter loaded in %.0f ms", self.adapter or decoder.dialect.name, elapsed_ms
        )
        return decoder


def chosen_isa(name: str | None) -> "InstructionSet":
    """Find the instruction set that ``--isa`` names.

    Args:
        name: Of a set, or of its folder; None for the packaged one.

    Returns:
        The set.

    Raises:
        typer.Exit: There is no such set.
    """
    from kvrm_grammar.errors import IsaError
    from kvrm_grammar.isa import load_set

    try:
        return load_set(name)
    except IsaError as error:
        fail(f"--isa {name}: {error}" if name else str(error), USAGE)


def is_terminal(stream: Any) -> bool:
    """Whether a person sits at a standard stream; one that is closed is None."""
    return stream is not None and bool(stream.isatty())
