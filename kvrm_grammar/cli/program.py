"""The command ``decode-program``: a source file whose labels become addresses.

In: a source text. Out: one JSON line per instruction. A text that is not UTF-8, or whose
labels do not hold together, gives no line, one message and exit code 1: no address in it is
certain. One that cannot be read is exit code 2.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kvrm_grammar.cli.failures import REFUSED, USAGE, fail, failures
from kvrm_grammar.cli.inputs import read_source
from kvrm_grammar.cli.loading import ModelOptions, chosen_isa
from kvrm_grammar.cli.options import (
    Adapter,
    BackendOption,
    Base,
    ConstraintOption,
    Device,
    DialectOption,
    IsaOption,
    JsonLines,
    MinConfidence,
    Output,
    PrecisionOption,
    Verbose,
)
from kvrm_grammar.cli.output import destination, finish, make_row
from kvrm_grammar.errors import ProgramError

if TYPE_CHECKING:
    from kvrm_grammar.oracle.program import Program

__all__ = ["SourceFile", "UseReference", "decode_program"]

SourceFile = Annotated[str, typer.Argument(help="Source file; '-' for standard input.")]
UseReference = Annotated[
    bool, typer.Option("--reference", help="Use the reference parser, and no model.")
]


def decode_program(
    file: SourceFile,
    output: Output = None,
    jsonl: JsonLines = False,
    adapter: Adapter = None,
    base: Base = None,
    isa: IsaOption = None,
    dialect: DialectOption = None,
    constraint: ConstraintOption = "grounded",
    min_confidence: MinConfidence = 0.0,
    device: Device = None,
    backend: BackendOption = None,
    precision: PrecisionOption = None,
    reference: UseReference = False,
    verbose: Verbose = 0,
) -> None:
    """Decode a whole source file; labels become instruction addresses."""
    options = ModelOptions(
        adapter,
        base,
        dialect,
        constraint,
        device=device,
        precision=precision,
        isa=isa,
        backend=backend,
    )
    if reference:
        _check_reference(options, min_confidence)
    with failures(verbose):
        source = read_source(file)
        with destination(output, None if file == "-" else file) as writer:
            try:
                program = _assemble(source, options, min_confidence, reference=reference)
            except ProgramError as error:
                fail(f"{'standard input' if file == '-' else file}: {error}", REFUSED)
            finish(_rows(program), writer, jsonl=jsonl)


def _check_reference(options: ModelOptions, min_confidence: float) -> None:
    if options.dialect not in (None, "strict"):
        fail("--reference is for the strict dialect: no parser reads the other", USAGE)
    if min_confidence or options != ModelOptions(None, dialect=options.dialect, isa=options.isa):
        fail("--reference uses no model: leave out the options that choose or limit one", USAGE)


def _assemble(
    source: str, options: ModelOptions, min_confidence: float, *, reference: bool
) -> "Program":
    if reference:
        from kvrm_grammar.oracle.program import parse_program

        return parse_program(source, chosen_isa(options.isa))
    from kvrm_grammar.facade import decode_program as assemble

    return assemble(source, decoder=options.load(), min_confidence=min_confidence)


def _rows(program: "Program") -> Iterator[dict[str, Any]]:
    from kvrm_grammar.isa import operation_to_json

    for one in program.instructions:
        answer = operation_to_json(one.operation)
        row = make_row(one.address, one.text, answer, None, one.reason)
        yield {**row, "line": one.line}
