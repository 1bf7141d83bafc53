"""The command ``decode``: instructions through the model.

In: instructions as arguments, from a file or from standard input. Out: one JSON line each.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from kvrm_grammar.cli.failures import failures, tell
from kvrm_grammar.cli.inputs import Source, forgotten_quotes, open_source
from kvrm_grammar.cli.loading import ModelOptions, chosen_isa
from kvrm_grammar.cli.options import (
    Adapter,
    BackendOption,
    Base,
    ConstraintOption,
    Device,
    DialectOption,
    InputFile,
    IsaOption,
    JsonLines,
    MinConfidence,
    Output,
    PrecisionOption,
    Texts,
    Verbose,
)
from kvrm_grammar.cli.output import destination, finish, make_row
from kvrm_grammar.errors import KvrmError

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import Decoded
    from kvrm_grammar.decoding.decoder import Decoder

__all__ = ["BatchSize", "Confidence", "MethodOption", "MostProbable", "WithPosterior", "decode"]

_BATCH_SIZE = 16

Confidence = Annotated[
    bool, typer.Option("--confidence", help="Add the answer's probability to each line.")
]
MostProbable = Annotated[
    int | None,
    typer.Option(
        "--alternatives", min=1, metavar="K", help="Add the K most probable answers to each line."
    ),
]
WithPosterior = Annotated[
    bool,
    typer.Option(
        "--posterior",
        help="Add the probability of every value of key and params, among all answers that the "
        "text's own words allow.",
    ),
]
# METHODS once more: its module would load pydantic before --help. A test compares them.
MethodOption = Annotated[
    Literal["verify", "stepwise", "outlines"],
    typer.Option(
        "--method",
        help="How to search: verify is the fastest, stepwise answers the same; outlines knows the "
        "constraint schema alone, and no confidence.",
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


def decode(
    texts: Texts = None,
    file: InputFile = None,
    output: Output = None,
    jsonl: JsonLines = False,
    adapter: Adapter = None,
    base: Base = None,
    isa: IsaOption = None,
    dialect: DialectOption = None,
    constraint: ConstraintOption = "grounded",
    min_confidence: MinConfidence = 0.0,
    confidence: Confidence = False,
    alternatives: MostProbable = None,
    posterior: WithPosterior = False,
    batch_size: BatchSize = None,
    method: MethodOption = "verify",
    device: Device = None,
    backend: BackendOption = None,
    precision: PrecisionOption = None,
    verbose: Verbose = 0,
) -> None:
    """Decode instructions with the model: one JSON line each."""
    options = ModelOptions(
        adapter, base, dialect, constraint, method, device, precision, isa, backend
    )
    with failures(verbose):
        source = open_source(texts, file)
        with destination(output, source.file) as writer:
            hint = forgotten_quotes("decode", source.texts, dialect, chosen_isa(isa))
            if hint is not None:
                tell(hint)
            decoder = options.load()
            size = batch_size or (1 if source.is_typed else _BATCH_SIZE)
            add = partial(_more, decoder, confidence, alternatives, posterior)
            rows = _rows(decoder, source, size, min_confidence, add)
            finish(rows, writer, jsonl=jsonl, count=source.count, is_typed=source.is_typed)


def _rows(
    decoder: "Decoder",
    source: Source,
    batch_size: int,
    min_confidence: float,
    more: "Callable[[Decoded, int], dict[str, Any]]",
) -> Iterator[dict[str, Any]]:
    answers = decoder.decode_many(
        source.lines, batch_size=batch_size, min_confidence=min_confidence
    )
    for number, decoded in enumerate(answers, start=1):
        row = make_row(number, decoded.text, decoded.json, decoded.error, decoded.reason)
        yield row | more(decoded, number)


def _more(
    decoder: "Decoder",
    confidence: bool,
    alternatives: int | None,
    posterior: bool,
    decoded: "Decoded",
    number: int,
) -> dict[str, Any]:
    """What the options add to a row."""
    row: dict[str, Any] = {"confidence": decoded.confidence} if confidence else {}
    if alternatives is not None:
        row["alternatives"] = _alternatives(decoder, decoded, alternatives, number)
    if posterior:
        row["posterior"] = _posterior(decoder, decoded, number)
    return row


def _posterior(decoder: "Decoder", decoded: "Decoded", number: int) -> dict[str, Any] | None:
    if decoded.reading is None:
        return None
    try:
        found = decoder.posterior(decoded)
    except KvrmError as error:
        tell(f"input {number}: no posterior: {error}")
        return None
    return found.as_row()


def _alternatives(
    decoder: "Decoder", decoded: "Decoded", k: int, number: int
) -> list[dict[str, Any]] | None:
    if decoded.operation is None:
        return []
    try:
        found = decoder.alternatives(decoded, k)
    except KvrmError as error:  # the answer itself is there, and so are the other lines
        tell(f"input {number}: no alternatives: {error}")
        return None
    return [one.as_row() for one in found]
