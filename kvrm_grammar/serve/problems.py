"""What a client is told when a request is not answered.

In: what is wrong. Out: :class:`RequestError`, which every module of the server raises, and its
JSON, in the shape that clients of OpenAI's interface know.
"""

from collections.abc import Mapping
from typing import Any

from kvrm_grammar.errors import KvrmError

__all__ = ["RequestError", "as_problem", "queue_full", "too_late"]


class RequestError(Exception):
    """A request that is not answered, and why. Immutable by convention.

    Attributes:
        status: HTTP status.
        code: What a program may look at, such as ``queue_full``.
        message: What a person reads: the value that is wrong, and what to do.
        param: The field of the request that is wrong; None where it is no field.
        retry_after_s: When to come back; None where that would change nothing.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message = status, code, message
        self.param, self.retry_after_s = param, retry_after_s

    def __str__(self) -> str:
        return self.message

    @property
    def kind(self) -> str:
        """Whose fault it is, as OpenAI's interface names it."""
        if self.status == 401:
            return "authentication_error"
        return "invalid_request_error" if self.status < 500 else "server_error"

    @property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }

    @property
    def headers(self) -> Mapping[str, str]:
        """What is sent besides."""
        found = {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}
        return found if self.status != 401 else {**found, "www-authenticate": "Bearer"}


def queue_full(waiting: int, limit: int, retry_after_s: int) -> RequestError:
    """Nothing more may wait."""
    message = f"{waiting} of {limit} texts wait already; try again in {retry_after_s} s"
    return RequestError(503, "queue_full", message, retry_after_s=retry_after_s)


def too_late(seconds: float) -> RequestError:
    """It was not answered in time."""
    message = f"not answered within {seconds:g} s; send fewer texts, or try again"
    return RequestError(504, "timeout", message, retry_after_s=5)


def as_problem(error: KvrmError, param: str | None = None) -> RequestError:
    """An error of the package as a problem of the request, its class's name as the code."""
    status = 400 if isinstance(error, ValueError) else 500
    return RequestError(status, type(error).__name__, str(error), param=param)
