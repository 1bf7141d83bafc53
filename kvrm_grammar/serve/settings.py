"""What a server is told, and the limits that it holds to.

In: options of the command line. Out: :class:`Settings` and :class:`Limits`, which every other
module of the server is handed.
"""

from dataclasses import dataclass, field

from kvrm_grammar.dialects import DIALECTS
from kvrm_grammar.errors import InputError
from kvrm_grammar.serve.hosts import ANY_HOST, plain_host

__all__ = ["KEY_VARIABLE", "Limits", "Settings"]

KEY_VARIABLE = "KVRM_GRAMMAR_API_KEY"
"""The environment variable with the key: what is an option stands in the list of processes."""

_SHORTEST_KEY = 8


@dataclass(frozen=True)
class Limits:
    """What one client, and all of them together, may ask for. Immutable.

    Attributes:
        max_queue: Texts that may wait, at most; what does not fit is refused with 503.
        max_texts: Texts of one request, and instructions of one program, at most.
        max_lines: Lines of a program, those without an instruction too.
        max_posteriors: Texts of one request whose whole distribution is computed, at most.
        max_answers: Answers that a text's own words may allow for that; a pass of the model weighs
            about a hundred, and a text's passes cannot be stopped.
        max_body_bytes: Of a request's body.
        max_requests: Requests that are read or answered at a time.
        window_ms: How long a text waits for others to share a batch with.
        batch_size: Texts of one batch, at most; 8 cost as much for each as 16 do, and are answered
            sooner.
        headers_s: Time for a request's head, from the connection on.
        body_s: Time for a request's body.
        answer_s: Time for the answer, waiting included.
        send_s: How long a client may take hardly anything, some ten kilobytes, of what it was sent.
        keep_alive_s: How long a connection may be silent between two requests.
        stop_s: How long a stop waits for what was accepted.
    """

    max_queue: int = 1024
    max_texts: int = 256
    max_lines: int = 4096
    max_posteriors: int = 16
    max_answers: int = 300
    max_body_bytes: int = 1 << 20
    max_requests: int = 512
    window_ms: float = 3.0
    batch_size: int = 8
    headers_s: float = 10.0
    body_s: float = 10.0
    answer_s: float = 60.0
    send_s: float = 20.0
    keep_alive_s: float = 5.0
    stop_s: float = 90.0

    def __post_init__(self) -> None:
        for name, limit in vars(self).items():
            if not limit > 0:
                raise InputError(f"{name} must be above 0, got {limit}")

    @property
    def texts(self) -> int:
        """Texts that one request can have: what could never wait is no queue's business."""
        return min(self.max_texts, self.max_queue)


@dataclass(frozen=True)
class Settings:
    """What a server is told. Immutable.

    Attributes:
        host: Address to listen on; the default is reached from this machine alone.
        port: 0 for one that is free.
        isa: Name or folder of an instruction set; None for the default one.
        dialects: Which to serve, each with a model of its own; None for all that the set brings an
            adapter for.
        api_key: What requests must bring; None for no key. Never shown.
        allow_hosts: More names that it may be asked for by, without a port; ``*`` for all.
        log_texts: Whether texts are written to the log.
        backend: What runs the models; None for the fastest.
        precision: Of the computation; None for the fastest.
        limits: What may be asked for.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    isa: str | None = None
    dialects: tuple[str, ...] | None = None
    api_key: str | None = field(default=None, repr=False)
    allow_hosts: tuple[str, ...] = ()
    log_texts: bool = False
    backend: str | None = None
    precision: str | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        unknown = [name for name in self.dialects or () if name not in DIALECTS]
        if unknown or self.dialects == ():
            named = repr(unknown[0]) if unknown else "none"
            raise InputError(f"no dialect {named}; choose of {', '.join(DIALECTS)}")
        if self.api_key is not None and len(self.api_key) < _SHORTEST_KEY:
            raise InputError(f"a key has at least {_SHORTEST_KEY} characters; make a longer one")
        for name in self.allow_hosts:
            if name != ANY_HOST and plain_host(name) is None:
                raise InputError(f"no name of a host: {name!r}; leave scheme, port and path out")
