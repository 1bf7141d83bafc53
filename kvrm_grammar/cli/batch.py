"""The command ``batch``: files of any length through several models at once.

In: a file or folder of JSON Lines or Parquet. Out: a folder of results, and on standard output one
JSON line that counts them.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from kvrm_grammar.cli.failures import REFUSED, failures
from kvrm_grammar.cli.loading import chosen_isa
from kvrm_grammar.cli.options import (
    Adapter,
    BackendOption,
    Base,
    ConstraintOption,
    Device,
    DialectOption,
    IsaOption,
    MinConfidence,
    PrecisionOption,
    Verbose,
)
from kvrm_grammar.cli.output import destination

__all__ = [
    "Address",
    "Destination",
    "Format",
    "Input",
    "PartRows",
    "RowsPerRun",
    "Workers",
    "batch",
]

Input = Annotated[
    Path, typer.Argument(help="A .jsonl or .parquet file with 'text' and 'id', or a folder.")
]
Destination = Annotated[
    Path, typer.Argument(help="Folder of the results; a run that was stopped goes on there.")
]
Workers = Annotated[int, typer.Option("--workers", min=1, metavar="N", help="Models at once.")]
Format = Annotated[
    Literal["jsonl", "parquet"] | None,
    typer.Option("--format", help="Of the results (default: the input's)."),
]
# PART_ROWS once more: its module would load pydantic before --help. A test compares them.
PartRows = Annotated[
    int, typer.Option("--part-rows", min=1, metavar="N", help="Rows of each file of results.")
]
RowsPerRun = Annotated[int, typer.Option("--batch-size", min=1, help="Rows per run of a model.")]
Address = Annotated[
    str | None,
    typer.Option(help="Of a Ray cluster, such as auto (default: this machine alone)."),
]


def batch(
    source: Input,
    output: Destination,
    workers: Workers = 1,
    format: Format = None,
    part_rows: PartRows = 1000,
    address: Address = None,
    adapter: Adapter = None,
    base: Base = None,
    isa: IsaOption = None,
    dialect: DialectOption = None,
    constraint: ConstraintOption = "grounded",
    min_confidence: MinConfidence = 0.0,
    batch_size: RowsPerRun = 16,
    device: Device = None,
    backend: BackendOption = None,
    precision: PrecisionOption = None,
    verbose: Verbose = 0,
) -> None:
    """Decode files with several models at once, into a folder; needs the extra ray."""
    with failures(verbose), destination(None) as writer:
        if isa is not None:
            chosen_isa(isa)
        from kvrm_grammar.batch import Job, decode_files

        job = Job(
            adapter=None if adapter is None else str(adapter),
            isa=isa,
            dialect=dialect,
            base=base,
            backend=backend,
            device=device,
            precision=precision,
            constraint=constraint,
            min_confidence=min_confidence,
            batch_size=batch_size,
        )
        report = decode_files(
            source,
            output,
            job,
            workers=workers,
            part_rows=part_rows,
            format=format,
            address=address,
        )
        writer.line(json.dumps(asdict(report), separators=(",", ":")))
        if report.failed:
            raise typer.Exit(REFUSED)
