"""An installed ``kvrm-grammar serve``, with no source folder in reach.

``python -m tests.serve.installed COMMAND`` starts it from ``/`` on a free port, waits until it is
healthy, asks for the page and for one text, and stops it; exit code 0 is that all of it went well.
`make wheel-check` does it.
"""

import signal
import sys
from pathlib import Path
from urllib.request import urlopen

from tests.serve.standing import WAIT_S, started


def main(command: str) -> None:
    """Serve, ask, stop; an assertion says what went wrong."""
    serve = [str(Path(command).absolute()), "serve", "--port", "0", "--dialects", "strict"]
    with started(serve, {"PYTHONPATH": ""}, folder=Path("/")) as standing:
        status, found = standing.ask("POST", "/v1/decode", {"texts": ["sub r5 r3 r1"]})
        assert (status, found["results"][0]["key"]) == (200, "OP_SUB"), found
        for path in ("/", "/page/app.js", "/docs"):
            with urlopen(f"http://127.0.0.1:{standing.port}{path}", timeout=WAIT_S) as page:
                assert page.status == 200 and page.read(), path
        standing.process.send_signal(signal.SIGTERM)
        code, log = standing.finish()
    assert (code, log[-1]["event"]) == (0, "stopped"), log
    print(f"{command} serve: healthy, answered, stopped")


if __name__ == "__main__":
    main(sys.argv[1])
