"""Chat completions in OpenAI's shape: what is kept of them, and what is refused."""

import json
import math
from typing import Any

import pytest

from kvrm_grammar.isa import load_set
from kvrm_grammar.language.formats import json_schema
from tests.serve.answering import UNSURE, UNWEIGHED, answered, run, serving

PATH = "/v1/chat/completions"


def body(text: str, **more: Any) -> dict[str, Any]:
    """A request with one message."""
    return {"model": "kvrm-strict", "messages": [{"role": "user", "content": text}], **more}


async def chat(**request: Any) -> tuple[int, Any]:
    """Status and JSON."""
    async with serving() as (client, _):
        return await answered(client, "POST", PATH, json=request)


def test_the_last_message_of_the_user_is_the_text() -> None:
    """Whatever stands around it; parts of a message are joined."""

    async def scenario() -> None:
        messages = [
            {"role": "system", "content": "You are an assembler."},
            {"role": "user", "content": "halt"},
            {"role": "assistant", "content": "?"},
            {
                "role": "user",
                "content": [{"type": "text", "text": part} for part in ("dec", " r1")],
            },
        ]
        status, found = await chat(model="kvrm-lenient", messages=messages, temperature=0, seed=1)
        assert (status, found["object"], found["model"]) == (200, "chat.completion", "kvrm-lenient")
        (choice,) = found["choices"]
        assert choice["message"]["content"] == '{"key":"OP_DEC","params":{"dest":"R1"}}'
        assert choice["message"]["refusal"] is None and choice["finish_reason"] == "stop"
        assert choice["logprobs"] is None and choice["kvrm"]["confidence"] == 0.99
        assert found["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}

    run(scenario())


@pytest.mark.parametrize(
    ("text", "reason"),
    [("add r1", "ADD takes 3 operands, got 1"), (f"jmp {UNSURE}", "uncertain")],
)
def test_a_refusal_is_valid_json_with_its_reason(text: str, reason: str) -> None:
    """The content still meets the schema; ``refusal`` says why."""

    async def scenario() -> None:
        status, found = await chat(**body(text, min_confidence=0.9))
        message = found["choices"][0]["message"]
        assert status == 200
        assert message["content"] == '{"key":"OP_INVALID","params":{}}'
        assert message["refusal"] == reason == found["choices"][0]["kvrm"]["reason"]

    run(scenario())


def test_logprobs_are_of_the_whole_answer() -> None:
    """One entry, whose logarithm is the answer's among all that the text allows."""

    async def scenario() -> None:
        _, found = await chat(**body("halt", logprobs=True, top_logprobs=2))
        (choice,) = found["choices"]
        (entry,) = choice["logprobs"]["content"]
        assert entry["token"] == choice["message"]["content"] == bytes(entry["bytes"]).decode()
        assert entry["logprob"] == pytest.approx(math.log(0.75))
        chances = [math.exp(one["logprob"]) for one in entry["top_logprobs"]]
        assert chances == pytest.approx([0.75, 0.25])

    run(scenario())


def test_a_stream_says_the_same() -> None:
    """Its pieces put together are the answer, and it ends as clients expect."""

    async def scenario() -> None:
        options = {"stream": True, "stream_options": {"include_usage": True}}
        async with serving() as (client, _):
            response = await client.post(PATH, json=body("halt", **options))
        assert response.headers["content-type"].startswith("text/event-stream")
        *events, done = [part for part in response.text.split("\n\n") if part]
        assert done == "data: [DONE]"
        chunks = [json.loads(event.removeprefix("data: ")) for event in events]
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
        text = "".join(delta.get("content", "") for delta in deltas)
        assert text == '{"key":"OP_HALT","params":{}}'
        assert chunks[1]["choices"][0]["finish_reason"] == "stop"
        assert chunks[-1]["usage"]["completion_tokens"] == 2
        assert len({chunk["id"] for chunk in chunks}) == 1

    run(scenario())


@pytest.mark.parametrize(
    "form",
    [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema",
         "json_schema": {"name": "operation", "schema": json_schema(load_set()), "strict": True}},
    ],
)  # fmt: skip
def test_a_form_that_every_answer_has_is_accepted(form: dict[str, Any]) -> None:
    """Text, JSON, and the set's own schema."""

    async def scenario() -> None:
        status, found = await chat(**body("halt", response_format=form))
        assert status == 200
        assert found["choices"][0]["message"]["content"] == '{"key":"OP_HALT","params":{}}'

    run(scenario())


@pytest.mark.parametrize(
    ("more", "status", "code", "param"),
    [
        ({"model": "gpt-4"}, 404, "model_not_found", "model"),
        ({"messages": []}, 400, "invalid_body", "messages"),
        ({"messages": [{"role": "system", "content": "halt"}]}, 400, "no_user_message", "messages"),
        ({"messages": [{"role": "user", "content": "x" * 300}]}, 400, "LineTooLongError",
         "messages"),
        ({"response_format": {"type": "json_schema"}}, 400, "schema_not_supported",
         "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema":
          {"type": "object"}}}}, 400, "schema_not_supported", "response_format"),
        ({"n": 2}, 400, "unsupported_value", "n"),
        ({"temperature": 0.7}, 400, "unsupported_value", "temperature"),
        ({"top_p": 0.5}, 400, "unsupported_value", "top_p"),
        ({"max_tokens": 127}, 400, "unsupported_value", "max_tokens"),
        ({"stop": ["}"]}, 400, "unsupported_value", "stop"),
        ({"tools": [{}]}, 400, "unsupported_value", "tools"),
        ({"top_logprobs": 2}, 400, "unsupported_value", "top_logprobs"),
        ({"logprobs": True, "messages": [{"role": "user", "content": f"jmp {UNWEIGHED}"}]}, 400,
         "LimitError", "logprobs"),
        ({"functions": []}, 400, "invalid_body", "functions"),
    ],
)  # fmt: skip
def test_what_would_not_be_kept_is_refused(
    more: dict[str, Any], status: int, code: str, param: str
) -> None:
    """With the reason and the field, and never in silence."""

    async def scenario() -> None:
        found_status, found = await chat(**{**body("halt"), **more})
        error = found["error"]
        assert (found_status, error["code"], error["param"]) == (status, code, param)
        assert error["type"] == "invalid_request_error" and len(error["message"]) > 10

    run(scenario())
