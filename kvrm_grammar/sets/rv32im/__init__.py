"""RV32IM: the 48 operations of RISC-V's 32-bit base set with multiplication and division.

In: nothing. Out: ``operations.py``, as in any set's folder; the grammar and its data are in
``grammars/rv32im/``.
"""
