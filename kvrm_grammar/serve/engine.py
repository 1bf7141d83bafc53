"""Texts of many requests -> shared batches -> answers, each to whoever asked.

In: questions, from any number of requests at a time. Out: replies. One thread runs the models: a
batch uses every core by itself. A text waits a few milliseconds for others, and while a batch runs;
what then waits for the same model is batched by length. Weighing all answers of a text is a turn of
its own, behind what waits already, so that nobody waits for more than one of them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from kvrm_grammar.errors import KvrmError
from kvrm_grammar.serve.metrics import Metrics
from kvrm_grammar.serve.models import Model
from kvrm_grammar.serve.problems import RequestError, queue_full
from kvrm_grammar.serve.settings import Limits

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import Decoded
    from kvrm_grammar.decoding.posterior import Posterior

__all__ = ["BatchEngine", "Question", "Reply"]

_LOGGER = logging.getLogger(__name__)
_T = TypeVar("_T")
_LOOK_AHEAD = 8  # batches of waiting texts among which those of similar length are chosen
_RETRY_AFTER_S = 1


@dataclass(frozen=True)
class Question:
    """One text, and what is asked about it. Immutable.

    Attributes:
        model: Name of a model.
        text: As given.
        min_confidence: Refuse what is less probable.
        weighs: Whether the distribution over all answers is asked for.
    """

    model: str
    text: str
    min_confidence: float = 0.0
    weighs: bool = False


@dataclass(frozen=True)
class Reply:
    """What became of a question. Immutable.

    Attributes:
        decoded: The model's answer, or the error in its place.
        prompt_tokens: Token IDs of the prompt.
        posterior: The distribution, where it was asked for and there is one.
        trouble: Why there is none.
    """

    decoded: "Decoded"
    prompt_tokens: int = 0
    posterior: "Posterior | None" = None
    trouble: KvrmError | None = None


@dataclass(eq=False)
class _Job:
    question: Question
    answer: "asyncio.Future[Reply]"
    reply: Reply | None = field(default=None)  # decoded, and yet to be weighed

    @property
    def group(self) -> tuple[str, float] | None:
        """Jobs of one group can share a batch; None for what runs alone."""
        own = self.question
        return None if self.reply is not None else (own.model, own.min_confidence)


class BatchEngine:
    """A bounded queue in front of one thread. Mutable; belongs to one event loop.

    Args:
        models: By name; may be filled later, before the first question.
        limits: Of queue, batch and window.
        metrics: Where batches and outcomes are counted.
    """

    def __init__(self, models: Mapping[str, Model], limits: Limits, metrics: Metrics) -> None:
        self._models, self._limits, self._metrics = models, limits, metrics
        self._queue: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="models")
        self._worker: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Texts that wait, those of the running batch not among them."""
        return len(self._queue)

    def start(self) -> None:
        """Begin to take what waits."""
        self._worker = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """End, once the running batch is done; what still waits is cancelled."""
        for job in self._queue:
            job.answer.cancel()
        self._queue.clear()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown)

    async def in_thread(self, call: Callable[[], _T]) -> _T:
        """Run a call in the models' thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """Answer all questions of one request; cancelled, it frees their places at once.

        Raises:
            RequestError: They do not fit into the queue, or a model failed.
        """
        limit = self._limits.max_queue
        if len(self._queue) + len(questions) > limit:
            raise queue_full(len(self._queue), limit, _RETRY_AFTER_S)
        loop = asyncio.get_running_loop()
        jobs = [_Job(question, loop.create_future()) for question in questions]
        self._queue.extend(jobs)
        self._changed()
        try:
            return [await job.answer for job in jobs]
        finally:
            self._leave(jobs)

    def _leave(self, jobs: Sequence[_Job]) -> None:
        if any([job.answer.cancel() for job in jobs]):  # a list: all of them are cancelled
            self._queue = deque(job for job in self._queue if not job.answer.cancelled())
            self._changed()

    def _changed(self) -> None:
        self._metrics.queue.set(len(self._queue))
        if self._queue:
            self._arrived.set()
        else:
            self._arrived.clear()

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            if len(self._queue) < self._limits.batch_size:
                await asyncio.sleep(self._limits.window_ms / 1000)
            jobs = self._take()
            if jobs:
                await self._run(jobs)

    def _take(self) -> list[_Job]:
        """The job that waited longest, and of its group those of about its length."""
        if not self._queue:
            return []
        first = self._queue[0]
        taken = [first]
        if first.group is not None:
            alike = [job for job in self._queue if job.group == first.group][1:]
            size = len(first.question.text)
            near = sorted(
                alike[: _LOOK_AHEAD * self._limits.batch_size],
                key=lambda job: abs(len(job.question.text) - size),
            )
            taken += near[: self._limits.batch_size - 1]
        left = {id(job) for job in taken}
        self._queue = deque(job for job in self._queue if id(job) not in left)
        self._changed()
        return taken

    async def _run(self, jobs: list[_Job]) -> None:
        try:
            replies = await self.in_thread(lambda: self._replies(jobs))
        except Exception as error:
            _LOGGER.exception("a batch failed", extra={"fields": {"texts": len(jobs)}})
            failure = RequestError(500, "model_failed", f"the model failed: {type(error).__name__}")
            for job in jobs:
                if not job.answer.done():
                    job.answer.set_exception(failure)
            return
        for job, reply in zip(jobs, replies, strict=True):
            self._deliver(job, reply)
        self._changed()

    def _replies(self, jobs: Sequence[_Job]) -> list[Reply]:
        """In the models' thread."""
        model = self._models[jobs[0].question.model]
        if jobs[0].reply is not None:
            return [_weighed(model, jobs[0].reply)]
        self._metrics.batch.observe(len(jobs))
        first = jobs[0].question
        found = model.decode([job.question.text for job in jobs], first.min_confidence)
        return [Reply(one, model.prompt_tokens(one)) for one in found]

    def _deliver(self, job: _Job, reply: Reply) -> None:
        is_weighed = job.reply is not None
        if not is_weighed:
            outcome = _outcome(reply.decoded)
            self._metrics.texts.labels(job.question.model, outcome).inc()
        if job.answer.done():
            return
        if job.question.weighs and not is_weighed and reply.decoded.error is None:
            job.reply = reply
            self._queue.append(job)
        else:
            job.answer.set_result(reply)


def _weighed(model: Model, reply: Reply) -> Reply:
    try:
        posterior = model.posterior(reply.decoded)
    except KvrmError as error:
        return Reply(reply.decoded, reply.prompt_tokens, trouble=error)
    return Reply(reply.decoded, reply.prompt_tokens, posterior)


def _outcome(decoded: "Decoded") -> str:
    if decoded.error is not None:
        return "error"
    return "answered" if decoded.valid else "refused"
