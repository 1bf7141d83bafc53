"""A connection that must send its request's head in time, and take what it is sent.

In: bytes of a client. Out: requests to uvicorn's protocol. uvicorn itself waits for ever for the
first byte and for the rest of a head, and keeps for ever what is not taken, even when it stops.
"""

import asyncio
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["protocol_with_limits"]

_KEPT_BYTES = 1 << 15


def protocol_with_limits(headers_s: float, send_s: float) -> type[H11Protocol]:
    """Uvicorn's protocol with two limits.

    Args:
        headers_s: What sends no whole head within so many seconds is closed.
        send_s: What takes hardly anything that waits for it within so many seconds is cut off.
    """

    class TimedProtocol(H11Protocol):
        """Closes a connection that is too slow, in either direction. Mutable."""

        _head_timer: asyncio.TimerHandle | None = None
        _unread_timer: asyncio.TimerHandle | None = None
        _unread = 0  # bytes, when they were last looked at

        def connection_made(self, transport: Any) -> None:
            """Wait for a head."""
            super().connection_made(transport)
            transport.set_write_buffer_limits(high=0)  # whatever waits to be taken is told
            # What the system keeps is told as taken in large steps; so it shall not keep much.
            transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, _KEPT_BYTES)
            self._head_timer = self.loop.call_later(headers_s, self._close_late)

        def data_received(self, data: bytes) -> None:
            """Take bytes; where they end within a head, wait no longer than from its beginning."""
            super().data_received(data)
            if not self._awaits_head():
                self._stop_head_timer()
            elif self._head_timer is None:
                self._head_timer = self.loop.call_later(headers_s, self._close_late)

        def pause_writing(self) -> None:
            """Bytes wait: look again whether they were taken."""
            super().pause_writing()
            self._look_at_unread()

        def resume_writing(self) -> None:
            """All was taken."""
            self._stop_unread_timer()
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            """Forget the timers."""
            self._stop_head_timer()
            self._stop_unread_timer()
            super().connection_lost(exc)

        def _awaits_head(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _stop_head_timer(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _close_late(self) -> None:
            self._head_timer = None
            if self._awaits_head() and not self.transport.is_closing():
                self.transport.close()

        def _look_at_unread(self) -> None:
            self._unread = self.transport.get_write_buffer_size()
            self._unread_timer = self.loop.call_later(send_s, self._cut_off)

        def _stop_unread_timer(self) -> None:
            if self._unread_timer is not None:
                self._unread_timer.cancel()
                self._unread_timer = None

        def _cut_off(self) -> None:
            if self.transport.get_write_buffer_size() < self._unread:
                self._look_at_unread()
            else:
                self.transport.abort()

    return TimedProtocol
