"""The official ``openai`` client against the real server, with the packaged models."""

import json
import math
import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest

from kvrm_grammar import Jmp, Sub
from kvrm_grammar.isa import load_set
from kvrm_grammar.language.formats import json_schema
from kvrm_grammar.serve.settings import KEY_VARIABLE
from tests.serve.standing import Standing, started

openai = pytest.importorskip("openai")
pytestmark = pytest.mark.model

KEY = "a key of this test"


@pytest.fixture(scope="module")
def real() -> Iterator[Standing]:
    """``kvrm-grammar serve`` with both dialects and a key."""
    command = [sys.executable, "-m", "kvrm_grammar", "serve", "--port", "0"]
    with started(command, {KEY_VARIABLE: KEY}) as standing:
        yield standing


@pytest.fixture
def client(real: Standing) -> Any:
    """A client with the key, which asks once."""
    url = f"http://127.0.0.1:{real.port}/v1"
    return openai.OpenAI(base_url=url, api_key=KEY, max_retries=0)


def content(completion: Any) -> str:
    """What the model said."""
    return cast(str, completion.choices[0].message.content)


def test_a_dialect_is_a_model(client: Any) -> None:
    """Listed, retrieved with its schema, and asked for an instruction."""
    assert [one.id for one in client.models.list()] == ["kvrm-strict", "kvrm-lenient"]
    schema = client.models.retrieve("kvrm-lenient").json_schema
    assert schema == json_schema(load_set())
    for model, text in (("kvrm-strict", "sub r5 r3 r1"), ("kvrm-lenient", "r5 = r3 - r1")):
        done = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": text}]
        )
        operation = load_set().parse_json(content(done))
        assert isinstance(operation, Sub) and operation.params.src2 == "R1"
        assert done.choices[0].finish_reason == "stop" and done.usage.completion_tokens > 5


def test_the_sets_schema_is_kept(client: Any) -> None:
    """``response_format`` with the schema that the model's page gives, and with no other."""
    own = {"name": "operation", "strict": True, "schema": json_schema(load_set())}
    messages = [{"role": "user", "content": "jmp loop"}]
    done = client.chat.completions.create(
        model="kvrm-strict",
        messages=messages,
        response_format={"type": "json_schema", "json_schema": own},
    )
    assert isinstance(load_set().parse_json(content(done)), Jmp)
    other = {**own, "schema": {"type": "object"}}
    with pytest.raises(openai.BadRequestError, match="not the schema of kvrm"):
        client.chat.completions.create(
            model="kvrm-strict",
            messages=messages,
            response_format={"type": "json_schema", "json_schema": other},
        )


def test_probabilities_add_up(client: Any) -> None:
    """The answer's logarithm is the first of the most probable, which have at most the sum 1."""
    done = client.chat.completions.create(
        model="kvrm-strict",
        messages=[{"role": "user", "content": "dec r1"}],
        logprobs=True,
        top_logprobs=3,
    )
    (entry,) = done.choices[0].logprobs.content
    assert entry.token == content(done) == entry.top_logprobs[0].token
    assert entry.logprob == entry.top_logprobs[0].logprob
    total = sum(math.exp(one.logprob) for one in entry.top_logprobs)
    assert 0.5 < total <= 1 + 1e-6


def test_a_refusal_says_why(client: Any) -> None:
    """OP_INVALID as content, the reason as refusal; less probable answers where asked."""
    messages = [{"role": "user", "content": "add r1 r2"}]
    done = client.chat.completions.create(model="kvrm-strict", messages=messages)
    assert json.loads(content(done))["key"] == "OP_INVALID"
    assert done.choices[0].message.refusal == "ADD takes 3 operands, got 2"
    messages = [{"role": "user", "content": "halt"}]
    done = client.chat.completions.create(
        model="kvrm-strict", messages=messages, extra_body={"min_confidence": 1.0}
    )
    assert done.choices[0].message.refusal == "uncertain"


def test_a_stream_is_the_same_answer(client: Any) -> None:
    """In the client's own pieces."""
    stream = client.chat.completions.create(
        model="kvrm-strict", messages=[{"role": "user", "content": "halt"}], stream=True
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert text == '{"key":"OP_HALT","params":{}}'


def test_errors_are_the_clients_own(real: Standing, client: Any) -> None:
    """Wrong key, unknown model, unsupported value: the exceptions that its users know."""
    messages = [{"role": "user", "content": "halt"}]
    stranger = openai.OpenAI(
        base_url=f"http://127.0.0.1:{real.port}/v1", api_key="another key", max_retries=0
    )
    with pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    with pytest.raises(openai.NotFoundError, match="no model 'gpt-4'"):
        client.chat.completions.create(model="gpt-4", messages=messages)
    with pytest.raises(openai.BadRequestError, match="temperature"):
        client.chat.completions.create(model="kvrm-strict", messages=messages, temperature=0.7)
    assert KEY not in real.stderr.read_text("utf-8")
