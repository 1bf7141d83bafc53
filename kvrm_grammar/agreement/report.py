"""What came of comparing the sources of a set with each other.

In: counts and disagreements. Out: frozen values, which ``isa check`` prints.
"""

from dataclasses import dataclass

__all__ = ["Comparison", "Report"]


@dataclass(frozen=True)
class Comparison:
    """One comparison. Immutable.

    Attributes:
        what: Of what.
        count: Texts or values that it is about.
        is_proof: Whether they are all there are; else they are those at the boundaries, or drawn.
        problems: Every disagreement, one sentence each.
    """

    what: str
    count: int
    is_proof: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All comparisons, and the sizes of a set. Immutable.

    Attributes:
        comparisons: In the order in which they were made.
        states: Of the automaton over single bytes.
        longest_answer: Bytes of the longest answer.
        largest_language: Members of the largest grounded language met, of those that mentions
            close; the others go on as the schema allows.
    """

    comparisons: tuple[Comparison, ...]
    states: int
    longest_answer: int
    largest_language: int

    @property
    def problems(self) -> tuple[str, ...]:
        """Every disagreement."""
        return tuple(problem for one in self.comparisons for problem in one.problems)
