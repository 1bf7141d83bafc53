"""Which names a server may be asked for by.

In: what the server is told, and a request's Host header. Out: whether it is answered. A page of
another site can have its own name lead to this machine (DNS rebinding): the browser then takes the
server for that site, and lets the page read all answers. Host still has the name of the page.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address

from kvrm_grammar.serve.problems import RequestError

__all__ = ["ANY_HOST", "Hosts", "is_loopback", "plain_host"]

ANY_HOST = "*"
_OWN = ("localhost", "127.0.0.1", "::1")
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE)
_PORT = re.compile(r":\d*\Z")


class Hosts:
    """The names that are answered. Immutable by convention.

    Args:
        host: Address that is listened on.
        allowed: More names, without a port; ``*`` for all there are.
        has_key: Whether requests bring a key. A page does not know it, so that an address which
            others reach, by names that the server cannot know, needs no list of them.
    """

    def __init__(self, host: str, allowed: Iterable[str] = (), *, has_key: bool = False) -> None:
        told = [*allowed]
        named = {plain_host(one) for one in (*_OWN, host, *told)}
        is_open = has_key and not told and not is_loopback(host)
        self._names = None if is_open or ANY_HOST in told else named - {None}

    def check(self, header: bytes) -> None:
        """Let a request pass by its Host header; its port is no matter.

        Raises:
            RequestError: It has another name, or none.
        """
        text = header.decode("latin-1")
        if self._names is not None and plain_host(_PORT.sub("", text)) not in self._names:
            message = (
                f"{text!r} is no name of this server; ask for localhost, "
                "or start it with --allow-host NAME"
            )
            raise RequestError(421, "host_not_allowed", message)


def plain_host(text: str) -> str | None:
    """A name or an address, without a port, as it is compared; None where it is neither.

    >>> plain_host("LocalHost."), plain_host("[0:0::1]"), plain_host("http://a")
    ('localhost', '::1', None)
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return str(ip_address(bare))
    except ValueError:
        return bare.removesuffix(".").lower() if _NAME.fullmatch(bare) else None


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
