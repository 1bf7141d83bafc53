"""Pages of other sites: one whose name leads here is refused, and none gets the browser's leave."""

from typing import Any

import pytest

from kvrm_grammar.errors import InputError
from kvrm_grammar.serve.hosts import Hosts
from kvrm_grammar.serve.problems import RequestError
from kvrm_grammar.serve.settings import Settings
from tests.serve.answering import run, serving

KEY = "correct horse"
OWN = ("localhost", "localhost:8000", "LOCALHOST.:1", "127.0.0.1:80", "[::1]", "[0:0::1]:8000")
OTHERS = (
    "evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example",
    "evil-localhost", "localhost@evil.example", "evil.example#localhost", "localhost:a",
    "[::2]:8000", "192.168.1.2:8000", "0.0.0.0", "::1", "", ":8000", "localhost, localhost",
)  # fmt: skip
PATHS = ("/", "/page/app.js", "/docs", "/health", "/metrics", "/v1/models", "/nothing")


def is_answered(hosts: Hosts, header: str) -> bool:
    """Whether a Host header is let pass."""
    try:
        hosts.check(header.encode("latin-1"))
    except RequestError as problem:
        assert problem.status == 421 and repr(header) in problem.message
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
@pytest.mark.parametrize("has_key", [False, True])
def test_on_a_loopback_its_names_are_answered(host: str, has_key: bool) -> None:
    """With any port, in any case; no other name is, with a key or without."""
    hosts = Hosts(host, has_key=has_key)
    assert [one for one in OWN if not is_answered(hosts, one)] == []
    assert [one for one in OTHERS if is_answered(hosts, one)] == []


def test_its_own_address_is_answered() -> None:
    """The one that ``--host`` names."""
    assert is_answered(Hosts("127.0.0.2"), "127.0.0.2:8000")
    assert not is_answered(Hosts("127.0.0.1"), "127.0.0.2:8000")


def test_more_names_are_allowed() -> None:
    """Those that are told, beside its own; a star is all of them."""
    hosts = Hosts("127.0.0.1", ["Decode.example", "::2"])
    for name in (*OWN, "decode.example", "DECODE.EXAMPLE.:443", "[::2]:8000"):
        assert is_answered(hosts, name)
    assert not any(is_answered(hosts, one) for one in ("evil.example", "a.decode.example"))
    assert all(is_answered(Hosts("127.0.0.1", ["*"]), one) for one in OTHERS)


def test_others_reach_it_by_any_name_with_a_key() -> None:
    """A page does not know the key; names that are told narrow it, and its own stay."""
    assert all(is_answered(Hosts("0.0.0.0", has_key=True), one) for one in (*OWN, *OTHERS))
    for hosts in (Hosts("0.0.0.0", ["a.example"], has_key=True), Hosts("0.0.0.0", ["a.example"])):
        assert all(is_answered(hosts, one) for one in (*OWN, "a.example:8000"))
        assert not is_answered(hosts, "evil.example")
    assert not is_answered(Hosts("0.0.0.0"), "evil.example")


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_another_name_gets_nothing(path: str) -> None:
    """No route, open or not, answers it but with the reason; each is counted."""

    async def scenario() -> None:
        async with serving() as (client, service):
            response = await client.get(path, headers={"host": "evil.example:8000"})
            assert response.status_code == 421 and response.headers["x-request-id"]
            error = response.json()["error"]
            assert (error["type"], error["code"]) == ("invalid_request_error", "host_not_allowed")
            assert "'evil.example:8000'" in error["message"] and "--allow-host" in error["message"]
            told = await client.get(path, headers={"host": "127.0.0.1:8000"})
            assert told.status_code == (404 if path == "/nothing" else 200)
            assert 'route="other",status="421"} 1.0' in service.metrics.text().decode()

    run(scenario())


def test_a_name_is_asked_for_before_the_key_and_the_body() -> None:
    """A request that is wrong in every way is told of its name."""

    async def scenario() -> None:
        async with serving(Settings(api_key=KEY)) as (client, _):
            headers = {"host": "evil.example", "content-type": "text/plain"}
            response = await client.post("/v1/decode", content=b"{", headers=headers)
            assert response.status_code == 421

    run(scenario())


@pytest.mark.parametrize("settings", [Settings(), Settings(host="0.0.0.0", api_key=KEY)])
def test_no_other_site_has_leave(settings: Settings) -> None:
    """A browser that asks first is given none; what it sends unasked gets no header to read by."""
    site: dict[str, Any] = {"origin": "https://evil.example"}
    asking = {
        **site,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, authorization",
    }

    async def scenario() -> None:
        async with serving(settings) as (client, service):
            found = [
                await client.options("/v1/decode", headers=asking),
                await client.get("/health", headers=site),
                await client.get("/v1/models", headers=site),
                await client.post("/v1/decode", content=b'{"texts": ["halt"]}', headers=site),
                await client.post("/v1/decode", data={"texts": "halt"}, headers=site),
            ]
            assert service.engine.waiting == 0
        assert found[0].status_code in (401, 405)
        assert [one.status_code for one in found[3:]] == [401 if settings.api_key else 415] * 2
        for response in found:
            assert not [name for name in response.headers if name.startswith("access-control")]

    run(scenario())


@pytest.mark.parametrize(
    "name", ["http://a.example", "a.example:80", "a/b", "", "*.example", "a b"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    """Before anything is loaded: it would never be what a request asks for."""
    with pytest.raises(InputError, match="no name of a host"):
        Settings(allow_hosts=("good.example", name))
