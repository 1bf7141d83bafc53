"""The command ``parse``: instructions through the reference parser, without a model.

In: instructions as arguments, from a file or from standard input. Out: one JSON line each.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from kvrm_grammar.cli.failures import failures, tell
from kvrm_grammar.cli.inputs import forgotten_quotes, open_source
from kvrm_grammar.cli.loading import chosen_isa
from kvrm_grammar.cli.options import InputFile, IsaOption, JsonLines, Output, Texts, Verbose
from kvrm_grammar.cli.output import destination, finish, make_row
from kvrm_grammar.errors import KvrmError

if TYPE_CHECKING:
    from kvrm_grammar.isa import InstructionSet
    from kvrm_grammar.lines import Line

__all__ = ["parse"]


def parse(
    texts: Texts = None,
    file: InputFile = None,
    output: Output = None,
    jsonl: JsonLines = False,
    isa: IsaOption = None,
    verbose: Verbose = 0,
) -> None:
    """Parse instructions with the reference parser: no model, strict dialect only."""
    with failures(verbose):
        chosen = chosen_isa(isa)
        source = open_source(texts, file)
        with destination(output, source.file) as writer:
            hint = forgotten_quotes("parse", source.texts, "strict", chosen)
            if hint is not None:
                tell(hint)
            rows = _rows(source.lines, chosen)
            finish(rows, writer, jsonl=jsonl, count=source.count, is_typed=source.is_typed)


def _rows(lines: "Iterable[Line]", isa: "InstructionSet") -> Iterator[dict[str, Any]]:
    from kvrm_grammar.isa import operation_to_json
    from kvrm_grammar.oracle.reference import explain

    for number, line in enumerate(lines, start=1):
        try:
            if line.error is not None:
                raise line.error
            verdict = explain(line.text, isa)
            answer = operation_to_json(verdict.operation)
            yield make_row(number, line.text, answer, None, verdict.reason)
        except KvrmError as error:
            yield make_row(number, line.text, None, error, None)
