"""The command ``serve``: what it is told, and what it refuses before anything is loaded."""

import socket

import pytest

from kvrm_grammar.cli import serve as command
from kvrm_grammar.serve import server
from kvrm_grammar.serve.settings import KEY_VARIABLE, Settings
from tests.cli.running import run


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What a server would have been told."""
    found: list[Settings] = []
    monkeypatch.setattr(server, "run_server", found.append)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return found


def test_options_become_settings(told: list[Settings]) -> None:
    """Loopback, all dialects and no key by default; each option changes its own."""
    assert run("serve").exit_code == 0
    options = "--port 0 --isa kvrm --dialects lenient --max-queue 9 --log-texts --backend openvino"
    more = ("--api-key", "long enough", "--allow-host", "a.example", "--allow-host", "::2")
    assert run("serve", *options.split(), *more).exit_code == 0
    plain, changed = told
    assert plain == Settings()
    assert (plain.host, plain.port, plain.dialects) == ("127.0.0.1", 8000, None)
    assert (changed.port, changed.isa, changed.dialects) == (0, "kvrm", ("lenient",))
    assert (changed.limits.max_queue, changed.log_texts, changed.backend) == (9, True, "openvino")
    assert (changed.api_key, changed.allow_hosts) == ("long enough", ("a.example", "::2"))


def test_the_key_comes_from_the_environment(
    told: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the list of processes does not show it; then others may reach the server."""
    monkeypatch.setenv(KEY_VARIABLE, "out of sight")
    assert run("serve", "--host", "0.0.0.0").exit_code == 0
    assert told[0].api_key == "out of sight"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--host 0.0.0.0", f"set {KEY_VARIABLE} to a key"),
        ("--host example.org", f"set {KEY_VARIABLE} to a key"),
        ("--dialects other", "no dialect 'other'; choose of strict, lenient"),
        ("--dialects ,", "no dialect none"),
        ("--api-key short", "at least 8 characters"),
        ("--allow-host http://a.example", "no name of a host: 'http://a.example'"),
        ("--max-queue 0", "--max-queue"),
        ("--port 65536", "--port"),
    ],
)
def test_bad_options_are_usage(told: list[Settings], options: str, message: str) -> None:
    """Exit code 2, one line, and nothing is started."""
    done = run("serve", *options.split())
    assert (done.exit_code, told) == (2, [])
    assert message in done.stderr
    assert "short" not in done.stderr


def test_a_port_that_is_taken_is_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told before a model is loaded."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert done.exit_code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_an_unknown_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by the other commands."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    done = run("serve", "--isa", "nothing")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --isa nothing: ") and "Traceback" not in done.stderr


def test_without_the_extra_the_command_says_so(
    told: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which extra, and how to install it."""
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "uvicorn" else object())
    done = run("serve")
    assert (done.exit_code, told) == (3, [])
    assert done.stderr == (
        "error: serve needs the extra 'serve': pip install 'kvrm-grammar[serve]'\n"
    )


def test_help_is_quick() -> None:
    """What the server needs is not imported for the help of others."""
    assert "fastapi" not in vars(command)
    assert run("serve", "--help").exit_code == 0
