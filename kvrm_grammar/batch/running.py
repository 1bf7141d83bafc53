"""Runs a batch with Ray Data: parts to a pool of actors, each with a model of its own.

In: files, a job, and how many actors. Out: a :class:`BatchReport`, and a folder of results. A part
is written by the actor that decoded it, under a name that its number gives, when it is whole. So an
actor or a run that is killed loses the parts it was at, which are decoded again, and doubles none.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kvrm_grammar.batch.job import Job, Worker, load_decoder
from kvrm_grammar.batch.parts import SUFFIXES, Part, input_files, plan_parts
from kvrm_grammar.batch.record import check_record, make_record
from kvrm_grammar.batch.rows import FORMATS, count_rows
from kvrm_grammar.errors import BatchError, InputError

__all__ = ["PART_ROWS", "BatchReport", "decode_files"]

PART_ROWS = 1000
"""Rows of a part: what is decoded again, at most, for each actor that is killed."""

_LOCK = ".lock"
_RESTARTS = 100  # of one actor
_TRIES = 4  # of one part, by actors that died
_MOST_BLOCKS = 2000  # of Ray: more of them cost more than they spread


@dataclass(frozen=True)
class BatchReport:
    """What a run did. Immutable.

    Attributes:
        rows: Of the input.
        failed: Rows that were refused or carry an error.
        parts: Files of results.
        reused: Parts that an earlier run had written.
    """

    rows: int
    failed: int
    parts: int
    reused: int


def decode_files(
    source: str | Path,
    output: str | Path,
    job: Job | None = None,
    *,
    workers: int = 1,
    part_rows: int = PART_ROWS,
    format: str | None = None,
    address: str | None = None,
    load: Callable[[Job], Any] = load_decoder,
) -> BatchReport:
    """Decode JSON Lines or Parquet files into a folder.

    A row has a ``text`` and may have an ``id``, a text or an integer; without one its number
    counts, from 1. Results are in the input's order: parts by their names, rows within each.

    Args:
        source: A file, or a folder of files, which are taken in the order of their names.
        output: The folder; parts of the same batch that it holds are not decoded again.
        job: Model and options; None for the packaged model.
        workers: Actors, each with a model of its own.
        part_rows: Rows of a part.
        format: ``jsonl`` or ``parquet``; None for the input's.
        address: Of a Ray cluster; None for one on this machine that ends with the run. All of its
            machines must see input and output under the same paths.
        load: Makes an actor's decoder.

    Returns:
        The report.

    Raises:
        InputError: The input cannot be read, the folder holds something else, or a number is below
            1.
        BatchError: Ray is missing, the folder is in use, or an actor could not work.
        KvrmError: Adapter, set and dialect do not belong together.
    """
    if workers < 1 or part_rows < 1:
        raise InputError(f"at least 1 worker and 1 row a part, not {workers} and {part_rows}")
    job, output = (job or Job()).anywhere(), Path(output).absolute()
    files = input_files(Path(source))
    chosen = format or SUFFIXES[files[0].suffix]
    if chosen not in FORMATS:
        raise InputError(f"no format {chosen!r}; choose one of {', '.join(FORMATS)}")
    _needs_ray()
    record = make_record(files, job, part_rows, suffix := f".{chosen}")
    output.mkdir(parents=True, exist_ok=True)
    with _alone(output):
        check_record(output, record)
        parts = list(plan_parts(files, part_rows))
        targets = {part: output / f"{part.name}{suffix}" for part in parts}
        waiting = [part for part in parts if not targets[part].exists()]
        if waiting:
            for half in output.glob(".part-*"):  # of workers that were killed
                half.unlink(missing_ok=True)
            with _ray(address, workers):
                _run(waiting, workers, (job, str(output), suffix, load))
        return _report(targets, len(waiting))


def _report(targets: Mapping[Part, Path], decoded: int) -> BatchReport:
    """Count what is there, which is more certain than what workers said."""
    rows = failed = 0
    for part, path in targets.items():
        found, bad = count_rows(path)
        if found != part.rows:
            raise BatchError(f"{path} has {found} rows, not {part.rows}; remove it and run again")
        rows, failed = rows + found, failed + bad
    return BatchReport(rows, failed, len(targets), len(targets) - decoded)


def _run(parts: Sequence[Part], workers: int, arguments: tuple[Any, ...]) -> None:
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    data = ray.data.from_items(
        [asdict(part) for part in parts], override_num_blocks=min(len(parts), _MOST_BLOCKS)
    )
    done = data.map_batches(
        Worker,
        fn_constructor_args=arguments,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
        # A part that kills whoever decodes it must end the run: Ray alone would try for ever.
        max_restarts=_RESTARTS,
        max_task_retries=_TRIES - 1,
    )
    try:
        problem = next((row["problem"] for row in done.iter_rows() if row["problem"]), None)
    except Exception as error:  # Ray wraps whatever else an actor raised
        raise BatchError(f"a worker could not go on: {_reason(error)}") from error
    if problem is not None:
        raise BatchError(f"a worker could not go on: {problem}")


def _reason(error: BaseException) -> str:
    """The last line of what an actor said: the error itself, below its traceback."""
    cause = getattr(error, "cause", None) or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return lines[-1] if lines else type(cause).__name__


@contextmanager
def _ray(address: str | None, workers: int) -> Iterator[None]:
    """A cluster for the length of a run: the one of an address, or one of this machine's own."""
    import ray

    if ray.is_initialized():  # the caller's own
        yield
        return
    own: dict[str, Any] = {"address": address} if address else {
        "address": "local",
        "num_cpus": max(workers, os.cpu_count() or 1),
        "include_dashboard": False,
    }  # fmt: skip
    try:
        ray.init(**own, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:  # no cluster there, ports, memory: Ray has many types
        raise BatchError(f"no Ray cluster: {_reason(error)}") from error
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors come here as errors
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    try:
        with FileLock(output / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise BatchError(f"another run writes to {output}; wait for it") from error


def _needs_ray() -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    try:
        import pyarrow  # noqa: F401
        import ray.data  # noqa: F401
    except ModuleNotFoundError as error:
        raise BatchError(
            f"a batch needs the package {error.name}: pip install 'kvrm-grammar[ray]'"
        ) from error
