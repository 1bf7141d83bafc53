"""The server's log: one JSON object a line, on standard error.

In: log records of this package and of uvicorn. Out: lines with ``time``, ``severity``, ``event``,
and what the record brings in ``extra={"fields": …}``. No text of a request is in it unless the
settings say so, and never a key.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

__all__ = ["JsonFormatter", "json_log"]

_LOGGERS = ("kvrm_grammar", "uvicorn")


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; what JSON does not know is written as text."""
        row = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            row["traceback"] = self.formatException(record.exc_info)
        return json.dumps(row, default=str)


@contextmanager
def json_log(level: int = logging.INFO) -> Iterator[None]:
    """Send the log of this package and of uvicorn to standard error, and nowhere else."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(one.handlers[:], one.level, one.propagate) for one in loggers]
    for one in loggers:
        one.handlers[:], one.propagate = [handler], False
        one.setLevel(level)
    try:
        yield
    finally:
        for one, (handlers, old, propagate) in zip(loggers, before, strict=True):
            one.handlers[:], one.propagate = handlers, propagate
            one.setLevel(old)
