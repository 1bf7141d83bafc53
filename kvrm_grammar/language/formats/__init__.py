"""The language of a set in the notations of other programs.

In: a bound set. Out: texts for llama.cpp (:func:`gbnf`) and for whatever reads JSON schemas
(:func:`json_schema`). The third notation is the regular expression of
:func:`~kvrm_grammar.language.constraint.build_constraint` itself.
"""

from kvrm_grammar.language.formats.gbnf import gbnf
from kvrm_grammar.language.formats.json_schema import json_schema

__all__ = ["gbnf", "json_schema"]
