"""In front of every route: key, size, and a log that keeps texts and keys to itself."""

import json
import logging
from typing import Any

import pytest

from kvrm_grammar.errors import InputError
from kvrm_grammar.serve.logs import JsonFormatter, json_log
from kvrm_grammar.serve.settings import Limits, Settings
from tests.serve.answering import FAILING, run, serving

KEY = "correct horse"


def bearer(key: str) -> dict[str, str]:
    """The header with a key."""
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    "headers",
    [{}, bearer(""), bearer("wrong"), bearer(KEY[:-1]), bearer(KEY + "x"), {"authorization": KEY},
     {"authorization": f"Basic {KEY}"}],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/decode", "/v1/programs", "/v1/chat/completions"])
def test_a_wrong_key_is_refused(path: str, headers: dict[str, str]) -> None:
    """Before the body is read, with 401, and without a word of the right one."""

    async def scenario() -> None:
        async with serving(Settings(api_key=KEY)) as (client, _):
            response = await client.post(path, content=b"{" * 10, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        error = response.json()["error"]
        assert (error["type"], error["code"]) == ("authentication_error", "invalid_api_key")
        assert KEY not in response.text

    run(scenario())


def test_the_right_key_is_let_in() -> None:
    """Models, metrics and decoding want the key; health, page and docs do not."""

    async def scenario() -> None:
        async with serving(Settings(api_key=KEY)) as (client, _):
            body = {"texts": ["halt"]}
            right = await client.post("/v1/decode", json=body, headers=bearer(KEY))
            assert right.json()["results"][0]["ok"]
            for path, without in (
                ("/health", 200), ("/", 200), ("/docs", 200), ("/openapi.json", 200),
                ("/page/app.js", 200), ("/metrics", 401), ("/v1/models", 401), ("/nothing", 401),
            ):  # fmt: skip
                assert (await client.get(path)).status_code == without, path
            for path in ("/metrics", "/v1/models"):
                assert (await client.get(path, headers=bearer(KEY))).status_code == 200

    run(scenario())


def test_a_key_is_never_shown() -> None:
    """Not where settings are written; one that is too short to be one is refused."""
    assert KEY not in repr(Settings(api_key=KEY))
    with pytest.raises(InputError, match="at least 8 characters"):
        Settings(api_key="short")


@pytest.mark.parametrize("size", [1001, 5000, 9000])
def test_a_large_body_is_refused(size: int) -> None:
    """Whether its length is announced or not, and however much larger it is."""

    async def pieces() -> Any:
        for _ in range(size // 100 + 1):
            yield b"x" * 100

    async def scenario() -> None:
        headers = {"content-type": "application/json"}
        settings = Settings(limits=Limits(max_body_bytes=1000))
        async with serving(settings) as (client, _):
            told = await client.post("/v1/decode", content=b"x" * size, headers=headers)
            untold = await client.post("/v1/decode", content=pieces(), headers=headers)
            fits = await client.post("/v1/decode", json={"texts": ["halt"]})
        for response in (told, untold):
            assert (response.status_code, response.json()["error"]["code"]) == (
                413,
                "body_too_large",
            )
        assert fits.status_code == 200

    run(scenario())


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "text/plain; application/json", "application/x-www-form-urlencoded",
     "multipart/form-data; boundary=application/json", ""],
)  # fmt: skip
def test_what_is_not_called_json_is_refused(kind: str) -> None:
    """So no form of another site can post here without the browser asking first."""

    async def scenario() -> None:
        async with serving() as (client, _):
            response = await client.post(
                "/v1/decode", content=b'{"texts": ["halt"]}', headers={"content-type": kind}
            )
        assert (response.status_code, response.json()["error"]["code"]) == (415, "not_json")

    run(scenario())


@pytest.mark.parametrize("shows", [False, True])
def test_the_log_has_texts_only_where_asked(shows: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Each request is a line with its status and time; the text only with ``log_texts``."""

    async def scenario() -> None:
        settings = Settings(log_texts=shows, api_key=KEY)
        async with serving(settings) as (client, _):
            body = {"texts": ["jmp secret"]}
            await client.post("/v1/decode", json=body, headers=bearer(KEY))

    with caplog.at_level(logging.INFO, "kvrm_grammar"):
        run(scenario())
    lines = [JsonFormatter().format(record) for record in caplog.records]
    rows = [json.loads(line) for line in lines]
    (row,) = [row for row in rows if row["event"] == "request"]
    assert (row["route"], row["status"], row["texts"]) == ("/v1/decode", 200, 1)
    assert row["duration_ms"] > 0
    assert any("secret" in line for line in lines) == shows
    assert not any(KEY in line for line in lines)


def test_a_fault_is_logged_and_not_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has the traceback, as one line; the client has an identifier to ask about."""

    async def scenario() -> None:
        async with serving() as (client, service):

            async def broken(*_: Any) -> Any:
                raise RuntimeError("a secret of the code")

            monkeypatch.setattr(service, "ask", broken)
            response = await client.post("/v1/decode", json={"texts": ["halt"]})
        assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
        assert "secret" not in response.text and response.headers["x-request-id"]

    run(scenario())
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert any("a secret of the code" in json.loads(line).get("traceback", "") for line in lines)
    assert not any("\n" in line for line in lines)


def test_a_failing_model_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What a model raised is in the log alone."""

    async def scenario() -> None:
        async with serving() as (client, _):
            response = await client.post("/v1/decode", json={"texts": [f"jmp {FAILING}"]})
        assert response.json()["error"]["code"] == "model_failed"

    run(scenario())
    assert any("a secret of the model" in str(record.exc_info) for record in caplog.records)


def test_the_log_is_json_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """For this package and uvicorn, and as it was before afterwards."""
    before = [*logging.getLogger("kvrm_grammar").handlers]
    with json_log():
        logging.getLogger("kvrm_grammar.serve").info("one", extra={"fields": {"n": 1}})
        logging.getLogger("uvicorn.error").warning("two %s", "2")
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(row["event"], row.get("n")) for row in rows] == [("one", 1), ("two 2", None)]
    assert logging.getLogger("kvrm_grammar").handlers == before


@pytest.mark.parametrize("limits", [{"max_queue": 0}, {"window_ms": -1}, {"answer_s": 0}])
def test_limits_are_above_zero(limits: dict[str, Any]) -> None:
    """The error names the one that is not."""
    with pytest.raises(InputError, match=next(iter(limits))):
        Limits(**limits)


@pytest.mark.parametrize("dialects", [(), ("strict", "other")])
def test_dialects_exist(dialects: tuple[str, ...]) -> None:
    """An unknown one, or none, is told before anything is loaded."""
    with pytest.raises(InputError, match="choose of strict, lenient"):
        Settings(dialects=dialects)
