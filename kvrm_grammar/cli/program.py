"""The command ``decode-program``: a source file whose labels become addresses.

In: a source text. Out: one JSON line per instruction. A text that is not UTF-8, or whose
labels do not hold together, gives no line, one message and exit code 1: no address in it is
certain. One that cannot be read is exit code 2.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kvrm_grammar.cli.assembling import assembled, check_reference, set_and_model
from kvrm_grammar.cli.failures import failures
from kvrm_grammar.cli.inputs import read_source
from kvrm_grammar.cli.loading import ModelOptions
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
    SourceFile,
    UseReference,
    Verbose,
)
from kvrm_grammar.cli.output import destination, finish, make_row

if TYPE_CHECKING:
    from kvrm_grammar.oracle.program import Program

__all__ = ["decode_program"]


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
        check_reference(options, min_confidence)
    with failures(verbose):
        source = read_source(file)
        with destination(output, None if file == "-" else file) as writer:
            own, decoder = set_and_model(options, reference=reference)
            program = assembled(source, file, own, decoder, min_confidence)
            finish(_rows(program), writer, jsonl=jsonl)


def _rows(program: "Program") -> Iterator[dict[str, Any]]:
    from kvrm_grammar.isa import operation_to_json

    for one in program.instructions:
        answer = operation_to_json(one.operation)
        row = make_row(one.address, one.text, answer, None, one.reason)
        yield {**row, "line": one.line}
