"""The command ``export``: language and adapter of a set, as files for other programs.

In: which of four files. Out: the file and nothing else, on standard output or where ``--output``
says. No model is loaded; the adapter's file needs the base model's folder.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kvrm_grammar.cli.failures import USAGE, fail, failures
from kvrm_grammar.cli.loading import chosen_isa
from kvrm_grammar.cli.options import Adapter, Base, DialectOption, IsaOption, Output, Verbose
from kvrm_grammar.cli.output import destination

if TYPE_CHECKING:
    from kvrm_grammar.isa import InstructionSet

__all__ = ["AsGbnf", "AsGgufLora", "AsJsonSchema", "AsRegex", "export"]

AsRegex = Annotated[
    bool, typer.Option("--regex", help="The regular expression of all operations as compact JSON.")
]
AsGbnf = Annotated[bool, typer.Option("--gbnf", help="The same language as a llama.cpp grammar.")]
AsJsonSchema = Annotated[
    bool, typer.Option("--json-schema", help="A JSON schema, draft 2020-12, of all operations.")
]
AsGgufLora = Annotated[
    bool, typer.Option("--gguf-lora", help="The adapter for llama.cpp; needs --output.")
]


def export(
    regex: AsRegex = False,
    gbnf: AsGbnf = False,
    json_schema: AsJsonSchema = False,
    gguf_lora: AsGgufLora = False,
    isa: IsaOption = None,
    adapter: Adapter = None,
    dialect: DialectOption = None,
    base: Base = None,
    output: Output = None,
    verbose: Verbose = 0,
) -> None:
    """Write language or adapter as a file for vLLM, llama.cpp and others."""
    if regex + gbnf + json_schema + gguf_lora != 1:
        fail("give one of --regex, --gbnf, --json-schema, --gguf-lora", USAGE)
    with failures(verbose):
        if gguf_lora:
            if output is None:
                fail("--gguf-lora writes a binary file: name it by --output FILE", USAGE)
            _write_adapter(isa, adapter, dialect, base, output)
            return
        if base is not None or (adapter is None and dialect is not None):
            fail("--base and --dialect are for --gguf-lora: all of a set has one language", USAGE)
        own = _set_of(isa, adapter, dialect)
        text = _regex(own) if regex else _gbnf(own) if gbnf else _json_schema(own)
        with destination(output) as writer:
            writer.line(text)


def _set_of(isa: str | None, adapter: Path | None, dialect: str | None) -> "InstructionSet":
    """The set that is named, or the one that the adapter was trained for."""
    chosen = None if isa is None else chosen_isa(isa)
    if adapter is None:
        return chosen_isa(None) if chosen is None else chosen
    from kvrm_grammar.decoding.adapters import choose

    return choose(adapter, chosen, dialect)[1].isa


def _regex(isa: "InstructionSet") -> str:
    from kvrm_grammar.language.constraint import build_constraint

    return build_constraint(isa).regex


def _gbnf(isa: "InstructionSet") -> str:
    from kvrm_grammar.language.formats import gbnf

    return gbnf(isa).removesuffix("\n")


def _json_schema(isa: "InstructionSet") -> str:
    from kvrm_grammar.language.formats import json_schema

    return json.dumps(json_schema(isa), indent=2)


def _write_adapter(
    isa: str | None, adapter: Path | None, dialect: str | None, base: str | None, target: Path
) -> None:
    from kvrm_grammar.decoding.adapters import choose
    from kvrm_grammar.weights.adapter import read_adapter
    from kvrm_grammar.weights.base import named_base, resolve_base
    from kvrm_grammar.weights.gguf_adapter import write_gguf_adapter

    folder, _ = choose(adapter, None if isa is None else chosen_isa(isa), dialect)
    found = read_adapter(folder)
    name = named_base(found, base)
    base_folder, _ = resolve_base(name, progress=False)
    try:
        write_gguf_adapter(found, base_folder, str(name), target)
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror or error}", USAGE)
