"""The server under load: nothing lost, nothing crossed, and how near it is to `decode_many`.

In: the packaged adapters of both dialects, and generated texts, some of them bad on purpose. Out:
benchmarks/results/serve.json: what became of every request, speed against ``decode_many`` of the
same texts in the same run, latencies, memory on the way, and the time from start to healthy.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil

from benchmarks.clients import Answer, Request, ask_all, post
from benchmarks.command import RESULTS, write_report
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.errors import KvrmError, ModelError
from training.arguments import positive_integer
from training.data.lenient import generate_lenient
from training.data.strict import generate_examples
from training.provenance import provenance
from training.texts.strict.words import HELD_OUT_WORDS

DEFAULT_SEED = 818_181
BAD_SHARE = 0.05
DIALECTS = ("strict", "lenient")
FAULTS = ("lost", "crossed", "unexplained")
_EVERY = 1000
_START_S = 120


def draw_requests(count: int, seed: int) -> list[Request]:
    """Requests of both dialects by turns, one text each; of a hundred, five are bad."""
    rng = Random(seed)
    texts: dict[str, Iterator[Any]] = {
        "strict": generate_examples(count, seed, words=HELD_OUT_WORDS),
        "lenient": generate_lenient(count, seed, words=HELD_OUT_WORDS),
    }
    found = []
    for number in range(count):
        dialect = DIALECTS[number % len(DIALECTS)]
        text = next(texts[dialect]).text
        bad = rng.random() < BAD_SHARE
        found.append(_bad(rng, text) if bad else _good(dialect, text))
    return found


def _good(dialect: str, text: str) -> Request:
    body = json.dumps({"texts": [text], "dialect": dialect}).encode()
    return Request(post("/v1/decode", body), text, dialect)


def _bad(rng: Random, text: str) -> Request:
    """One of the ways in which a request can be wrong."""
    whole = {"texts": [text]}
    return rng.choice(
        [
            Request(post("/v1/decode", b'{"texts": ['), expected=400),
            Request(post("/v1/decode", json.dumps({**whole, "text": 1}).encode()), expected=400),
            Request(post("/v1/decode", json.dumps({"texts": [1]}).encode()), expected=400),
            Request(post("/v1/decode", json.dumps({**whole, "isa": "?"}).encode()), expected=404),
            Request(post("/v1/nothing", b"{}"), expected=404),
            Request(post("/v1/decode", b"texts", "text/plain"), expected=415),
        ]
    )


@contextmanager
def serving() -> Iterator[tuple[psutil.Process, int, float]]:
    """``kvrm-grammar serve`` in a process of its own: process, port, seconds until healthy."""
    command = [sys.executable, "-m", "kvrm_grammar", "serve", "--port", "0"]
    with TemporaryDirectory() as folder:
        log = Path(folder, "log")
        started = time.perf_counter()
        with log.open("wb") as stderr:
            child = subprocess.Popen(command, stderr=stderr)
        try:
            port = _healthy(child, log)
            seconds = time.perf_counter() - started
            yield psutil.Process(child.pid), port, seconds
        finally:
            child.terminate()
            child.wait()


def _healthy(child: "subprocess.Popen[bytes]", log: Path) -> int:
    until = time.monotonic() + _START_S
    while child.poll() is None and time.monotonic() < until:
        lines = log.read_text("utf-8").split("\n")[:-1]
        if lines and lines[0].startswith("{"):
            port = int(json.loads(lines[0])["port"])
            try:
                with urlopen(f"http://127.0.0.1:{port}/health"):
                    return port
            except HTTPError:
                pass
        time.sleep(0.02)
    raise ModelError(f"the server did not start: {log.read_text('utf-8')[-500:]}")


def measure(requests: Sequence[Request], clients: int) -> tuple[dict[str, Any], list[Answer]]:
    """Start a server, load it, and look at it on the way."""
    with serving() as (process, port, seconds):
        idle, rows = _resident(process), []
        worked, own_worked = _processor(process), time.process_time()
        started = time.perf_counter()

        def done(count: int) -> None:
            if count % _EVERY == 0 or count == len(requests):
                spent = round(time.perf_counter() - started, 2)
                row = {"requests": count, "seconds": spent, "resident_mib": _resident(process)}
                rows.append(row)

        answers = ask_all(port, requests, clients, done)
        spent = time.perf_counter() - started
        worked = _processor(process) - worked
        own_worked = time.process_time() - own_worked
    latencies = sorted(answer.latency_ms for answer in answers)
    report = {
        "requests": len(requests),
        "clients": clients,
        "start_to_healthy_seconds": round(seconds, 2),
        "seconds": round(spent, 2),
        "requests_per_second": round(len(requests) / spent, 2),
        "latency_ms": {
            name: round(_quantile(latencies, share), 1)
            for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("most", 1.0))
        },
        "processor_seconds": {"server": round(worked, 2), "clients": round(own_worked, 2)},
        "memory_mib": {
            "idle": idle,
            "first_thousand": rows[0]["resident_mib"],
            "last_thousand": rows[-1]["resident_mib"],
        },
        "progress": rows,
    }
    return report, answers


def alone(
    decoders: Mapping[str, Decoder], requests: Sequence[Request]
) -> tuple[dict[str, Any], list[Any]]:
    """The good texts through ``decode_many``: time, and the answers by request."""
    expected: list[Any] = [None] * len(requests)
    seconds = worked = 0.0
    texts = sum(one.text is not None for one in requests)
    for dialect, decoder in decoders.items():
        own = [n for n, one in enumerate(requests) if one.text and one.dialect == dialect]
        [*decoder.decode_many([requests[n].text or "" for n in own[:32]])]  # not counted
        started, before = time.perf_counter(), time.process_time()
        found = [*decoder.decode_many([requests[n].text or "" for n in own])]
        seconds += time.perf_counter() - started
        worked += time.process_time() - before
        for number, decoded in zip(own, found, strict=True):
            expected[number] = decoded.json
    report = {
        "texts": texts,
        "seconds": round(seconds, 2),
        "texts_per_second": round(texts / seconds, 2),
        "processor_seconds": round(worked, 2),
    }
    return report, expected


def judge(
    requests: Sequence[Request], answers: Sequence[Answer], expected: Sequence[str | None]
) -> dict[str, Any]:
    """Count what became of the requests.

    Returns:
        ``lost``: nothing came back. ``crossed``: an answer to another text. ``unexplained``:
        another status than the request deserves, or an error without a code. ``different``:
        another operation than ``decode_many`` of the same text gives, which another batch can
        make of what is nearly a tie.
    """
    counts: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    for request, answer, own in zip(requests, answers, expected, strict=True):
        statuses[answer.status] += 1
        if answer.status == 0:
            counts["lost"] += 1
        elif answer.status != request.expected or not _is_explained(answer):
            counts["unexplained"] += 1
        elif request.text is not None:
            (row,) = answer.body["results"]
            counts["crossed"] += row["raw"] != request.text
            counts["different"] += own is not None and not _is_same(row, own)
    return {
        **{name: counts[name] for name in (*FAULTS, "different")},
        "bad_requests": sum(request.text is None for request in requests),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
    }


def _is_explained(answer: Answer) -> bool:
    return answer.status == 200 or bool(answer.body.get("error", {}).get("code"))


def _is_same(row: Mapping[str, Any], own: str) -> bool:
    return bool(json.loads(own) == {"key": row["key"], "params": row["params"]})


def _ratios(report: dict[str, Any]) -> dict[str, float]:
    """How near the server is to ``decode_many``; the second does not mind what else runs."""
    own = report["decode_many"]
    worked = report["processor_seconds"]["server"]
    return {
        "throughput_ratio": round(own["seconds"] / report["seconds"], 3),
        "processor_ratio": round(own["processor_seconds"] / worked, 3),
    }


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _processor(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _resident(process: psutil.Process) -> float:
    return round(float(process.memory_info().rss) / 2**20, 1)


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=positive_integer, default=20_000)
    parser.add_argument("--clients", type=positive_integer, default=32)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--output", type=Path, default=RESULTS / "serve.json")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code, 1 where a request was lost or crossed."""
    arguments = build_parser().parse_args(argv)
    requests = draw_requests(arguments.count, arguments.seed)
    try:
        report, answers = measure(requests, arguments.clients)
        decoders = {name: Decoder.from_pretrained(dialect=name) for name in DIALECTS}
        origin = provenance(decoders["lenient"], arguments.seed)
        report["decode_many"], expected = alone(decoders, requests)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    counts = judge(requests, answers, expected)
    report |= _ratios(report)
    report = {"provenance": origin, **counts, **report}
    for name in (*FAULTS, "different", "throughput_ratio", "processor_ratio", "latency_ms"):
        print(f"{name}: {report[name]}")
    write_report(report, arguments.output)
    return 1 if any(counts[name] for name in FAULTS) else 0


if __name__ == "__main__":
    sys.exit(main())
