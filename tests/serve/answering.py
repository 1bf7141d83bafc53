"""A model that answers from the reference parser, and a server in this process around it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from kvrm_grammar.decoding.decoded import Alternative, Decoded
from kvrm_grammar.decoding.posterior import Posterior
from kvrm_grammar.dialects import Dialect, find_dialect
from kvrm_grammar.errors import InputError, LimitError
from kvrm_grammar.isa import INVALID
from kvrm_grammar.serve.app import create_app, make_service
from kvrm_grammar.serve.models import Catalog, Model
from kvrm_grammar.serve.service import Service
from kvrm_grammar.serve.settings import Settings

WAIT_S = 60
UNSURE, UNWEIGHED, FAILING = "unsure", "unweighed", "failing"
"""Labels that make this model unsure of a line, refuse to weigh it, or fail."""


class FakeModel:
    """Never errs; it waits while ``gate`` is closed.

    ``batches`` keeps what it was to decode, ``weighed`` what it was to weigh, and ``calls`` the
    names of both in their order.
    """

    def __init__(self, dialect: Dialect | None = None) -> None:
        self.dialect = dialect or find_dialect("strict")
        self.batches: list[list[str]] = []
        self.weighed: list[str] = []
        self.calls: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def decode(self, texts: Sequence[str], min_confidence: float) -> list[Decoded]:
        self.batches.append([*texts])
        self.calls.append("decode")
        assert self.gate.wait(WAIT_S)
        if any(FAILING in text for text in texts):
            raise RuntimeError("a secret of the model")
        return [self._decoded(text).unless_uncertain(min_confidence) for text in texts]

    def posterior(self, decoded: Decoded) -> Posterior:
        if UNWEIGHED in decoded.text:
            raise LimitError("too many answers")
        self.weighed.append(decoded.text)
        self.calls.append("weigh")
        own = decoded.refused or decoded.operation
        assert own is not None
        found = [Alternative(own, 0.75), Alternative(INVALID, 0.25)]
        return Posterior(tuple(found[: 1 if own == INVALID else 2]), 1)

    def prompt_tokens(self, decoded: Decoded) -> int:
        return len(decoded.text.split())

    def _decoded(self, text: str) -> Decoded:
        try:
            reading = self.dialect.read(text)
        except InputError as error:
            return Decoded(text, None, error=error)
        confidence = 0.5 if UNSURE in text else 0.99
        operation = reading.verdict.operation
        return Decoded(text, operation, confidence=confidence, reading=reading, token_ids=(1, 2))


def fake_models(catalog: Catalog) -> Mapping[str, Model]:
    """One for each dialect of a catalog."""
    return {name: FakeModel(dialect) for name, dialect in catalog.dialects.items()}


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run what a test does; one that hangs fails."""
    asyncio.run(asyncio.wait_for(scenario, WAIT_S))


@asynccontextmanager
async def serving(
    settings: Settings | None = None,
    *,
    is_open: bool = True,
    load: Callable[[Catalog], Mapping[str, Model]] = fake_models,
) -> AsyncIterator[tuple[httpx2.AsyncClient, Service]]:
    """A server without a socket, and a client of it."""
    service = make_service(settings or Settings(), load)
    app = create_app(service)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        if is_open:
            await service.open()
        yield client, service
        await service.close()


async def answered(
    client: httpx2.AsyncClient, method: str, path: str, **options: Any
) -> tuple[int, Any]:
    """Status and JSON."""
    response = await client.request(method, path, **options)
    return response.status_code, response.json()
