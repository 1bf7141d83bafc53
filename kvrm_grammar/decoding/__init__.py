"""One pass of the model under a language, and everything that is said of its answer.

In: texts. Out: ``Decoded``. ``protocol``, ``engine``, ``search`` and ``batching`` know neither sets
nor dialects.
"""
