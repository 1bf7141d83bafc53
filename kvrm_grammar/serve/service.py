"""What the routes share: settings, catalog, engine, metrics, and whether the models are warm.

In: settings. Out: :class:`Service`, one for each server.
"""

import logging
import time
from collections.abc import Callable, Mapping

from kvrm_grammar.serve.engine import BatchEngine, Question, Reply
from kvrm_grammar.serve.metrics import Metrics
from kvrm_grammar.serve.models import Catalog, Model, warm_up
from kvrm_grammar.serve.problems import RequestError
from kvrm_grammar.serve.settings import Settings

__all__ = ["Service"]

_LOGGER = logging.getLogger(__name__)
_RETRY_AFTER_S = 2


class Service:
    """One server's state. Mutable; belongs to one event loop.

    Args:
        settings: What the server was told.
        catalog: Its models by name.
        load: Loads them; called once, in the engine's thread.

    Attributes:
        failure: Why the models could not be loaded; None where they were, or are being.
        on_failure: Called when they cannot be loaded.
    """

    def __init__(
        self, settings: Settings, catalog: Catalog, load: Callable[[], Mapping[str, Model]]
    ) -> None:
        self.settings, self.catalog, self.metrics = settings, catalog, Metrics()
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._load = load
        self._models: dict[str, Model] = {}
        self.engine = BatchEngine(self._models, settings.limits, self.metrics)

    @property
    def is_ready(self) -> bool:
        """Whether the models are loaded and warm."""
        return bool(self._models)

    async def open(self) -> None:
        """Load the models, warm them up, and begin to answer."""
        started = time.perf_counter()
        try:
            models = await self.engine.in_thread(self._warm)
        except Exception as error:
            self.failure = error
            self.on_failure()
            return
        self._models.update(models)
        self.engine.start()
        self.metrics.ready.set(1)
        fields = {"models": [*models], "seconds": round(time.perf_counter() - started, 3)}
        _LOGGER.info("ready", extra={"fields": fields})

    async def close(self) -> None:
        """End, once the running batch is done."""
        self.metrics.ready.set(0)
        await self.engine.stop()

    def check_ready(self) -> None:
        """Refuse what needs the models while they are not there.

        Raises:
            RequestError: They are being loaded.
        """
        if not self.is_ready:
            message = f"the models are being loaded; try again in {_RETRY_AFTER_S} s"
            raise RequestError(503, "loading", message, retry_after_s=_RETRY_AFTER_S)

    async def ask(self, questions: list[Question], param: str) -> list[Reply]:
        """Answer the questions of one request.

        Raises:
            RequestError: The models are being loaded, or there are too many questions to wait.
        """
        self.check_ready()
        limits = self.settings.limits
        weighed = sum(question.weighs for question in questions)
        for count, limit, what in (
            (len(questions), limits.texts, "instructions"),
            (weighed, limits.max_posteriors, "texts with alternatives or a posterior"),
        ):
            if count > limit:
                message = f"{count} {what}; at most {limit} in one request"
                raise RequestError(413, "too_many_texts", message, param=param)
        return await self.engine.ask(questions)

    def _warm(self) -> Mapping[str, Model]:
        models = self._load()
        warm_up(self.catalog, models)
        return models
