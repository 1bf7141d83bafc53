"""Decoders in place of a model, for workers of this process and of others.

In: a job. Out: a decoder that never errs; or one that ends its process once.
"""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kvrm_grammar.batch import Job
from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import InputError
from kvrm_grammar.lines import Line

__all__ = ["KILLED", "Fake", "load", "load_doomed", "load_mortal", "load_slow"]

KILLED = "KVRM_TEST_KILLED"
"""Names the file that a decoder leaves when it ends its process."""


class Fake:
    """Answers what the reference parser says."""

    dialect = find_dialect("strict")

    def decode_many(self, lines: Iterable[Line], **_: Any) -> Iterator[Decoded]:
        for line in lines:
            try:
                if line.error is not None:
                    raise line.error
                reading = self.dialect.read(line.text)
                yield Decoded(line.text, reading.verdict.operation, reading=reading, confidence=1.0)
            except InputError as error:
                yield Decoded(line.text, None, error=error)


class Mortal(Fake):
    """Ends the process at the first text that asks for it."""

    def decode_many(self, lines: Iterable[Line], **options: Any) -> Iterator[Decoded]:
        mark = Path(os.environ[KILLED])
        lines = list(lines)
        if any(line.text == "nop ; killer" for line in lines) and not mark.exists():
            mark.write_text("")
            os._exit(1)
        return super().decode_many(lines, **options)


class Doomed(Fake):
    """Ends the process at each text that asks for it."""

    def decode_many(self, lines: Iterable[Line], **options: Any) -> Iterator[Decoded]:
        lines = list(lines)
        if any(line.text == "nop ; killer" for line in lines):
            os._exit(1)
        return super().decode_many(lines, **options)


class Slow(Fake):
    """Takes a second for each part."""

    def decode_many(self, lines: Iterable[Line], **options: Any) -> Iterator[Decoded]:
        time.sleep(1)
        return super().decode_many(lines, **options)


def load(_: Job) -> Fake:
    """A decoder that never errs."""
    return Fake()


def load_mortal(_: Job) -> Fake:
    """One that dies once."""
    return Mortal()


def load_doomed(_: Job) -> Fake:
    """One that dies whenever it is asked to."""
    return Doomed()


def load_slow(_: Job) -> Fake:
    """One that can be killed in the middle."""
    return Slow()
