"""The page's files and the docs: complete, and nothing of them from another host."""

import re
from pathlib import Path

import pytest

import kvrm_grammar
from tests.serve.answering import run, serving

FOLDER = Path(kvrm_grammar.__file__).parent / "serve" / "page"
FILES = sorted(path.name for path in FOLDER.iterdir())
ELSEWHERE = re.compile(
    r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z0-9.-]+\.[a-z]{2,}", re.IGNORECASE
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def test_nothing_refers_to_another_host() -> None:
    """No script, style, picture or font, and no style or script within the page itself."""
    assert {"app.js", "index.html", "style.css"} <= {*FILES}
    for name in FILES:
        text = (FOLDER / name).read_text("utf-8")
        assert not ELSEWHERE.search(text), name
    assert ELSEWHERE.search('<script src="https://cdn.example.org/a.js">')
    page = (FOLDER / "index.html").read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", page)


@pytest.mark.parametrize("path", ["/", "/docs", *(f"/page/{name}" for name in FILES)])
def test_a_file_is_served_under_a_strict_policy(path: str) -> None:
    """With its type, and with headers that keep it to this server."""

    async def scenario() -> None:
        async with serving() as (client, _):
            response = await client.get(path)
        assert response.status_code == 200 and response.content
        assert response.headers["content-security-policy"] == POLICY
        assert response.headers["x-content-type-options"] == "nosniff"
        kind = response.headers["content-type"]
        assert kind.startswith(("text/html", "text/css", "text/javascript", "image/svg+xml"))

    run(scenario())


@pytest.mark.parametrize(
    "path", ["/page/", "/page/none.js", "/page/..%2fapp.py", "/page/../app.py", "/page/%2e%2e"]
)
def test_no_other_file_is_served(path: str) -> None:
    """What lies beside the page's folder is not to be had."""

    async def scenario() -> None:
        async with serving() as (client, _):
            response = await client.get(path)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")

    run(scenario())


def test_the_docs_name_every_route_and_field() -> None:
    """As the OpenAPI description has them; what a request is answered with when it is wrong too."""

    async def scenario() -> None:
        async with serving() as (client, _):
            text = (await client.get("/docs")).text
            described = (await client.get("/openapi.json")).json()
        assert not ELSEWHERE.search(text)
        assert len(described["paths"]) >= 7
        for path, methods in described["paths"].items():
            for method, route in methods.items():
                assert f"{method.upper()} {path}" in text
                assert "422" not in route["responses"]
        for field in ("texts", "min_confidence", "alternatives", "source", "response_format"):
            assert f"<code>{field}</code>" in text

    run(scenario())
