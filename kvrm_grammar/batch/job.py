"""What a batch is: a model's options and the place of the results; and the worker that does it.

In: a :class:`Job`, and parts. Out: a file for each part, and how many of its rows were refused.
The worker knows nothing of Ray: it is called with a batch of parts, as ``map_batches`` does.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kvrm_grammar.batch.parts import Part
from kvrm_grammar.batch.rows import read_rows, result_row, write_rows
from kvrm_grammar.errors import BatchError, KvrmError
from kvrm_grammar.weights.packaged_base import PACKAGED_BASE_NAME

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import ConstraintName
    from kvrm_grammar.decoding.decoder import Decoder

__all__ = ["Job", "Worker", "load_decoder"]


@dataclass(frozen=True)
class Job:
    """What is to be done with every row. Immutable and picklable.

    Attributes:
        adapter: Adapter folder; None for the packaged one.
        isa: Name or folder of an instruction set; None for the adapter's.
        dialect: The input language; None for the adapter's.
        base: Base model; None for the adapter's.
        backend: What runs the model; None for the fastest.
        device: Where; None for the fastest.
        precision: Of the computation; None for the fastest.
        constraint: What may be answered.
        min_confidence: Refuse what is less probable.
        batch_size: Instructions for each run of the model.
    """

    adapter: str | None = None
    isa: str | None = None
    dialect: str | None = None
    base: str | None = None
    backend: str | None = None
    device: str | None = None
    precision: str | None = None
    constraint: "ConstraintName" = "grounded"
    min_confidence: float = 0.0
    batch_size: int = 16

    def anywhere(self) -> "Job":
        """The same with absolute paths: a worker's current folder may be another one."""
        named = {"adapter": self.adapter}
        if self.isa is not None and (self.isa in (".", "..") or any(c in self.isa for c in "/\\")):
            named["isa"] = self.isa
        if self.base not in (None, PACKAGED_BASE_NAME) and Path(str(self.base)).is_dir():
            named["base"] = self.base
        found = {
            name: str(Path(path).expanduser().absolute())
            for name, path in named.items()
            if path is not None
        }
        return replace(self, **found)  # type: ignore[arg-type]


def load_decoder(job: Job) -> "Decoder":
    """Load the model of a job.

    Raises:
        KvrmError: It cannot be loaded.
    """
    from kvrm_grammar.decoding.decoder import Decoder

    options = asdict(job)
    for name in ("min_confidence", "batch_size"):
        del options[name]
    return Decoder.from_pretrained(options.pop("adapter"), **options)


class Worker:
    """One model, loaded once, and the parts that it is given. For one thread.

    Args:
        job: What is to be done.
        output: Folder of the results.
        suffix: Of the results' files, which says their format.
        load: Makes the decoder; another one in tests.
    """

    def __init__(
        self,
        job: Job,
        output: str,
        suffix: str,
        load: Callable[[Job], Any] = load_decoder,
    ) -> None:
        self._job, self._output, self._suffix = job, Path(output), suffix
        self._decoder: Any = None
        self._problem = ""
        # Handed on as data: what an actor raises, Ray tries again and shows with its own frames.
        try:
            self._decoder = load(job)
        except KvrmError as error:
            self._problem = str(error)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Do the parts of a batch; a part that is done twice is the same file twice.

        Args:
            batch: The fields of parts, as columns.

        Returns:
            Their columns ``number``, ``rows``, ``failed`` and ``problem``: why the part is not
            done, or an empty text.
        """
        columns = (batch[name] for name in Part.__dataclass_fields__)
        parts = [
            Part(int(number), str(path), *map(int, numbers))
            for number, path, *numbers in zip(*columns, strict=True)
        ]
        found = map(np.array, zip(*map(self._done, parts), strict=True))
        return dict(zip(("number", "rows", "failed", "problem"), found, strict=True))

    def _done(self, part: Part) -> tuple[int, int, int, str]:
        problem, failed = self._problem, 0
        if not problem:
            try:
                failed = self.do(part)
            except (KvrmError, OSError) as error:
                problem = f"{part.path}, from row {part.first}: {error}"
        return part.number, part.rows, failed, problem

    def do(self, part: Part) -> int:
        """Decode and write one part; how many of its rows are not ``ok``.

        Raises:
            BatchError: The file has another number of rows than before.
            OSError: The input cannot be read, or the result not written.
        """
        rows = read_rows(part)
        if len(rows) != part.rows:
            raise BatchError(f"{part.path} was changed while it was read; run again")
        answers = self._decoder.decode_many(
            [line for _, line in rows],
            batch_size=self._job.batch_size,
            min_confidence=self._job.min_confidence,
        )
        found = [result_row(row[0], one) for row, one in zip(rows, answers, strict=True)]
        write_rows(self._output / f"{part.name}{self._suffix}", found)
        return sum(not row["ok"] for row in found)
