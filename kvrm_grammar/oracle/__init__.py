"""What the grammar alone says a text means: the reference parser and programs.

In: a line or a source text. Out: operations and reasons. Shares nothing with what it judges.
"""
