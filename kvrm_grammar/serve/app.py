"""The application: routes, errors as JSON, the page, all behind the guard.

In: settings. Out: an ASGI application that loads its models when it is started. Nothing that it
serves refers to another host.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from kvrm_grammar import __version__
from kvrm_grammar.serve.answers import JsonAnswer
from kvrm_grammar.serve.guard import Guard
from kvrm_grammar.serve.models import Catalog, Model, catalog_of, load_models
from kvrm_grammar.serve.pages import add_pages
from kvrm_grammar.serve.problems import RequestError
from kvrm_grammar.serve.routes import router
from kvrm_grammar.serve.service import Service
from kvrm_grammar.serve.settings import Settings

__all__ = ["create_app", "make_service"]


def make_service(
    settings: Settings, load: Callable[[Catalog], Mapping[str, Model]] | None = None
) -> Service:
    """Make the state of a server; nothing is loaded yet.

    Args:
        settings: What the server is told.
        load: Loads the models of a catalog; None for the packaged ones.

    Raises:
        IsaError: There is no such set.
    """
    catalog = catalog_of(settings)
    loading = load or (lambda catalog: load_models(catalog, settings))
    return Service(settings, catalog, lambda: loading(catalog))


def create_app(service: Service) -> ASGIApp:
    """Put an application together around a server's state."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        opening = asyncio.create_task(service.open())
        yield
        await opening
        await service.close()

    app = FastAPI(
        title="kvrm-grammar",
        version=__version__,
        summary="One assembly instruction in, one verified operation as JSON out.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(router(service))
    add_pages(app)
    app.add_exception_handler(RequestError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)
    return Guard(app, service)


def _sent(problem: RequestError) -> JsonAnswer:
    return JsonAnswer(problem.body, problem.status, dict(problem.headers))


async def _problem(_: Request, error: Exception) -> JsonAnswer:
    assert isinstance(error, RequestError)
    return _sent(error)


async def _invalid(_: Request, error: Exception) -> JsonAnswer:
    """The first thing that is wrong with a body, and where."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(step) for step in first["loc"] if step != "body")
    message = f"{where}: {first['msg']}" if where else str(first["msg"])
    return _sent(RequestError(400, "invalid_body", message, param=where or None))


async def _http(_: Request, error: Exception) -> JsonAnswer:
    assert isinstance(error, HTTPException)
    codes = {400: "invalid_body", 404: "not_found", 405: "method_not_allowed"}
    return _sent(
        RequestError(error.status_code, codes.get(error.status_code, "http"), error.detail)
    )


async def _fault(_: Request, error: Exception) -> JsonAnswer:
    """What no route expected; the guard logs it."""
    return _sent(RequestError(500, "internal_error", "this is a fault of the server"))
