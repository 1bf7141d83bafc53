"""The tables of README and docs, written from the recorded results: nobody types a figure.

In: benchmarks/results/*.json and the records beside the adapters. Out: Markdown between the marks
``<!-- table: NAME -->`` and ``<!-- /table -->`` of the pages. ``python -m benchmarks.tables``
writes them; with ``--check`` it fails where a page is stale.
"""

from collections.abc import Callable, Mapping

from benchmarks.tables.backends import backends, backends_lenient, stepwise
from benchmarks.tables.cold_start import cold_start
from benchmarks.tables.doors import batch, serve
from benchmarks.tables.fuzzing import fuzz, fuzz_disagreements, fuzz_lenient
from benchmarks.tables.grounding import grounding, grounding_rv32im, posterior
from benchmarks.tables.lenient import (
    lenient_adds,
    lenient_classes,
    lenient_confidence,
    lenient_cost,
    lenient_examples,
    lenient_kinds,
    lenient_left_out,
)
from benchmarks.tables.machine import machine
from benchmarks.tables.masks import masks
from benchmarks.tables.real_text import rv32im_model, rv32im_real
from benchmarks.tables.records import Records
from benchmarks.tables.rounds import rounds_lenient, rounds_strict
from benchmarks.tables.setup_faults import setup_faults
from benchmarks.tables.speed import attack, index, lines, literals, sets, stream, ways, ways_lenient
from benchmarks.tables.strict import calibration, strict_kinds
from benchmarks.tables.summary import summary

__all__ = ["TABLES", "Table"]

Table = Callable[[Records], str]

TABLES: Mapping[str, Table] = {
    "summary": summary,
    "strict-kinds": strict_kinds,
    "calibration": calibration,
    "fuzz": fuzz,
    "fuzz-disagreements": fuzz_disagreements,
    "fuzz-lenient": fuzz_lenient,
    "lenient-examples": lenient_examples,
    "lenient-kinds": lenient_kinds,
    "lenient-classes": lenient_classes,
    "lenient-confidence": lenient_confidence,
    "lenient-adds": lenient_adds,
    "grounding": grounding,
    "grounding-rv32im": grounding_rv32im,
    "posterior": posterior,
    "lenient-left-out": lenient_left_out,
    "lenient-cost": lenient_cost,
    "ways": ways,
    "ways-lenient": ways_lenient,
    "literals": literals,
    "index": index,
    "lines": lines,
    "sets": sets,
    "stream": stream,
    "cold-start": cold_start,
    "setup-faults": setup_faults,
    "backends": backends,
    "backends-lenient": backends_lenient,
    "stepwise": stepwise,
    "attack": attack,
    "machine": machine,
    "serve": serve,
    "batch": batch,
    "masks": masks,
    "rv32im-model": rv32im_model,
    "rv32im-real": rv32im_real,
    "rounds-strict": rounds_strict,
    "rounds-lenient": rounds_lenient,
}
"""Every table by the name that pages call it."""
