"""Whether grammar, schemas and automaton of a set have one language.

In: a bound set, and its cases. Out: a :class:`Report`: what was compared, whether that proves it or
only probes it, every disagreement, and the sizes that a set's author wants to know.
"""

from kvrm_grammar.agreement.comparing import compare
from kvrm_grammar.agreement.report import Comparison, Report

__all__ = ["Comparison", "Report", "compare"]
