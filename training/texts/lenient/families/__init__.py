"""Notations that no table names: markup, programming languages, mathematics, other languages.

In: the templates of ``phrases/families/``. Out: texts that mean one operation, and texts of the
same notation in which something is wrong with the instruction itself. Whole families are held out
for evaluation.
"""

from training.texts.lenient.families.family import (
    FAMILIES,
    HELD_OUT_FAMILIES,
    TRAINING_FAMILIES,
    Family,
)
from training.texts.lenient.families.faults import family_fault
from training.texts.lenient.families.making import family_variant

__all__ = [
    "FAMILIES",
    "HELD_OUT_FAMILIES",
    "TRAINING_FAMILIES",
    "Family",
    "family_fault",
    "family_variant",
]
