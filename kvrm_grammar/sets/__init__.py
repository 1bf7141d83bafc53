"""The schemas of the instruction sets that come with the package, a folder each.

In: nothing. Out: frozen Pydantic models. With ``grammars/<set>/`` the only places that name an
opcode, a register or a parameter.
"""

__all__ = ["DEFAULT_SET"]

DEFAULT_SET = "kvrm"
"""The set that is meant where none is named."""
