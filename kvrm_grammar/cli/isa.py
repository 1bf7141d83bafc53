"""The commands ``isa …``: an instruction set of one's own, from an empty folder to an adapter.

In: a folder, or the name of a set. Out: files, a report, sample texts, an adapter. Sampling,
training and evaluation are those of ``training/``, which is not in the wheel: they need a source
checkout.
"""

import contextlib
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kvrm_grammar.cli.failures import ENVIRONMENT, REFUSED, USAGE, fail, failures, tell
from kvrm_grammar.cli.loading import chosen_isa
from kvrm_grammar.cli.options import EXIT_CODES, Base, Output, Verbose
from kvrm_grammar.cli.output import destination

if TYPE_CHECKING:
    from kvrm_grammar.agreement import Report
    from kvrm_grammar.isa import InstructionSet

__all__ = ["Adapter", "AsJson", "Count", "NewFolder", "Seed", "SetSource", "app"]

app = typer.Typer(
    help="Make, check and train an instruction set of your own.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)

NewFolder = Annotated[Path, typer.Argument(help="A folder that does not exist, or is empty.")]
SetSource = Annotated[
    str, typer.Argument(metavar="NAME_OR_FOLDER", help="A set; a folder with a slash in it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Count = Annotated[int, typer.Option(min=1, help="How many.")]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn.")]
Share = Annotated[float, typer.Option(min=0, max=1, help="Share of texts that must be refused.")]
Adapter = Annotated[Path, typer.Option(help="Adapter folder.")]
NewAdapter = Annotated[Path, typer.Option(help="Folder of the adapter to be made.")]
Preset = Annotated[
    str | None, typer.Option(help="How to train (default: what suits this machine).")
]
Steps = Annotated[
    int | None, typer.Option(min=1, help="Examples to train on (default: the preset's).")
]


@app.command(epilog=EXIT_CODES)
def new(folder: NewFolder, verbose: Verbose = 0) -> None:
    """Write a working set of three operations, to be changed."""
    with failures(verbose):
        from kvrm_grammar.errors import IsaError
        from kvrm_grammar.isa.scaffold import write_scaffold

        try:
            files = write_scaffold(folder)
        except IsaError as error:
            fail(str(error), USAGE)
        with destination(None) as writer:
            for path in files:
                writer.line(str(path))
        name = str(folder)
        tell(f"next: kvrm-grammar isa check {name if '/' in name else './' + name}")


@app.command(epilog=EXIT_CODES)
def check(source: SetSource, as_json: AsJson = False, verbose: Verbose = 0) -> None:
    """Compare grammar, schemas, automaton and cases with each other; exit code 1 if they differ."""
    with failures(verbose):
        from kvrm_grammar.agreement import compare
        from kvrm_grammar.isa.cases import read_cases

        isa = _set(source)
        report = compare(isa, read_cases(isa))
        with destination(None) as writer:
            if as_json:
                writer.line(json.dumps(_facts(isa, report)))
            else:
                for line in _told(isa, report):
                    writer.line(line)
        for problem in report.problems:
            tell(f"problem: {problem}")
        raise typer.Exit(REFUSED if report.problems else 0)


@app.command(epilog=EXIT_CODES)
def sample(
    source: SetSource,
    count: Count = 10,
    seed: Seed = 0,
    refusals: Share = 0.4,
    output: Output = None,
    verbose: Verbose = 0,
) -> None:
    """Print texts and answers as training draws them: one JSON line each."""
    with failures(verbose):
        isa = _set(source)
        drawn = _training("training.data.strict").generate_examples(
            count, seed, refusals=refusals, isa=isa
        )
        with destination(output, None) as writer:
            for example in drawn:
                row = {"text": example.text, "answer": json.loads(example.answer)}
                writer.line(json.dumps(row))


@app.command(epilog=EXIT_CODES)
def train(
    source: SetSource,
    output: NewAdapter,
    count: Count = 20_000,
    seed: Seed = 1,
    preset: Preset = None,
    max_samples: Steps = None,
    base: Base = None,
    verbose: Verbose = 0,
) -> None:
    """Draw training texts and train an adapter; hours on two cores, minutes on a GPU."""
    with failures(verbose):
        _set(source)
        work = output.with_name(f"{output.name}-training")
        data = ["--isa", source, "--output", str(work / "data.jsonl")]
        _run("training.generate_cpu_data", [*data, "--count", str(count), "--seed", str(seed)])
        options = ["--isa", source, "--data", str(work / "data.jsonl"), "--output", str(output)]
        options += ["--checkpoints", str(work), "--seed", str(seed)]
        for name, value in (("preset", preset), ("max-samples", max_samples), ("base", base)):
            options += [] if value is None else [f"--{name}", str(value)]
        _run("training.train_decode", options)
        with destination(None) as writer:
            writer.line(json.dumps({"adapter": str(output)}))


@app.command(epilog=EXIT_CODES)
def evaluate(
    source: SetSource,
    adapter: Adapter,
    count: Count = 1_000,
    seed: Annotated[int, typer.Option(help="Not one that training used.")] = 777_008,
    base: Base = None,
    verbose: Verbose = 0,
) -> None:
    """Decode fresh texts and the set's cases; the report goes beside the adapter."""
    with failures(verbose):
        _set(source)
        options = ["--isa", source, "--adapter", str(adapter), "--count", str(count)]
        options += ["--seed", str(seed), *([] if base is None else ["--base", base])]
        _run("training.evaluate", options)
        report = json.loads((adapter / "evaluation.json").read_text("utf-8"))
        results = report["results"]
        row = {name: results[name] for name in ("examples", "validity")}
        row["exact_match"] = results["exact_match_with_converted_notations"]["rate"]
        with destination(None) as writer:
            writer.line(json.dumps({**row, "checks": report["checks"]}))


def _set(source: str) -> "InstructionSet":
    return chosen_isa(source)


def _training(name: str) -> ModuleType:
    """A module of ``training/``.

    Raises:
        typer.Exit: It is not there: a wheel does not bring it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and not error.name.startswith("training"):
            raise
        fail(
            "this command needs the folder training/ of a source checkout: run it there, or "
            "put the checkout on PYTHONPATH",
            ENVIRONMENT,
        )


def _run(name: str, arguments: list[str]) -> None:
    """Run a command of ``training/``; what it prints is no result of ours."""
    main: Callable[[list[str]], int] = _training(name).main
    with contextlib.redirect_stdout(sys.stderr):
        try:
            code = main(arguments)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else USAGE
    if code:
        raise typer.Exit(code)


def _facts(isa: "InstructionSet", report: "Report") -> dict[str, Any]:
    return {
        "name": isa.name,
        "digest": isa.digest,
        "opcodes": {opcode.key: list(opcode.mnemonics) for opcode in isa.opcodes},
        "states": report.states,
        "longest_answer_bytes": report.longest_answer,
        "largest_grounded_language": report.largest_language,
        "comparisons": [
            {"what": one.what, "count": one.count, "is_proof": one.is_proof}
            for one in report.comparisons
        ],
        "problems": list(report.problems),
    }


def _told(isa: "InstructionSet", report: "Report") -> list[str]:
    lines = [f"{'set':26} {isa.name}, digest {isa.digest[:16]}…"]
    for opcode in isa.opcodes:
        operands = ", ".join(operand.name for operand in opcode.operands) or "no operands"
        lines.append(f"{opcode.key:26} {' '.join(opcode.mnemonics)} ({operands})")
    lines += [
        f"{'automaton':26} {report.states} states",
        f"{'longest answer':26} {report.longest_answer} bytes",
        f"{'largest grounded language':26} {report.largest_language} answers",
    ]
    for one in report.comparisons:
        how = "all there are" if one.is_proof else "probed"
        found = f"{len(one.problems)} problems" if one.problems else "agree"
        lines.append(f"{found:26} {one.count} {one.what} ({how})")
    return lines
