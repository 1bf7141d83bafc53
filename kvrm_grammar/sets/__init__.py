"""The schemas of the instruction sets that come with the package, a module each.

In: nothing. Out: frozen Pydantic models. With ``grammars/<set>/`` the only places that name an
opcode, a register or a parameter.
"""
