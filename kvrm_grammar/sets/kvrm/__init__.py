"""KVRM: sixteen operations on eight registers.

In: nothing. Out: ``operations.py`` and ``semantics.py``, as in any set's folder; the grammar and
its data are in ``grammars/kvrm/``.
"""
