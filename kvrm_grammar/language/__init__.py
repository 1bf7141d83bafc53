"""What may be answered: regular expression, automaton over tokens, grounding.

In: an instruction set and a tokenizer. Out: languages that say which token may come next.
"""
