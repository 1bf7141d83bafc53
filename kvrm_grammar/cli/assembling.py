"""A source text -> a program, by the model or by the reference parser.

In: what the options of ``decode-program`` and ``run`` say. Out: the program, or one message and an
exit code.
"""

from typing import TYPE_CHECKING

from kvrm_grammar.cli.failures import REFUSED, USAGE, fail
from kvrm_grammar.cli.loading import ModelOptions, chosen_isa
from kvrm_grammar.errors import ProgramError

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoder import Decoder
    from kvrm_grammar.isa import InstructionSet
    from kvrm_grammar.oracle.program import Program

__all__ = ["assembled", "check_reference", "set_and_model", "source_name"]


def check_reference(options: ModelOptions, min_confidence: float) -> None:
    """Refuse options that mean nothing where the reference parser answers.

    Raises:
        typer.Exit: One was given.
    """
    if options.dialect not in (None, "strict"):
        fail("--reference is for the strict dialect: no parser reads the other", USAGE)
    if min_confidence or options != ModelOptions(None, dialect=options.dialect, isa=options.isa):
        fail("--reference uses no model: leave out the options that choose or limit one", USAGE)


def set_and_model(
    options: ModelOptions, *, reference: bool
) -> "tuple[InstructionSet, Decoder | None]":
    """The instruction set that is meant, and the model; None where the parser answers.

    Raises:
        KvrmError: The model cannot be loaded.
        typer.Exit: There is no such set.
    """
    if reference:
        return chosen_isa(options.isa), None
    decoder = options.load()
    return decoder.dialect.isa, decoder


def assembled(
    source: str,
    file: str,
    isa: "InstructionSet",
    decoder: "Decoder | None",
    min_confidence: float,
) -> "Program":
    """Assemble a source text.

    Args:
        source: The text.
        file: Its name, or ``-``, for messages.
        isa: Its instruction set.
        decoder: The model; None for the reference parser.
        min_confidence: The model refuses what is less probable.

    Raises:
        typer.Exit: Its labels do not hold together, or a line is too long.
    """
    try:
        if decoder is None:
            from kvrm_grammar.oracle.program import parse_program

            return parse_program(source, isa)
        from kvrm_grammar.facade import decode_program

        return decode_program(source, decoder=decoder, min_confidence=min_confidence)
    except ProgramError as error:
        fail(f"{source_name(file)}: {error}", REFUSED)


def source_name(file: str) -> str:
    """What messages call a source file."""
    return "standard input" if file == "-" else file
