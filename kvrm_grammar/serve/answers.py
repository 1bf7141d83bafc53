"""A response of JSON in ASCII alone.

In: what is to be sent. Out: a response. A text may hold half a UTF-16 pair, which a client can send
as an escape and UTF-8 cannot carry: it goes back as it came.
"""

import json
from typing import Any

from starlette.responses import JSONResponse

__all__ = ["JsonAnswer"]


class JsonAnswer(JSONResponse):
    """JSON in ASCII. Immutable by convention."""

    def render(self, content: Any) -> bytes:
        """Write it; a number that JSON does not have is an error."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
