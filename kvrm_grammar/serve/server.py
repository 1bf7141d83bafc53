"""Running the application: a socket, signals, and the log.

In: settings. Out: a server that runs until a signal, and then answers what it accepted.
"""

import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from kvrm_grammar.errors import InputError
from kvrm_grammar.serve.app import create_app, make_service
from kvrm_grammar.serve.connections import protocol_with_limits
from kvrm_grammar.serve.logs import json_log
from kvrm_grammar.serve.service import Service
from kvrm_grammar.serve.settings import Settings

__all__ = ["listener", "run_server", "run_service"]

_LOGGER = logging.getLogger(__name__)
_BACKLOG = 1024


class _Server(uvicorn.Server):
    """uvicorn's server; a signal ends it, and is not raised again behind it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order on SIGINT and SIGTERM; the second SIGINT stops at once."""
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run_server(settings: Settings) -> None:
    """Serve the packaged models until SIGINT or SIGTERM.

    Raises:
        InputError: The address cannot be listened on.
        KvrmError: A model cannot be loaded.
    """
    run_service(make_service(settings))


def run_service(service: Service) -> None:
    """Serve until SIGINT or SIGTERM; what was accepted is answered first.

    Raises:
        InputError: The address cannot be listened on.
        Exception: What kept the models from being loaded.
    """
    settings = service.settings
    bound = listener(settings)
    server = _Server(_config(service))

    def stop() -> None:
        server.should_exit = True

    service.on_failure = stop
    host, port = bound.getsockname()[:2]
    with json_log(), bound:
        _LOGGER.info("listening", extra={"fields": {"host": host, "port": port}})
        with suppress(KeyboardInterrupt):
            server.run([bound])
        _LOGGER.info("stopped")
    if service.failure is not None:
        raise service.failure


def _config(service: Service) -> uvicorn.Config:
    limits = service.settings.limits
    return uvicorn.Config(
        create_app(service),
        http=protocol_with_limits(limits.headers_s, limits.send_s),
        ws="none",
        loop="asyncio",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=limits.keep_alive_s,  # type: ignore[arg-type]
        timeout_graceful_shutdown=int(limits.stop_s),
    )


def listener(settings: Settings) -> socket.socket:
    """Make a socket that listens: who connects while the models are loaded is told so.

    Raises:
        InputError: The address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol is named: asyncio sends at once (TCP_NODELAY) only on sockets that say it.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((settings.host, settings.port))
        found.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        found.close()
        where = f"{settings.host}:{settings.port}"
        raise InputError(f"cannot listen on {where}: {error}; choose --host or --port") from error
    return found
