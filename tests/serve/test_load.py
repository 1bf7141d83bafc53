"""benchmarks/serve.py: what it sends, what it counts, on a server whose models never err."""

import dataclasses
import sys
from collections import Counter

import pytest

from benchmarks.clients import Answer, Request, ask_all
from benchmarks.serve import draw_requests, judge
from tests.serve.standing import stand


def test_requests_are_drawn_by_seed() -> None:
    """The same seed, the same bytes; both dialects by halves, one in twenty bad, in many ways."""
    drawn = draw_requests(400, 1)
    assert draw_requests(400, 1) == drawn != draw_requests(400, 2)
    bad = [one for one in drawn if one.text is None]
    assert 8 <= len(bad) <= 40
    assert {one.expected for one in bad} == {400, 404, 415}
    dialects = Counter(one.dialect for one in drawn if one.text is not None)
    assert abs(dialects["strict"] - dialects["lenient"]) < 40


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_load_of_mixed_requests_is_answered_whole() -> None:
    """32 clients: nothing lost, crossed or unexplained, and every bad request has its status."""
    requests = draw_requests(600, 1)
    counted: list[int] = []
    with stand() as standing:
        answers = ask_all(standing.port, requests, 32, counted.append)
    found = judge(requests, answers, [None] * len(requests))
    assert (found["lost"], found["crossed"], found["unexplained"]) == (0, 0, 0)
    assert counted == [*range(1, 601)]
    expected = Counter(str(one.expected) for one in requests)
    assert found["statuses"] == dict(sorted(expected.items()))
    assert found["bad_requests"] == sum(one.text is None for one in requests) > 10


def test_every_fault_is_counted() -> None:
    """An answer that is missing, another's, of another status, without a code, or another one."""
    row = {"raw": "halt", "key": "OP_HALT", "params": {}}
    good = Answer(200, {"results": [row]}, 1.0)
    request = Request(b"", "halt")
    bad = Request(b"", expected=400)
    answers = [
        good,
        Answer(0, None, 1.0),
        Answer(200, {"results": [{**row, "raw": "nop"}]}, 1.0),
        dataclasses.replace(good, status=500, body={"error": {"code": "x"}}),
        good,
        Answer(400, {"error": {"code": "x"}}, 1.0),
        Answer(400, {}, 1.0),
    ]
    requests = [request] * 5 + [bad] * 2
    own = '{"key":"OP_HALT","params":{}}'
    found = judge(requests, answers, [own] * 4 + ['{"key":"OP_NOP","params":{}}', None, None])
    counts = {name: found[name] for name in ("lost", "crossed", "unexplained", "different")}
    assert counts == {"lost": 1, "crossed": 1, "unexplained": 2, "different": 1}
