"""What an instruction set is: opcodes, operands, grammar bound to schemas.

In: a grammar and schemas. Out: a bound set, which every later stage is handed.
"""
