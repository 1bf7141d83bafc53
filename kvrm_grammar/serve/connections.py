"""A connection that must send its request's head in time.

In: bytes of a client. Out: requests to uvicorn's protocol. uvicorn itself waits for ever for the
first byte, and for the rest of a head.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["protocol_with_limit"]


def protocol_with_limit(headers_s: float) -> type[H11Protocol]:
    """Uvicorn's protocol, which closes what sends no whole head within ``headers_s`` seconds."""

    class TimedProtocol(H11Protocol):
        """Closes a connection whose head takes too long. Mutable."""

        _head_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            """Wait for a head."""
            super().connection_made(transport)
            self._head_timer = self.loop.call_later(headers_s, self._close_late)

        def data_received(self, data: bytes) -> None:
            """Take bytes; where they end within a head, wait no longer than from its beginning."""
            super().data_received(data)
            if not self._awaits_head():
                self._stop_timer()
            elif self._head_timer is None:
                self._head_timer = self.loop.call_later(headers_s, self._close_late)

        def connection_lost(self, exc: Exception | None) -> None:
            """Forget the timer."""
            self._stop_timer()
            super().connection_lost(exc)

        def _awaits_head(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _stop_timer(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _close_late(self) -> None:
            self._head_timer = None
            if self._awaits_head() and not self.transport.is_closing():
                self.transport.close()

    return TimedProtocol
