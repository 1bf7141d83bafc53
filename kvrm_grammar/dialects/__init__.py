"""Text -> what the model sees of it, what it mentions, and a guess at its meaning.

In: one instruction as written. Out: what later stages work on. One dialect is one way of writing.
"""
