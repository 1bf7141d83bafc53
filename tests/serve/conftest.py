"""Fixtures of the server's tests: sockets that reach this machine's own loopback."""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest


def _is_loopback(host: object) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As for all tests, but the loopback is no network: the servers of these tests listen there."""
    attempts: list[object] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def local_only(own: socket.socket, address: Any) -> None:
        if own.family != socket.AF_UNIX and not _is_loopback(address[0]):
            attempts.append(address)
            raise OSError(f"a test tried to use the network: {address!r}")
        connect(own, address)

    def look_up_local(host: Any, *arguments: Any, **options: Any) -> Any:
        if not _is_loopback(host):
            attempts.append(host)
            raise OSError(f"a test tried to use the network: {host!r}")
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket.socket, "connect", local_only)
    monkeypatch.setattr(socket, "getaddrinfo", look_up_local)
    yield
    assert attempts == []
