"""Pages of other sites in a real Chromium: they neither read answers nor have texts decoded."""

import signal
import sys
from collections.abc import Iterator

import pytest

from tests.serve.page.chromium import COMMAND, PACKAGE, Browser, browsing
from tests.serve.standing import stand

pytestmark = [
    pytest.mark.skipif(COMMAND is None, reason=f"no Chromium: install the package {PACKAGE}"),
    pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX"),
]

REBOUND = "rebound.example"
FETCH = """
fetch("http://127.0.0.1:{port}/v1/decode", {{
  method: "POST", body: '{{"texts": ["halt"]}}', mode: "{mode}",
  headers: {{"content-type": "{kind}"}}
}}).then((answer) => answer.type, (error) => error.name)
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser to which another name is this machine."""
    with browsing(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1") as running:
        yield running


def show(browser: Browser, url: str, words: str) -> None:
    """Go to a page that needs no script."""
    browser.call("Page.navigate", url=url)
    browser.wait(f"document.body?.innerText.includes({words!r})")


def test_a_name_that_was_bound_anew_is_refused(chromium: Browser) -> None:
    """The browser takes the server for that site, and shows nothing but the refusal."""
    with stand() as standing:
        show(chromium, f"http://{REBOUND}:{standing.port}/", "host_not_allowed")
        assert "<script" not in chromium.evaluate("document.documentElement.innerHTML")
        standing.process.send_signal(signal.SIGTERM)
        _, log = standing.finish()
    rows = [row for row in log if row["event"] == "request"]
    assert {row["route"]: row["status"] for row in rows} == {"/health": 200, "other": 421}


def test_a_page_of_another_origin_is_not_answered(chromium: Browser) -> None:
    """What it may send unasked is refused, and what the browser asks first for is not sent."""
    with stand() as standing:
        show(chromium, f"http://localhost:{standing.port}/openapi.json", "kvrm-grammar")
        found = [
            chromium.evaluate(FETCH.format(port=standing.port, kind=kind, mode=mode))
            for kind, mode in (
                ("text/plain", "no-cors"), ("text/plain", "cors"), ("application/json", "cors")
            )
        ]  # fmt: skip
        standing.process.send_signal(signal.SIGTERM)
        _, log = standing.finish()
    rows = [row for row in log if row.get("method") in ("POST", "OPTIONS")]
    assert found == ["opaque", "TypeError", "TypeError"]
    statuses = [(row["method"], row["status"]) for row in rows]
    assert statuses == [("POST", 415), ("POST", 415), ("OPTIONS", 405)]
