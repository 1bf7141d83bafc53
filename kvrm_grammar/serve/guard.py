"""What stands in front of every route: host, key, size, time, and the line in the log.

In: requests as ASGI brings them. Out: those that may pass, with their whole body, to the
application; a JSON error for the others. A client that leaves takes its request along. Each request
is counted and logged, whatever became of it.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kvrm_grammar.serve.hosts import Hosts
from kvrm_grammar.serve.problems import RequestError, too_late
from kvrm_grammar.serve.service import Service

__all__ = ["Guard"]

_LOGGER = logging.getLogger(__name__)
_OPEN = ("/health", "/", "/page/", "/docs", "/openapi.json")
"""What needs no key: nothing there comes from a model. A slash at the end stands for a folder."""
_DISCARDED = 8  # bodies of the largest size that are read and dropped, so that the answer is seen
_GONE = 499  # logged where the client left before it was answered


@dataclass
class _Exchange:
    """One request on its way. Mutable."""

    scope: Scope
    send: Send
    started: float = field(default_factory=time.perf_counter)
    status: int | None = None
    identifier: str = field(default_factory=lambda: uuid.uuid4().hex)
    is_closed: bool = False  # what follows the head was not read: no further request is behind it

    async def deliver(self, message: Message) -> None:
        """Send on, and remember the status."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", []), (b"x-request-id", self.identifier.encode())]
            if self.is_closed:
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        await self.send(message)

    async def refuse(self, problem: RequestError) -> None:
        """Send an error, unless an answer has begun."""
        if self.status is not None:
            return
        body = json.dumps(problem.body).encode()
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            **problem.headers,
        }
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        start = {"type": "http.response.start", "status": problem.status, "headers": raw}
        await self.deliver(start)
        await self.deliver({"type": "http.response.body", "body": body})


class Guard:
    """An ASGI application around another. Mutable; belongs to one event loop.

    Args:
        app: What answers.
        service: Settings, limits and metrics.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service
        self._limits = service.settings.limits
        self._in_flight = 0
        settings = service.settings
        key = settings.api_key
        self._key = None if key is None else _digest(key.encode())
        self._hosts = Hosts(settings.host, settings.allow_hosts, has_key=key is not None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        scope["state"] = {**scope.get("state", {}), "fields": {}}
        self._in_flight += 1
        self._service.metrics.in_flight.set(self._in_flight)
        try:
            await self._answer(exchange, receive)
        except RequestError as problem:
            await exchange.refuse(problem)
        except Exception:
            _LOGGER.exception("a request failed", extra={"fields": {"id": exchange.identifier}})
            await exchange.refuse(
                RequestError(500, "internal_error", "this is a fault of the server")
            )
        finally:
            self._in_flight -= 1
            self._count(exchange)

    async def _answer(self, exchange: _Exchange, receive: Receive) -> None:
        scope, seconds = exchange.scope, self._limits.answer_s
        exchange.is_closed = True  # until the body is read
        self._check_head(scope)
        body = await self._body(scope, receive)
        exchange.is_closed = False
        try:
            async with asyncio.timeout(seconds):
                await self._pass_on(exchange, body, receive)
        except TimeoutError as error:
            exchange.is_closed = True
            raise too_late(seconds) from error

    def _check_head(self, scope: Scope) -> None:
        if self._in_flight > self._limits.max_requests:
            message = f"{self._limits.max_requests} requests are being answered; try again in 1 s"
            raise RequestError(503, "too_many_requests", message, retry_after_s=1)
        self._hosts.check(_header(scope, b"host"))
        if self._key is not None and not _is_open(scope["path"]):
            scheme, _, given = _header(scope, b"authorization").partition(b" ")
            is_right = hmac.compare_digest(_digest(given.strip()), self._key)
            if scheme.lower() != b"bearer" or not is_right:
                message = "wrong key, or none; send 'Authorization: Bearer KEY'"
                raise RequestError(401, "invalid_api_key", message)
        if scope["method"] == "POST":
            kind = _header(scope, b"content-type").partition(b";")[0].strip().lower()
            if kind != b"application/json":
                message = f"content-type is {kind.decode('latin-1')!r}; send application/json"
                raise RequestError(415, "not_json", message)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Read the body within its limits; of one that is too large, go on for a while."""
        limit, seconds = self._limits.max_body_bytes, self._limits.body_s
        too_large = RequestError(413, "body_too_large", f"the body has more than {limit} bytes")
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > _DISCARDED * limit:
            raise too_large
        kept, size = bytearray(), 0
        try:
            async with asyncio.timeout(seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise RequestError(_GONE, "client_left", "the client left")
                    piece = message.get("body", b"")
                    size += len(piece)
                    kept += piece[: max(0, limit - len(kept))]
                    if size > _DISCARDED * limit:
                        raise too_large
                    if not message.get("more_body", False):
                        break
        except TimeoutError as error:
            late = f"the body was not there within {seconds:g} s; send it faster"
            raise RequestError(408, "body_too_slow", late) from error
        if size > limit:
            raise too_large
        return bytes(kept)

    async def _pass_on(self, exchange: _Exchange, body: bytes, receive: Receive) -> None:
        """Let the application answer, but not longer than the client listens."""
        gone = asyncio.Event()
        bodies = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Message:
            message = next(bodies, None)
            if message is None:
                await gone.wait()
                return {"type": "http.disconnect"}
            return message

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()

        answer = asyncio.ensure_future(self._app(exchange.scope, replay, exchange.deliver))
        watching = asyncio.ensure_future(watch())
        try:
            await asyncio.wait({answer, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                exchange.status = exchange.status or _GONE
        finally:
            for task in (watching, answer):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await answer

    def _count(self, exchange: _Exchange) -> None:
        metrics, scope = self._service.metrics, exchange.scope
        seconds = time.perf_counter() - exchange.started
        route = getattr(scope.get("route"), "path", "other")
        status = exchange.status or _GONE
        metrics.requests.labels(route, str(status)).inc()
        metrics.seconds.labels(route).observe(seconds)
        metrics.in_flight.set(self._in_flight)
        fields: dict[str, Any] = {
            "id": exchange.identifier,
            "method": scope["method"],
            "route": route,
            "status": status,
            "duration_ms": round(1000 * seconds, 2),
            **scope["state"]["fields"],
        }
        _LOGGER.info("request", extra={"fields": fields})


def _digest(key: bytes) -> bytes:
    """Of one length for all keys, so that comparing tells nothing of theirs."""
    return hashlib.sha256(key).digest()


def _header(scope: Scope, name: bytes) -> bytes:
    found: bytes = next((value for own, value in scope["headers"] if own == name), b"")
    return found


def _is_open(path: str) -> bool:
    return any(
        path == one or (one != "/" and one.endswith("/") and path.startswith(one)) for one in _OPEN
    )
