"""An answer in the shape of OpenAI's chat completions.

In: a request's body and the engine's reply. Out: a completion, or the events of a stream. The
content is the operation's canonical JSON; ``message.refusal`` says why it is ``OP_INVALID``. What
OpenAI's interface has no field for stands under ``kvrm``.
"""

import json
import math
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.serve.chat_bodies import ChatBody
from kvrm_grammar.serve.engine import Question, Reply
from kvrm_grammar.serve.problems import RequestError, as_problem
from kvrm_grammar.serve.schema import why_not

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import Alternative

__all__ = ["completion", "events", "question_of"]

_LEAST = 1e-300  # a logarithm of 0 is no JSON


def question_of(body: ChatBody, isa: InstructionSet) -> Question:
    """What a conversation asks.

    Raises:
        RequestError: It asks for something that this server does not give.
    """
    body.check()
    form = body.response_format
    if form is not None and form.type == "json_schema":
        reason = why_not(form.json_schema and form.json_schema.schema_, isa)
        if reason is not None:
            message = f"response_format: {reason}; GET /v1/models/{body.model} has the schema"
            raise RequestError(400, "schema_not_supported", message, param="response_format")
    return Question(body.model, body.text, body.min_confidence, weighs=bool(body.logprobs))


def completion(body: ChatBody, reply: Reply) -> dict[str, Any]:
    """The answer as a whole.

    Raises:
        RequestError: There is none: the text cannot be an instruction.
    """
    decoded = reply.decoded
    if decoded.error is not None:
        raise as_problem(decoded.error, "messages")
    if reply.trouble is not None:
        raise as_problem(reply.trouble, "logprobs")
    message = {"role": "assistant", "content": decoded.json, "refusal": decoded.reason}
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "stop",
                "logprobs": _logprobs(body, reply),
                "kvrm": {"confidence": decoded.confidence, "reason": decoded.reason},
            }
        ],
        "usage": _usage(reply),
    }


def events(body: ChatBody, whole: dict[str, Any]) -> Iterator[str]:
    """The same as server-sent events; the content comes in one piece, as it was decided."""
    (choice,) = whole["choices"]
    shared = {name: whole[name] for name in ("id", "created", "model")}
    head: dict[str, Any] = {**shared, "object": "chat.completion.chunk"}
    asks = body.stream_options is not None and body.stream_options.include_usage
    usage = {"usage": None} if asks else {}
    first = {"index": 0, "delta": choice["message"], "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    more = {"logprobs": choice["logprobs"], "kvrm": choice["kvrm"]}
    yield _event({**head, "choices": [{**first, **more}], **usage})
    yield _event({**head, "choices": [last], **usage})
    if asks:
        yield _event({**head, "choices": [], "usage": whole["usage"]})
    yield "data: [DONE]\n\n"


def _event(row: dict[str, Any]) -> str:
    return f"data: {json.dumps(row)}\n\n"


def _usage(reply: Reply) -> dict[str, int]:
    answer = len(reply.decoded.token_ids)
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": answer,
        "total_tokens": reply.prompt_tokens + answer,
    }


def _logprobs(body: ChatBody, reply: Reply) -> dict[str, Any] | None:
    """One entry for the whole answer: it is one choice of a closed list, weighed as such."""
    posterior, operation = reply.posterior, reply.decoded.operation
    if posterior is None:
        return None
    own = next((one for one in posterior.operations if one.operation == operation), None)
    if own is None:
        return None
    best = posterior.operations[: body.top_logprobs or 0]
    content = {**_entry(own), "top_logprobs": [_entry(one) for one in best]}
    return {"content": [content], "refusal": None}


def _entry(one: "Alternative") -> dict[str, Any]:
    return {
        "token": one.json,
        "logprob": math.log(max(one.probability, _LEAST)),
        "bytes": [*one.json.encode()],
    }
