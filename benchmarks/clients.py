"""Many clients of one server, on few cycles of the processor.

In: requests as bytes, each with a number. Out: for each its status, body and latency. One loop, one
connection for each client, kept; a client sends its next request when the last one is answered.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "Request", "ask_all", "post"]


@dataclass(frozen=True)
class Request:
    """One request. Immutable.

    Attributes:
        content: Head and body.
        text: What it asks about; None where it is bad on purpose.
        dialect: Of the text.
        expected: The status that a bad one must get; 200 for a good one.
    """

    content: bytes
    text: str | None = None
    dialect: str = "strict"
    expected: int = 200


@dataclass(frozen=True)
class Answer:
    """What came back; ``status`` is 0 where nothing did. Immutable."""

    status: int
    body: Any
    latency_ms: float


def post(path: str, content: bytes, kind: str = "application/json") -> bytes:
    """A request as bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def ask_all(
    port: int, requests: Sequence[Request], clients: int, done: Callable[[int], None]
) -> list[Answer]:
    """Send all requests; ``done`` is told how many are answered, after each.

    Returns:
        The answers in the order of the requests.
    """
    return asyncio.run(_ask_all(port, requests, clients, done))


async def _ask_all(
    port: int, requests: Sequence[Request], clients: int, done: Callable[[int], None]
) -> list[Answer]:
    found: dict[int, Answer] = {}
    waiting = iter(enumerate(requests))

    async def client() -> None:
        connection: _Connection | None = None
        for number, request in waiting:
            started = time.perf_counter()
            try:
                connection = connection or await _Connection.open(port)
                status, body = await connection.ask(request.content)
            except (OSError, EOFError, ValueError):
                status, body, connection = 0, None, None
            found[number] = Answer(status, body, 1000 * (time.perf_counter() - started))
            if connection is not None and connection.is_closing:
                connection.close()
                connection = None
            done(len(found))
        if connection is not None:
            connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return [found[number] for number in range(len(requests))]


class _Connection:
    """One connection to the server. Mutable."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.is_closing = False

    @classmethod
    async def open(cls, port: int) -> "_Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, content: bytes) -> tuple[int, Any]:
        self._writer.write(content)
        await self._writer.drain()
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(_fields(head))
        body = await self._reader.readexactly(int(fields["content-length"]))
        self.is_closing = fields.get("connection") == "close"
        return int(head.split(" ", 2)[1]), json.loads(body)

    def close(self) -> None:
        self._writer.close()


def _fields(head: str) -> Iterator[tuple[str, str]]:
    for line in head.split("\r\n")[1:]:
        name, colon, field = line.partition(": ")
        if colon:
            yield name.lower(), field
