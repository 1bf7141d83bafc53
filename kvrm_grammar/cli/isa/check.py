"""The command ``isa check``: whether grammar, schemas, automaton and cases say one thing.

In: a set. Out: what was compared, proved or probed, and the sizes of the set; every disagreement on
standard error, and exit code 1 where there is one.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kvrm_grammar.cli.failures import REFUSED, USAGE, fail, failures, tell
from kvrm_grammar.cli.isa.options import SetSource
from kvrm_grammar.cli.options import Verbose
from kvrm_grammar.cli.output import destination

if TYPE_CHECKING:
    from kvrm_grammar.agreement import Comparison, Report
    from kvrm_grammar.isa import InstructionSet

__all__ = ["AsJson", "check"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_WIDTH = 26
_MOST_TOLD = 20


def check(source: SetSource, as_json: AsJson = False, verbose: Verbose = 0) -> None:
    """Compare grammar, schemas, automaton and cases with each other."""
    with failures(verbose), destination(None) as writer:
        from kvrm_grammar.agreement import compare
        from kvrm_grammar.errors import ConstraintError, IsaError, TokenIndexError
        from kvrm_grammar.isa import load_set
        from kvrm_grammar.isa.cases import read_cases

        try:
            isa = load_set(source)
            report = compare(isa, read_cases(isa))
        except (IsaError, ConstraintError, TokenIndexError) as error:
            if as_json:
                writer.line(json.dumps({"source": source, "problems": [str(error)]}))
            fail(str(error), REFUSED if _is_folder(source) else USAGE)
        lines = [json.dumps(_facts(source, isa, report))] if as_json else _told(isa, report)
        for line in lines:
            writer.line(line)
        problems = report.problems
        for problem in problems[:_MOST_TOLD]:
            tell(f"problem: {problem}")
        if len(problems) > _MOST_TOLD:
            tell(f"… and {len(problems) - _MOST_TOLD} more; --json has all of them")
        raise typer.Exit(REFUSED if problems else 0)


def _is_folder(source: str) -> bool:
    """Whether there is a folder, so that something in it is wrong, and not the argument."""
    return any(sign in source for sign in "/\\") and Path(source).expanduser().is_dir()


def _facts(source: str, isa: "InstructionSet", report: "Report") -> dict[str, Any]:
    return {
        "source": source,
        "name": isa.name,
        "digest": isa.digest,
        "opcodes": {opcode.key: list(opcode.mnemonics) for opcode in isa.opcodes},
        "states": report.states,
        "longest_answer_bytes": report.longest_answer,
        "largest_grounded_language": report.largest_language,
        "comparisons": [
            {"what": one.what, "count": one.count, "proved": one.is_proof, "problems": len(own)}
            for one in report.comparisons
            for own in (one.problems,)
        ],
        "problems": list(report.problems),
    }


def _told(isa: "InstructionSet", report: "Report") -> list[str]:
    rows = [("set", f"{isa.name}, digest {isa.digest[:16]}…")]
    for opcode in isa.opcodes:
        operands = ", ".join(operand.name for operand in opcode.operands) or "no operands"
        rows.append((opcode.key, f"{' '.join(opcode.mnemonics)} ({operands})"))
    rows += [
        ("automaton", f"{report.states} states"),
        ("longest answer", f"{report.longest_answer} bytes"),
        ("largest grounded language", f"{report.largest_language} answers"),
    ]
    rows += [(_verdict(one), f"{one.count} {one.what}") for one in report.comparisons]
    return [f"{name:{_WIDTH}} {value}" for name, value in rows]


def _verdict(one: "Comparison") -> str:
    """Proved where all there are were looked at, probed where some were."""
    if one.problems:
        return f"{len(one.problems)} problem{'s' * (len(one.problems) > 1)}"
    return "proved" if one.is_proof else "probed" if one.count else "nothing to compare"
