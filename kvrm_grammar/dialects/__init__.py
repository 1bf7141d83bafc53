"""Text -> what the model sees of it, what it mentions, and a guess at its meaning.

In: one instruction as written, and an instruction set. Out: a ``Reading``, made once, which later
stages work on. A dialect is one way of writing the instructions of a set.
"""

from kvrm_grammar.dialects.base import Dialect, Reading
from kvrm_grammar.dialects.registry import DIALECTS, find_dialect

__all__ = ["DIALECTS", "Dialect", "Reading", "find_dialect"]
