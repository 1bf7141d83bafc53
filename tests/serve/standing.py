"""A server in a process of its own, around models that never err, and ways to talk to it.

``python -m tests.serve.standing`` serves; its argument is JSON: the limits, and a file that the
models wait for before each batch.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kvrm_grammar.serve.app import make_service
from kvrm_grammar.serve.models import Catalog, Model
from kvrm_grammar.serve.server import run_service
from kvrm_grammar.serve.settings import KEY_VARIABLE, Limits, Settings
from tests.serve.answering import FakeModel

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 120  # for what is quick where nothing else runs


class HeldModel(FakeModel):
    """Waits before each batch until a file is there."""

    def __init__(self, dialect: Any, file: Path | None) -> None:
        super().__init__(dialect)
        self._file = file

    def decode(self, texts: Any, min_confidence: float) -> Any:
        while self._file is not None and not self._file.exists():
            time.sleep(0.005)
        return super().decode(texts, min_confidence)


def main(argument: str) -> None:
    """Serve until a signal."""
    told = json.loads(argument)
    file = None if told["file"] is None else Path(told["file"])

    def load(catalog: Catalog) -> Mapping[str, Model]:
        if told["fails"]:
            raise RuntimeError("no model here")
        # The warm-up is not held: the file is asked for from the first request on.
        models = {name: HeldModel(one, None) for name, one in catalog.dialects.items()}
        held.extend(models.values())
        return models

    held: list[HeldModel] = []
    service = make_service(
        Settings(port=0, api_key=told["key"], limits=Limits(**told["limits"])), load
    )
    ready = service.open

    async def open_held() -> None:
        await ready()
        for model in held:
            model._file = file

    service.open = open_held  # type: ignore[method-assign]
    run_service(service)


@dataclass
class Standing:
    """A server that is running, and its log so far."""

    process: "subprocess.Popen[bytes]"
    port: int
    stderr: Path

    @property
    def log(self) -> list[dict[str, Any]]:
        """Every line that is written whole."""
        return [json.loads(line) for line in self.stderr.read_bytes().split(b"\n")[:-1]]

    def connect(self) -> socket.socket:
        """A connection of bytes."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of one request, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        headers = {"content-type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        found = response.status, json.loads(response.read())
        connection.close()
        return found

    def waits(self, count: int) -> None:
        """Until so many texts wait, those in a batch not counted."""
        until = time.monotonic() + WAIT_S
        while self.ask("GET", "/health")[1]["waiting"] != count:
            assert time.monotonic() < until
            time.sleep(0.01)

    def finish(self) -> tuple[int, list[dict[str, Any]]]:
        """Exit code, and the whole log."""
        return self.process.wait(WAIT_S), self.log


@contextmanager
def started(
    command: list[str], environment: Mapping[str, str] | None = None, *, folder: Path = ROOT
) -> Iterator[Standing]:
    """Start a server in a folder, wait until it listens and is warm, and end it."""
    own = {name: text for name, text in os.environ.items() if name != KEY_VARIABLE}
    with TemporaryDirectory() as kept:
        # A file: a pipe that nobody reads would be full after some hundred requests.
        log = Path(kept, "stderr")
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                stderr=stderr,
                cwd=folder,
                env={**own, "PYTHONPATH": str(ROOT), **(environment or {})},
            )
        try:
            yield _warm(process, log)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def _warm(process: "subprocess.Popen[bytes]", log: Path) -> Standing:
    """The server once it answers."""
    until = time.monotonic() + WAIT_S
    standing = Standing(process, 0, log)
    while True:
        assert process.poll() is None and time.monotonic() < until, log.read_text("utf-8")
        standing.port = standing.log[0]["port"] if standing.log else 0
        if standing.port and standing.ask("GET", "/health")[0] == 200:
            return standing
        time.sleep(0.05)


def stand(
    file: Path | None = None, *, key: str | None = None, **limits: float
) -> AbstractContextManager[Standing]:
    """A server of models that never err, and wait for a file where one is named."""
    told = json.dumps(
        {"file": None if file is None else str(file), "fails": False, "key": key, "limits": limits}
    )
    return started([sys.executable, "-m", "tests.serve.standing", told])


if __name__ == "__main__":
    main(sys.argv[1])
