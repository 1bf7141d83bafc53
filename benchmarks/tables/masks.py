"""The proof of masks: every state of every set's automaton, every entry of two vocabularies.

In: the record of ``tests.language.prove_sets``. Out: a table.
"""

from benchmarks.tables.markdown import table
from benchmarks.tables.records import Records

__all__ = ["masks"]


def masks(records: Records) -> str:
    """States, bits compared, bits that differ, and the time to build each index."""
    report = records.result("masks")
    rows = [
        (
            own["set"],
            f"{own['vocabulary']}, {own['entries']:,} entries",
            f"{own['states']:,}",
            f"{own['bits']:,}",
            own["differing"],
            f"{own['build_s']:.1f}",
        )
        for own in report["proofs"]
    ]
    head = ("set", "vocabulary", "states", "bits compared", "differing", "index built, s")
    return table(head, rows, f"({report['processor']}, commit `{report['commit']}`.)")
