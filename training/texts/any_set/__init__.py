"""Lenient texts for any set, from its data alone: grammar, schemas and ``lenient.toml``.

In: a ``random.Random`` and an instruction set. Out: texts whose meaning is known by their making.
:mod:`.meaning` draws what is to be said, :mod:`.forms` says it, :mod:`.faults` breaks it. The first
set has makers of its own, :mod:`training.texts.lenient`, for what is written of no other.
"""
