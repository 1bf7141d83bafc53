"""The routes under ``/v1``, health and metrics.

In: checked bodies. Out: JSON. Each route asks the service, and says in the log's fields what it was
about.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from kvrm_grammar import __version__
from kvrm_grammar.language.formats import json_schema
from kvrm_grammar.serve.answers import JsonAnswer
from kvrm_grammar.serve.bodies import DecodeBody, ProgramBody
from kvrm_grammar.serve.chat import completion, events, question_of
from kvrm_grammar.serve.chat_bodies import ChatBody
from kvrm_grammar.serve.engine import Question, Reply
from kvrm_grammar.serve.metrics import CONTENT_TYPE
from kvrm_grammar.serve.models import samples
from kvrm_grammar.serve.programs import decode_source, program_rows
from kvrm_grammar.serve.rows import row_of
from kvrm_grammar.serve.runs import check_run, run_row
from kvrm_grammar.serve.service import Service

__all__ = ["router"]

_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request is wrong; `error` has `message`, `code` and `param`."},
    "5XX": {"description": "It is not answered now; `retry-after` says when to come back."},
}


def router(service: Service) -> APIRouter:
    """All routes of one server."""
    routes = APIRouter(responses=_RESPONSES)
    _add_state(routes, service)
    _add_decoding(routes, service)
    _add_chat(routes, service)
    return routes


def _add_state(routes: APIRouter, service: Service) -> None:
    @routes.get("/health", summary="200 once the models are warm, 503 before")
    async def health() -> Response:
        state = "ok" if service.is_ready else "loading"
        row = {"status": state, "version": __version__, "waiting": service.engine.waiting}
        headers = {} if service.is_ready else {"retry-after": "1"}
        return JsonAnswer(row, 200 if service.is_ready else 503, headers)

    @routes.get("/metrics", summary="Counters for Prometheus")
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    @routes.get("/v1/models", summary="The models: a set's dialects")
    async def models() -> Response:
        rows = [_model(service, one) for one in service.catalog.dialects]
        return JsonAnswer({"object": "list", "data": rows})

    @routes.get("/v1/models/{model}", summary="One model, with the JSON schema of its answers")
    async def model(model: str) -> Response:
        service.catalog.check(model)
        isa = service.catalog.isa
        more = {"json_schema": json_schema(isa), "samples": samples(isa)}
        return JsonAnswer({**_model(service, model), **more})


def _add_decoding(routes: APIRouter, service: Service) -> None:
    @routes.post("/v1/decode", summary="Decode instructions")
    async def decode(body: DecodeBody, request: Request) -> Response:
        name = service.catalog.find(body.isa, body.dialect)
        weighs = body.posterior or body.alternatives > 0
        _note(request, service, name, body.texts)
        replies = await service.ask(
            [Question(name, text, body.min_confidence, weighs) for text in body.texts], "texts"
        )
        rows = [
            row_of(
                number,
                reply,
                service.catalog.isa,
                labels=body.labels,
                alternatives=body.alternatives,
                posterior=body.posterior,
            )
            for number, reply in enumerate(replies, start=1)
        ]
        return JsonAnswer({"model": name, "results": rows})

    @routes.post("/v1/programs", summary="Decode a program; labels become addresses")
    async def programs(body: ProgramBody, request: Request) -> Response:
        name = service.catalog.find(body.isa, body.dialect)
        check_run(body, service.catalog.isa)

        async def ask(texts: list[str]) -> list[Reply]:
            _note(request, service, name, texts)
            asked = [Question(name, text, body.min_confidence) for text in texts]
            return await service.ask(asked, "source")

        service.check_ready()
        dialect = service.catalog.dialects[name]
        limit = service.settings.limits.max_lines
        program, replies = await decode_source(body.source, dialect, ask, limit)
        rows = program_rows(program, replies)
        is_whole = all(row["ok"] for row in rows)
        found: dict[str, Any] = {"model": name, "ok": is_whole, "labels": dict(program.labels)}
        if body.run:
            found["run"] = await asyncio.to_thread(run_row, program, body, service.catalog.isa)
        return JsonAnswer({**found, "instructions": rows})


def _add_chat(routes: APIRouter, service: Service) -> None:
    @routes.post("/v1/chat/completions", summary="One instruction, in OpenAI's shape")
    async def chat(body: ChatBody, request: Request) -> Response:
        service.catalog.check(body.model)
        question = question_of(body, service.catalog.isa)
        _note(request, service, body.model, [question.text])
        (reply,) = await service.ask([question], "messages")
        whole = completion(body, reply)
        if body.stream:
            return StreamingResponse(events(body, whole), media_type="text/event-stream")
        return JsonAnswer(whole)


def _model(service: Service, name: str) -> dict[str, Any]:
    isa = service.catalog.isa
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "kvrm-grammar",
        "isa": isa.name,
        "dialect": service.catalog.dialects[name].name,
        "set_digest": isa.digest,
    }


def _note(request: Request, service: Service, model: str, texts: list[str]) -> None:
    """What the log says of the request."""
    fields = request.scope["state"]["fields"]
    fields.update(model=model, texts=len(texts))
    if service.settings.log_texts:
        fields["raw"] = texts
