"""The command ``run``: a source file, decoded and executed.

In: a source text. Out: one JSON line with the state at the end; with ``--trace`` one line for each
executed instruction before it. A program with a refused or uncertain line is not run at all. One
that does not come to its end has no last line; why is on standard error, and the exit code is 1.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kvrm_grammar.cli.assembling import assembled, check_reference, set_and_model, source_name
from kvrm_grammar.cli.failures import REFUSED, USAGE, fail, failures
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
from kvrm_grammar.cli.output import Writer, destination
from kvrm_grammar.errors import MachineError

if TYPE_CHECKING:
    from kvrm_grammar.isa import InstructionSet, State
    from kvrm_grammar.machine.trace import Step
    from kvrm_grammar.oracle.program import Program

__all__ = ["MaxCycles", "Settings", "WithTrace", "run"]

WithTrace = Annotated[
    bool, typer.Option("--trace", help="Write a line for each executed instruction too.")
]
# MAX_CYCLES once more: its module would load pydantic before --help. A test compares them.
MaxCycles = Annotated[
    int, typer.Option("--max-cycles", min=1, metavar="N", help="Executed instructions, at most.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=NUMBER",
        help="What a register holds at the start; may be given for each. Others hold 0.",
    ),
]


def run(
    file: SourceFile,
    trace: WithTrace = False,
    max_cycles: MaxCycles = 1_000_000,
    settings: Settings = None,
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
    """Decode a source file and run it: the registers at its end, as one JSON line."""
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
            registers = _registers(settings or [], own)
            program = assembled(source, file, own, decoder, min_confidence)
            try:
                _run(program, own, registers, max_cycles, writer, trace=trace, jsonl=jsonl)
            except MachineError as error:
                fail(f"{source_name(file)}: {error}", REFUSED)


def _registers(settings: list[str], isa: "InstructionSet") -> dict[str, int]:
    """What the options ``--set`` say; a register may have any spelling of the set."""
    from kvrm_grammar.machine import semantics_of

    semantics = semantics_of(isa)
    given: dict[str, int] = {}
    for setting in settings:
        word, _, number = (part.strip() for part in setting.partition("="))
        name = isa.spellings.get(word, word)
        if name in given:
            fail(f"--set {setting}: {name} is set twice", USAGE)
        try:
            given[name] = int(number, 0)
            semantics.start(given)
        except MachineError as error:
            fail(f"--set {setting}: {error}", USAGE)
        except ValueError:
            fail(f"--set {setting}: give a register and an integer, NAME=NUMBER", USAGE)
    return given


def _run(
    program: "Program",
    isa: "InstructionSet",
    registers: dict[str, int],
    max_cycles: int,
    writer: Writer,
    *,
    trace: bool,
    jsonl: bool,
) -> None:
    from kvrm_grammar.machine import Machine, steps

    machine = Machine(program, isa)
    state, cycles = machine.start(registers), 0
    for one in steps(machine, state, max_cycles=max_cycles):
        state, cycles = one.after, one.cycle
        if trace:
            writer.line(_json(_step_row(one, jsonl=jsonl)))
    writer.line(_json(_end_row(state, cycles, jsonl=jsonl)))


def _step_row(one: "Step", *, jsonl: bool) -> dict[str, Any]:
    from kvrm_grammar.isa import operation_to_json

    instruction = one.instruction
    answer = json.loads(operation_to_json(instruction.operation))
    row = {
        "line": instruction.line,
        "text": instruction.text.strip(),
        **answer,
        "confidence": instruction.confidence,
        "changed": one.changed,
        "flags": one.flags,
    }
    if not jsonl:
        return {name: row[name] for name in row if row[name] is not None}
    del row["text"]
    ends = {"error": None, "raw": instruction.text}
    return {"id": one.cycle, "ok": True, **row, "address": instruction.address, **ends}


def _end_row(state: "State", cycles: int, *, jsonl: bool) -> dict[str, Any]:
    row = {
        "registers": state.registers,
        "flags": state.flags,
        "counter": state.counter,
        "cycles": cycles,
    }
    return {"id": None, "ok": True, **row, "error": None, "raw": None} if jsonl else row


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, separators=(",", ":"))
