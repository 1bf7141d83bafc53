"""The options that several commands share, and what their help says.

In: nothing; imported by the commands. Out: types for typer. No module of the package is
imported, so that ``--help`` is quick.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "EXIT_CODES",
    "Adapter",
    "BackendOption",
    "Base",
    "ConstraintOption",
    "Device",
    "DialectOption",
    "InputFile",
    "IsaOption",
    "JsonLines",
    "MinConfidence",
    "Output",
    "PrecisionOption",
    "SourceFile",
    "Texts",
    "UseReference",
    "Verbose",
]

EXIT_CODES = (
    "Exit codes: 0 all decoded; 1 some refused or failed; 2 usage, or a file that is named "
    "cannot be read or written; 3 model, adapter, cache or output cannot be used."
)
"""The last line of every command's help."""

Texts = Annotated[
    list[str] | None, typer.Argument(help="Instructions; '-' reads lines from standard input.")
]
SourceFile = Annotated[str, typer.Argument(help="Source file; '-' for standard input.")]
UseReference = Annotated[
    bool, typer.Option("--reference", help="Use the reference parser, and no model.")
]
InputFile = Annotated[
    str | None,
    typer.Option("--file", "-f", metavar="FILE", help="Read lines from a file ('-' as above)."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write results to a file, not to standard output."
    ),
]
JsonLines = Annotated[bool, typer.Option("--jsonl", help="Add id, ok, error and raw to each line.")]
Adapter = Annotated[Path | None, typer.Option(help="Adapter folder (default: the packaged one).")]
Base = Annotated[
    str | None, typer.Option(help="Base model: a folder or a hub name (default: the adapter's).")
]
IsaOption = Annotated[
    str | None,
    typer.Option(
        "--isa",
        metavar="NAME_OR_FOLDER",
        help="Instruction set (default: the adapter's, or the packaged one).",
    ),
]
Device = Annotated[
    str | None, typer.Option(help="Where to compute, such as cpu or cuda (default: the fastest).")
]
# BACKENDS once more, for the same reason as below.
BackendOption = Annotated[
    Literal["openvino", "torch"] | None,
    typer.Option("--backend", help="What runs the model (default: openvino; torch on a GPU)."),
]
PrecisionOption = Annotated[
    Literal["float32", "bfloat16", "float16", "int8"] | None,
    typer.Option(
        "--precision",
        help="Of the computation; int8 by openvino, float16 by torch alone (default: the fastest).",
    ),
]
# CONSTRAINTS once more: its module would load pydantic before --help. A test compares them.
ConstraintOption = Annotated[
    Literal["grounded", "schema"],
    typer.Option(help="grounded: operands come from the text; schema: any operation."),
]
# DIALECTS once more, for the same reason.
DialectOption = Annotated[
    Literal["strict", "lenient"] | None,
    typer.Option(
        help="strict: assembly as the grammar defines it; lenient: what people write "
        "(default: the adapter's, and strict without one)."
    ),
]
MinConfidence = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="Refuse, as uncertain, what is less probable; for lenient text 0.98 is cautious.",
    ),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="Show the log on standard error; twice for more of it.",
    ),
]
