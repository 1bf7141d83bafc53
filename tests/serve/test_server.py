"""A server in a process of its own: sockets, slow and leaving clients, signals."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from kvrm_grammar.serve.server import listener
from kvrm_grammar.serve.settings import Settings
from tests.serve.standing import ROOT, WAIT_S, Standing, stand

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

HEAD = b"POST /v1/decode HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


@pytest.fixture(scope="module")
def standing() -> Iterator[Standing]:
    """A server with short limits."""
    with stand(headers_s=0.5, body_s=0.5, max_body_bytes=10_000, keep_alive_s=1) as running:
        yield running


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


def halts(count: int) -> bytes:
    """A whole request with so many texts, on a connection that stays."""
    body = json.dumps({"texts": ["halt"] * count}).encode()
    return HEAD + b"content-length: %d\r\n\r\n" % len(body) + body


def test_clients_at_a_time_get_their_own_answers(standing: Standing) -> None:
    """Sixteen connections with thirty requests each: none is lost, none is crossed."""

    def client(number: int) -> list[bool]:
        found = []
        for turn in range(30):
            target = 1000 * number + turn
            texts = [f"jmp {target}", f"jmp x{target}"]
            status, row = standing.ask("POST", "/v1/decode", {"texts": texts})
            addresses = [one["params"]["addr"] for one in row["results"]]
            found.append(status == 200 and addresses == [target, f"x{target}"])
        return found

    with ThreadPoolExecutor(16) as pool:
        found = [right for answers in pool.map(client, range(16)) for right in answers]
    assert len(found) == 480 and all(found)


def test_a_slow_body_is_refused(standing: Standing) -> None:
    """A body that stops coming is 408, and the connection is closed."""
    with standing.connect() as connection:
        connection.sendall(HEAD + b"content-length: 100\r\n\r\n" + b'{"texts"')
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "body_too_slow"


@pytest.mark.parametrize("beginning", [b"", b"POST /v1/de", HEAD])
def test_a_slow_head_is_closed(standing: Standing, beginning: bytes) -> None:
    """A client that does not say what it wants is not waited for, and costs the others nothing."""
    with standing.connect() as connection:
        connection.sendall(beginning)
        assert standing.ask("GET", "/health")[0] == 200
        assert read_all(connection) == b""


def test_a_slow_second_head_is_closed(standing: Standing) -> None:
    """The same on a connection that was answered before."""
    with standing.connect() as connection:
        connection.sendall(halts(1) + b"POST /v1/dec")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.count(b"HTTP/1.1") == 1


def test_a_huge_body_is_refused(standing: Standing) -> None:
    """413 while it still comes, and no matter whether the client ever stops."""
    with standing.connect() as connection:
        connection.sendall(HEAD + b"content-length: 1000000000\r\n\r\n" + b"x" * 100)
        announced = read_all(connection)
    with standing.connect() as connection:
        connection.sendall(HEAD + b"content-length: 50000\r\n\r\n" + b"x" * 50_000)
        whole = connection.recv(65536)
    for answer in (announced, whole):
        assert answer.startswith(b"HTTP/1.1 413 ")
    assert standing.ask("GET", "/health")[0] == 200


@contextmanager
def unread(
    standing: Standing, behind: bytes = b"", taken: int = 1 << 12
) -> Iterator[socket.socket]:
    """A client that asks for some 20 MB, and for ``behind``, and takes no more than its buffer."""
    body = json.dumps({"texts": ["\u00e9" * 4000] * 40}).encode()
    asked = HEAD + b"content-length: %d\r\n\r\n" % len(body) + body
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, taken)
        connection.settimeout(WAIT_S)
        connection.connect(("127.0.0.1", standing.port))

        def send() -> None:
            with suppress(OSError):
                connection.sendall(asked * 20 + behind)

        with ThreadPoolExecutor(1) as pool:
            pool.submit(send)
            yield connection


def test_a_client_that_takes_nothing_is_cut_off() -> None:
    """It keeps no place: neither by an answer nor by a refusal behind it."""
    refused = b"POST /v1/decode HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with stand(send_s=0.3, max_requests=1) as standing, unread(standing, refused):
        until = time.monotonic() + WAIT_S
        while not any(row.get("route") == "/v1/decode" for row in standing.log):
            assert time.monotonic() < until
            time.sleep(0.05)
        while standing.ask("GET", "/health")[0] != 200:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_a_client_that_takes_nothing_does_not_hold_up_the_end() -> None:
    """It is cut off long before the time that a stop has."""
    with stand(send_s=0.3, stop_s=10 * WAIT_S) as standing, unread(standing):
        until = time.monotonic() + WAIT_S
        while not any(row.get("route") == "/v1/decode" for row in standing.log):
            assert time.monotonic() < until
            time.sleep(0.05)
        standing.process.send_signal(signal.SIGTERM)
        code, log = standing.finish()
    assert code == 0 and log[-1]["event"] == "stopped"


def test_a_slow_reader_gets_all() -> None:
    """Who takes a little at a time is not cut off, however long it takes: five times ``send_s``."""
    with stand(send_s=1) as own, unread(own) as connection:
        found, until = b"", time.monotonic() + 5
        while time.monotonic() < until:
            time.sleep(0.02)
            piece = connection.recv(2048)
            assert piece, "cut off"
            found += piece
    assert found.startswith(b"HTTP/1.1 200 ")


def test_answers_are_sent_at_once() -> None:
    """The socket says that it is TCP, without which small answers wait for the client's system."""
    with listener(Settings(port=0)) as own:
        assert own.proto == socket.IPPROTO_TCP
        assert own.getsockname()[0] == "127.0.0.1"


def test_what_is_no_http_is_refused(standing: Standing) -> None:
    """Bytes of another protocol, and a head that never ends."""
    for noise in (
        b"\x16\x03\x01\x02\x00\x01" * 10 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\na: " + b"x" * 99_999,
    ):
        with standing.connect() as connection:
            connection.sendall(noise)
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert standing.ask("GET", "/health")[0] == 200


def test_a_full_queue_is_told_and_a_leaving_client_frees_it(tmp_path: Path) -> None:
    """503 with a time to come back; the places of one who hangs up are given to others."""
    file = tmp_path / "go"
    with stand(file, max_queue=4, batch_size=1) as standing:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(standing.ask, "POST", "/v1/decode", {"texts": ["jmp 1"]})
            until = time.monotonic() + WAIT_S
            while b"batch_texts_sum 0.0" in metrics(standing):
                assert time.monotonic() < until
            leaving = standing.connect()
            leaving.sendall(halts(4))
            standing.waits(4)
            with standing.connect() as other:
                other.sendall(halts(2))
                refused = b""
                while not refused.endswith(b"}}"):
                    refused += other.recv(65536)
            assert refused.startswith(b"HTTP/1.1 503 ") and b'"queue_full"' in refused
            assert re.search(rb"\r\nretry-after: [1-9][0-9]*\r\n", refused)
            # One in a batch, one that waits, and this question itself.
            assert b"kvrm_grammar_requests_in_flight 3.0" in metrics(standing)
            leaving.close()
            standing.waits(0)
            second = pool.submit(standing.ask, "POST", "/v1/decode", {"texts": ["jmp 3"] * 4})
            standing.waits(4)
            file.touch()
            assert [one["params"]["addr"] for one in first.result()[1]["results"]] == [1]
            assert [one["params"]["addr"] for one in second.result()[1]["results"]] == [3] * 4
        standing.process.send_signal(signal.SIGTERM)
        code, log = standing.finish()
    assert code == 0
    assert {row["status"] for row in log if row.get("route") == "/v1/decode"} == {200, 499, 503}


def metrics(standing: Standing) -> bytes:
    """The text of ``GET /metrics``."""
    with standing.connect() as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return read_all(connection)


def test_too_many_requests_are_told() -> None:
    """503 with a time to come back, while another is still being sent."""
    with stand(max_requests=1) as standing:
        until, refused = time.monotonic() + WAIT_S, b""
        while b'"too_many_requests"' not in refused:  # the second may be there before the first
            assert time.monotonic() < until
            with standing.connect() as first:
                first.sendall(HEAD + b"content-length: 100\r\n\r\n")
                time.sleep(0.05)
                refused = metrics(standing)
        assert refused.startswith(b"HTTP/1.1 503 ") and b"\r\nretry-after: 1\r\n" in refused


def test_a_late_answer_is_told(tmp_path: Path) -> None:
    """504 where a model takes longer than a client should wait; its places are free again."""
    file = tmp_path / "go"
    with stand(file, answer_s=0.3, batch_size=1) as standing:
        status, found = standing.ask("POST", "/v1/decode", {"texts": ["halt"] * 5})
        assert (status, found["error"]["code"]) == (504, "timeout")
        standing.waits(0)
        file.touch()
        assert standing.ask("POST", "/v1/decode", {"texts": ["halt"]})[0] == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """What was accepted is answered, what comes later is refused, and the exit code is 0."""
    file = tmp_path / "go"
    with stand(file, batch_size=1) as standing:
        with ThreadPoolExecutor(12) as pool:
            asked = [
                pool.submit(standing.ask, "POST", "/v1/decode", {"texts": [f"jmp {n}"] * 2})
                for n in range(12)
            ]
            standing.waits(23)
            idle = standing.connect()
            standing.process.send_signal(number)
            assert read_all(idle) == b""  # closed: it had asked nothing
            idle.close()
            with pytest.raises(ConnectionRefusedError):
                standing.connect()
            assert standing.process.poll() is None and not any(one.done() for one in asked)
            file.touch()
            found = [one.result() for one in asked]
        code, log = standing.finish()
    assert [status for status, _ in found] == [200] * 12
    addresses = [[row["params"]["addr"] for row in one["results"]] for _, one in found]
    assert addresses == [[n] * 2 for n in range(12)]
    assert code == 0 and log[-1]["event"] == "stopped"


def test_a_model_that_cannot_be_loaded_ends_the_server() -> None:
    """The reason is raised, behind an orderly end."""
    told = json.dumps({"file": None, "fails": True, "key": None, "limits": {}})
    done = subprocess.run(
        [sys.executable, "-m", "tests.serve.standing", told],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=WAIT_S,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("RuntimeError: no model here")


def test_a_set_without_an_adapter_ends_the_command() -> None:
    """By the command line: one line behind the log, and the exit code of the environment."""
    command = [sys.executable, "-m", "kvrm_grammar", "serve", "--port", "0"]
    done = subprocess.run(
        [*command, "--isa", str(ROOT / "tests/sets/zeta"), "--dialects", "strict"],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=WAIT_S,
    )  # fmt: skip
    *log, last = done.stderr.splitlines()
    assert done.returncode == 3
    assert last.startswith("error: no adapter comes with the strict dialect")
    assert [json.loads(line)["event"] for line in log][-1] == "stopped"
    assert "Traceback" not in done.stderr
