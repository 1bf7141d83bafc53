"""All comparisons of a set, in order.

In: a bound set, and its cases. Out: a :class:`~kvrm_grammar.agreement.report.Report`.
"""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from kvrm_grammar.agreement.comments import compare_comments
from kvrm_grammar.agreement.frames import compare_frames
from kvrm_grammar.agreement.labels import compare_labels
from kvrm_grammar.agreement.report import Report
from kvrm_grammar.agreement.texts import compare_cases, compare_drawn, compare_walks
from kvrm_grammar.agreement.values import compare_integers, compare_names, starts_by_domain
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.language.automaton import compile_automaton
from kvrm_grammar.language.constraint import build_constraint

__all__ = ["compare"]

_SAMPLES = 2_000


def compare(
    isa: InstructionSet,
    cases: Iterable[Mapping[str, Any]] = (),
    *,
    seed: int = 0,
    samples: int = _SAMPLES,
) -> Report:
    """Compare every source of a set with every other.

    Args:
        isa: The set.
        cases: ``text`` and ``answer`` of each.
        seed: Of what is drawn.
        samples: How many instructions, and how many answers, are drawn.

    Returns:
        The report.

    Raises:
        ConstraintError: The schemas' language cannot be compiled.
        TokenIndexError: It is beyond Outlines' automaton.

    >>> from kvrm_grammar.isa import load_set
    >>> compare(load_set(), samples=10).problems
    ()
    """
    constraint, rng = build_constraint(isa), Random(seed)
    automaton = compile_automaton(constraint.regex)
    frames, starts = compare_frames(isa, automaton)
    states = starts_by_domain(isa, starts)
    drawn, largest = compare_drawn(isa, automaton, rng, samples)
    comparisons = (
        compare_cases(isa, cases),
        frames,
        *compare_names(isa, automaton, states),
        *compare_integers(isa, automaton, states),
        *compare_labels(isa, automaton, states),
        drawn,
        compare_walks(isa, automaton, rng, samples),
        compare_comments(isa, rng),
    )
    return Report(comparisons, len(automaton.steps), constraint.max_length, largest)
