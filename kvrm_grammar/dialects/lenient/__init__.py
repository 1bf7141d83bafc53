"""The lenient dialect: whatever a person or a program might write.

In: one text. Out: its mentions, and a guess at its meaning.
"""
