"""The routes: what goes in, what comes out, and what is said of bad input."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from kvrm_grammar.isa import load_set
from kvrm_grammar.language.formats import json_schema
from kvrm_grammar.serve.models import Catalog, Model
from kvrm_grammar.serve.settings import Limits, Settings
from tests.serve.answering import FAILING, UNSURE, UNWEIGHED, FakeModel, answered, run, serving

HALT = {"key": "OP_HALT", "params": {}}


async def posted(client: httpx2.AsyncClient, path: str, body: Any) -> tuple[int, Any]:
    """Status and JSON of a POST."""
    return await answered(client, "POST", path, json=body)


def test_texts_are_answered_in_order() -> None:
    """An operation, a refusal with its reason, and an error of a class, each in its place."""

    async def scenario() -> None:
        texts = ["sub r5 r3 r1", "add r1 r2", "x" * 300]
        async with serving() as (client, _):
            status, found = await posted(client, "/v1/decode", {"texts": texts})
        assert (status, found["model"]) == (200, "kvrm-strict")
        good, refused, failed = found["results"]
        assert good == {
            "id": 1, "ok": True, "key": "OP_SUB", "reason": None, "error": None,
            "params": {"dest": "R5", "src1": "R3", "src2": "R1"},
            "raw": texts[0], "confidence": 0.99,
        }  # fmt: skip
        assert (refused["ok"], refused["key"]) == (False, "OP_INVALID")
        assert refused["reason"] == "ADD takes 3 operands, got 2" and refused["error"] is None
        assert (failed["ok"], failed["key"], failed["reason"]) == (False, None, None)
        assert failed["error"]["type"] == "LineTooLongError"
        assert "300 characters" in failed["error"]["message"]

    run(scenario())


def test_labels_become_addresses() -> None:
    """A label that is given is an address; one that is not is that text's error."""

    async def scenario() -> None:
        body = {"texts": ["jmp loop", "jmp away"], "labels": {"loop": 3}}
        async with serving() as (client, _):
            _, found = await posted(client, "/v1/decode", body)
        known, unknown = found["results"]
        assert (known["ok"], known["params"]) == (True, {"addr": 3})
        assert unknown["error"] == {
            "type": "UnknownLabelError",
            "message": "Unknown label: 'away'",
        }

    run(scenario())


def test_alternatives_and_posterior_are_added_where_asked() -> None:
    """Probabilities of whole answers and of each field; the reason where there are none."""

    async def scenario() -> None:
        texts = ["dec r1", f"jmp {UNWEIGHED}", "x" * 300]
        body = {"texts": texts, "alternatives": 1, "posterior": True}
        async with serving() as (client, _):
            _, found = await posted(client, "/v1/decode", body)
            _, plain = await posted(client, "/v1/decode", {"texts": texts})
        first, unweighed, failed = found["results"]
        answer = {"key": "OP_DEC", "params": {"dest": "R1"}, "probability": 0.75}
        assert first["alternatives"] == [answer]
        assert first["posterior"]["best"] == answer
        assert first["posterior"]["fields"]["key"] == {"OP_DEC": 0.75, "OP_INVALID": 0.25}
        assert first["posterior"]["fields"]["dest"] == {"R1": 0.75}
        assert unweighed["ok"] and unweighed["alternatives"] is None
        assert unweighed["posterior_error"]["type"] == "LimitError"
        assert failed["error"]["type"] == "LineTooLongError" and failed["posterior"] is None
        assert not {"alternatives", "posterior"} & {
            name for row in plain["results"] for name in row
        }

    run(scenario())


def test_what_is_uncertain_is_refused() -> None:
    """With ``min_confidence`` a less probable answer is OP_INVALID, with its probability."""

    async def scenario() -> None:
        body = {"texts": [f"jmp {UNSURE}"], "min_confidence": 0.9, "dialect": "lenient"}
        async with serving() as (client, _):
            _, found = await posted(client, "/v1/decode", body)
        (row,) = found["results"]
        assert found["model"] == "kvrm-lenient"
        assert (row["key"], row["reason"], row["confidence"]) == ("OP_INVALID", "uncertain", 0.5)

    run(scenario())


def test_a_program_is_assembled() -> None:
    """Comments and labels are understood; addresses, lines and reasons are told."""

    async def scenario() -> None:
        source = "; count down\nagain: dec r1\njnz again\n\nadd r1\nhalt"
        async with serving() as (client, _):
            status, found = await posted(client, "/v1/programs", {"source": source})
        assert (status, found["ok"], found["labels"]) == (200, False, {"again": 0})
        rows = found["instructions"]
        assert [(row["address"], row["line"]) for row in rows] == [(0, 2), (1, 3), (2, 5), (3, 6)]
        assert [row["ok"] for row in rows] == [True, True, False, True]
        assert rows[1]["params"] == {"addr": 0}
        assert rows[2]["reason"].startswith("ADD takes 3 operands")
        assert rows[0]["confidence"] == 0.99

    run(scenario())


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("a: nop\na: halt", "ProgramError", "'a' is defined in line 1 and again in line 2"),
        ("jmp nowhere", "UnknownLabelError", "'nowhere' in line 1"),
        ("nop\n" + "x" * 300, "ProgramError", "line 2: line has 300 characters"),
    ],
)
def test_a_program_that_does_not_hold_together_is_told(source: str, code: str, words: str) -> None:
    """The error's class, and the line."""

    async def scenario() -> None:
        async with serving() as (client, _):
            status, found = await posted(client, "/v1/programs", {"source": source})
        assert (status, found["error"]["code"]) == (400, code)
        assert words in found["error"]["message"] and found["error"]["param"] == "source"

    run(scenario())


def test_a_program_of_no_instruction_is_one() -> None:
    """Nothing to decode asks no model."""

    async def scenario() -> None:
        async with serving() as (client, _):
            status, found = await posted(client, "/v1/programs", {"source": "; nothing\n"})
        assert (status, found["ok"], found["instructions"]) == (200, True, [])

    run(scenario())


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "param"),
    [
        ("/v1/decode", {"texts": []}, 400, "invalid_body", "texts"),
        ("/v1/decode", {"texts": "halt"}, 400, "invalid_body", "texts"),
        ("/v1/decode", {"texts": [5]}, 400, "invalid_body", "texts.0"),
        ("/v1/decode", {}, 400, "invalid_body", "texts"),
        ("/v1/decode", [], 400, "invalid_body", None),
        ("/v1/decode", {"texts": ["halt"], "text": 1}, 400, "invalid_body", "text"),
        ("/v1/decode", {"texts": ["halt"], "min_confidence": 2}, 400, "invalid_body",
         "min_confidence"),
        ("/v1/decode", {"texts": ["halt"], "alternatives": -1}, 400, "invalid_body",
         "alternatives"),
        ("/v1/decode", {"texts": ["halt"], "labels": {"a": "b"}}, 400, "invalid_body", "labels.a"),
        ("/v1/decode", {"texts": ["halt"], "dialect": "other"}, 404, "dialect_not_found",
         "dialect"),
        ("/v1/decode", {"texts": ["halt"], "isa": "rv32im"}, 404, "isa_not_found", "isa"),
        ("/v1/decode", {"texts": ["halt"] * 5}, 413, "too_many_texts", "texts"),
        ("/v1/decode", {"texts": ["halt"] * 3, "posterior": True}, 413, "too_many_texts", "texts"),
        ("/v1/programs", {"source": "halt\n" * 5}, 413, "too_many_texts", "source"),
        ("/v1/programs", {"source": "\n" * 50}, 413, "too_many_texts", "source"),
        ("/v1/programs", {"source": "halt", "max_cycles": 0}, 400, "invalid_body",
         "max_cycles"),
        ("/v1/programs", {"source": "\n".join([f"jmp {FAILING}", f"{FAILING}: nop"])}, 500,
         "model_failed", None),
        ("/v1/nothing", {}, 404, "not_found", None),
        ("/health", {}, 405, "method_not_allowed", None),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_json(
    path: str, body: Any, status: int, code: str, param: str | None
) -> None:
    """Status, code and field say what is wrong; the message is a sentence, never a traceback."""

    async def scenario() -> None:
        settings = Settings(limits=Limits(max_texts=4, max_posteriors=2, max_lines=40))
        async with serving(settings) as (client, _):
            found_status, found = await posted(client, path, body)
        error = found["error"]
        assert (found_status, error["code"], error["param"]) == (status, code, param)
        assert error["message"] and "Traceback" not in error["message"]
        kind = "invalid_request_error" if status < 500 else "server_error"
        assert error["type"] == kind

    run(scenario())


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b"\xff", b'{"texts": ["halt"], "isa": NaN}', b"[" * 100_000, b"9" * 100_000],
    ids=len,
)
def test_what_is_no_json_is_told(content: bytes) -> None:
    """A body that cannot be read as JSON is the client's fault."""

    async def scenario() -> None:
        headers = {"content-type": "application/json"}
        async with serving() as (client, _):
            status, found = await answered(
                client, "POST", "/v1/decode", content=content, headers=headers
            )
        assert (status, found["error"]["code"]) == (400, "invalid_body")

    run(scenario())


def test_strange_texts_are_texts() -> None:
    """Controls, other scripts and half characters are refused by the model, not by the server."""

    async def scenario() -> None:
        texts = ["\x00", "прыг", "<|im_end|>", "", "\n"]
        body = json.dumps({"texts": [*texts, "\ud800"]})
        headers = {"content-type": "application/json"}
        async with serving() as (client, _):
            status, found = await answered(
                client, "POST", "/v1/decode", content=body, headers=headers
            )
        assert status == 200
        assert [row["raw"] for row in found["results"]] == [*texts, "\ud800"]
        assert not any(row["ok"] for row in found["results"])

    run(scenario())


def test_of_a_text_that_is_too_long_the_beginning_comes_back() -> None:
    """What a client sends it knows; the answer to 256 such texts is no larger for them."""

    async def scenario() -> None:
        text = "".join(map(str, range(3000)))
        async with serving() as (client, _):
            status, found = await posted(client, "/v1/decode", {"texts": [text]})
        assert status == 200
        assert found["results"][0]["raw"] == text[:4096] != text
        assert found["results"][0]["error"]["type"] == "LineTooLongError"

    run(scenario())


def test_health_waits_for_the_models() -> None:
    """503 with a time to come back until they are warm; meanwhile nothing is decoded."""
    loaded: list[FakeModel] = []

    def load(catalog: Catalog) -> Mapping[str, Model]:
        loaded.extend(FakeModel(dialect) for dialect in catalog.dialects.values())
        return dict(zip(catalog.dialects, loaded, strict=True))

    async def scenario() -> None:
        async with serving(is_open=False, load=load) as (client, service):
            before = await client.get("/health")
            assert loaded == []
            refused = await client.post("/v1/decode", json={"texts": ["halt"]})
            models = await client.get("/v1/models")
            await service.open()
            # Warm: each model has decoded and weighed before anybody is let in.
            assert len(loaded) == 2
            assert all(set(model.calls) == {"decode", "weigh"} for model in loaded)
            after = await client.get("/health")
        assert (before.status_code, before.json()["status"]) == (503, "loading")
        assert before.headers["retry-after"] == "1"
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "loading")
        assert "retry-after" in refused.headers
        assert models.status_code == 200
        assert (after.status_code, after.json()["status"]) == (200, "ok")

    run(scenario())


def test_metrics_count_what_happened() -> None:
    """Requests by route and status, texts by outcome, batches and time."""

    async def scenario() -> None:
        async with serving() as (client, _):
            await posted(client, "/v1/decode", {"texts": ["halt", "add r1", "x" * 300]})
            await posted(client, "/v1/decode", {})
            await client.get("/made/up/12345")
            text = (await client.get("/metrics")).text
        for line in (
            'kvrm_grammar_requests_total{route="/v1/decode",status="200"} 1.0',
            'kvrm_grammar_requests_total{route="/v1/decode",status="400"} 1.0',
            'kvrm_grammar_requests_total{route="other",status="404"} 1.0',
            'kvrm_grammar_texts_total{model="kvrm-strict",outcome="answered"} 1.0',
            'kvrm_grammar_texts_total{model="kvrm-strict",outcome="refused"} 1.0',
            'kvrm_grammar_texts_total{model="kvrm-strict",outcome="error"} 1.0',
            'kvrm_grammar_request_seconds_count{route="/v1/decode"} 2.0',
            "kvrm_grammar_batch_texts_sum 3.0",
            "kvrm_grammar_queue_texts 0.0",
            "kvrm_grammar_ready 1.0",
        ):
            assert line in text.splitlines()
        assert "12345" not in text

    run(scenario())


def test_models_name_themselves_and_their_schema() -> None:
    """Each dialect is a model; one that is asked for brings the schema of its answers."""

    async def scenario() -> None:
        async with serving(Settings(dialects=("lenient",))) as (client, _):
            _, found = await answered(client, "GET", "/v1/models")
            _, one = await answered(client, "GET", "/v1/models/kvrm-lenient")
            status, missing = await answered(client, "GET", "/v1/models/kvrm-strict")
        assert [model["id"] for model in found["data"]] == ["kvrm-lenient"]
        assert (one["dialect"], one["json_schema"]) == ("lenient", json_schema(load_set()))
        assert (status, missing["error"]["code"]) == (404, "model_not_found")

    run(scenario())


def test_a_program_is_run_step_by_step() -> None:
    """The state at the start, what each instruction changed, and the state at the end."""

    async def scenario() -> None:
        source = "again: dec r1\njnz again\nhalt"
        body = {"source": source, "run": True, "registers": {"R1": 2}}
        async with serving() as (client, _):
            status, found = await posted(client, "/v1/programs", body)
        run_of = found["run"]
        assert (status, run_of["error"], run_of["cycles"]) == (200, None, 5)
        assert run_of["start"]["registers"]["R1"] == 2
        assert run_of["end"]["registers"]["R1"] == 0 and run_of["end"]["halted"]
        told = [(one["line"], one["changed"], one["flags"]["Z"]) for one in run_of["steps"]]
        assert told[:3] == [(1, {"R1": 1}, 0), (2, {}, 0), (1, {"R1": 0}, 1)]

    run(scenario())


@pytest.mark.parametrize(
    ("source", "more", "kind", "cycles"),
    [
        ("nop\nadd r1\nhalt", {}, "RefusedLineError", 0),
        (f"nop\n{UNSURE}: halt", {"min_confidence": 0.9}, "RefusedLineError", 0),
        ("again: jmp again", {"max_cycles": 7}, "CycleLimitError", 7),
        ("nop\njmp 99", {}, "JumpError", 1),
    ],
)
def test_a_run_that_does_not_end_says_why(
    source: str, more: dict[str, Any], kind: str, cycles: int
) -> None:
    """A refused or uncertain line stops everything before anything runs."""

    async def scenario() -> None:
        async with serving() as (client, _):
            status, found = await posted(
                client, "/v1/programs", {"source": source, "run": True, **more}
            )
        assert (status, found["run"]["error"]["type"]) == (200, kind)
        assert (found["run"]["cycles"], len(found["run"]["steps"])) == (cycles, cycles)

    run(scenario())


@pytest.mark.parametrize("registers", [{"R9": 1}, {"R1": 1 << 40}])
def test_registers_that_cannot_be_are_told(registers: dict[str, int]) -> None:
    """Before a model is asked."""

    async def scenario() -> None:
        body = {"source": "halt", "run": True, "registers": registers}
        async with serving() as (client, service):
            status, found = await posted(client, "/v1/programs", body)
            metrics = service.metrics.text().decode()
        assert (status, found["error"]["param"]) == (400, "registers")
        assert "kvrm_grammar_batch_texts_count 0.0" in metrics

    run(scenario())


@pytest.mark.parametrize(
    ("dialects", "models"),
    [(None, ["rv32im-strict", "rv32im-lenient"]), (("strict",), ["rv32im-strict"])],
)
def test_dialects_of_another_set(dialects: tuple[str, ...] | None, models: list[str]) -> None:
    """Where no dialect is named, those that the set brings an adapter for."""

    async def scenario() -> None:
        async with serving(Settings(isa="rv32im", dialects=dialects)) as (client, _):
            _, found = await answered(client, "GET", "/v1/models")
        assert [model["id"] for model in found["data"]] == models

    run(scenario())
