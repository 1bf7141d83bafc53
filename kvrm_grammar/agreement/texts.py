"""Whole texts: the author's cases, drawn instructions, and answers drawn from the automaton.

In: a set, its cases, the automaton of its answers, a ``random.Random``. Out: comparisons, and the
size of the largest grounded language met.
"""

import json
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from kvrm_grammar.agreement.report import Comparison
from kvrm_grammar.dialects.strict import strict_mentions
from kvrm_grammar.errors import KvrmError, OperationError
from kvrm_grammar.isa import InstructionSet, OperationModel, operation_to_json
from kvrm_grammar.isa.sampling import draw_text
from kvrm_grammar.language.automaton import Automaton
from kvrm_grammar.language.candidates import Candidates
from kvrm_grammar.oracle.reference import explain

__all__ = ["compare_cases", "compare_drawn", "compare_walks"]

_EDITS = '0189-"aR{},: '


def compare_cases(isa: InstructionSet, cases: Iterable[Mapping[str, Any]]) -> Comparison:
    """What the author wrote down, read by the reference parser."""
    cases = list(cases)
    problems = [problem for case in cases if (problem := _case(isa, case)) is not None]
    return Comparison("cases", len(cases), False, tuple(problems))


def _case(isa: InstructionSet, case: Mapping[str, Any]) -> str | None:
    text = case["text"]
    try:
        wanted = isa.parse_json(json.dumps(case["answer"]))
        verdict = explain(text, isa)
    except KvrmError as error:
        return f"{text!r:.80}: {error}"
    if verdict.operation == wanted:
        return None
    why = f" ({verdict.reason})" if verdict.reason else ""
    return f"{text!r} means {operation_to_json(verdict.operation)}{why}"


def compare_drawn(
    isa: InstructionSet, automaton: Automaton, rng: Random, count: int
) -> tuple[Comparison, int]:
    """Draw instructions, read them back, and look for their answers where they must be.

    Returns:
        The comparison, and the members of the largest grounded language.
    """
    candidates, problems, largest = Candidates(isa), list[str](), 1
    for _ in range(count):
        text, operation = draw_text(rng, isa)
        answer = operation_to_json(operation)
        problems += _differences(isa, automaton, text, operation, rng)
        members = candidates.of(strict_mentions(text, isa))
        if answer not in members:
            problems.append(f"{text!r}: grounding has lost {answer}")
        largest = max(largest, len(members))
    return Comparison("drawn instructions", count, False, tuple(dict.fromkeys(problems))), largest


def _differences(
    isa: InstructionSet, automaton: Automaton, text: str, operation: OperationModel, rng: Random
) -> Iterable[str]:
    answer = operation_to_json(operation)
    if explain(text, isa).operation != operation:
        yield f"{text!r} was written for {answer}, and is read otherwise"
    for one in (answer, _edited(answer, rng)):
        if automaton.accepts(one) != _is_canonical(isa, one):
            yield f"{one} is in one of schema and automaton only"


def _edited(answer: str, rng: Random) -> str:
    place = rng.randrange(len(answer))
    return answer[:place] + rng.choice(_EDITS) + answer[place + rng.randint(0, 1) :]


def _is_canonical(isa: InstructionSet, text: str) -> bool:
    try:
        return operation_to_json(isa.parse_json(text)) == text
    except OperationError:
        return False


def compare_walks(isa: InstructionSet, automaton: Automaton, rng: Random, count: int) -> Comparison:
    """Draw answers from the automaton; each must be an operation, in canonical JSON."""
    problems = []
    for _ in range(count):
        state, written = automaton.initial, bytearray()
        while following := automaton.steps[state]:
            byte = rng.choice(sorted(following))
            written.append(byte)
            state = following[byte]
        text = written.decode("utf-8", "replace")
        if not _is_canonical(isa, text):
            problems.append(f"the automaton writes {text}, which is no operation of the set")
    return Comparison("answers drawn from the automaton", count, False, tuple(problems))
