"""The page, its files, and the description of the interface: nothing from another host.

In: the application. Out: ``/``, ``/page/…`` and ``/docs``. A strict Content-Security-Policy goes
along: scripts and styles come from this server's files alone, and nothing can be sent elsewhere.
"""

import html
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.exceptions import HTTPException

__all__ = ["add_pages", "describe"]

_KINDS = {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "docs.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_SCRIPT = "text/javascript; charset=utf-8"
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def add_pages(app: FastAPI) -> None:
    """Add the page, its files and the docs to an application."""

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return _file("index.html")

    @app.get("/page/{name}", include_in_schema=False)
    async def page_file(name: str) -> Response:
        return _file(name)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return Response(describe(app.openapi()), media_type=_KINDS["index.html"], headers=_HEADERS)


def describe(openapi: dict[str, Any]) -> str:
    """A page of an OpenAPI description, for people; it needs no script."""
    info = openapi["info"]
    title = html.escape(f"{info['title']} {info['version']}")
    rows = "".join(_routes(openapi))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/page/docs.css"></head><body><main>'
        f"<h1>{title}</h1><p>{html.escape(info.get('summary', ''))}</p>"
        '<p>As JSON: <a href="/openapi.json">openapi.json</a></p>'
        f"{rows}</main></body></html>"
    )


def _routes(openapi: dict[str, Any]) -> Iterator[str]:
    schemas = openapi.get("components", {}).get("schemas", {})
    for path, methods in openapi["paths"].items():
        for method, route in methods.items():
            name = html.escape(f"{method.upper()} {path}")
            yield f"<section><h2><code>{name}</code></h2><p>{html.escape(route['summary'])}</p>"
            content = route.get("requestBody", {}).get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            yield _fields(schemas.get(reference.rpartition("/")[2], {}))
            yield "</section>"


def _fields(schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        f"<tr><th><code>{html.escape(name)}</code></th>"
        f"<td><code>{html.escape(_kind(field, name in required))}</code></td>"
        f"<td>{html.escape(field.get('description', ''))}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _kind(field: dict[str, Any], is_required: bool) -> str:
    options = [_named(one) for one in field.get("anyOf", [field])]
    given = "" if is_required else f" = {json.dumps(field.get('default'))}"
    return " | ".join(options) + given


def _named(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"{_named(schema.get('items', {}))}[]"
    return str(schema.get("type", "any"))


def _file(name: str) -> Response:
    kind = _KINDS.get(name) or (_SCRIPT if name.endswith(".js") else None)
    source = files("kvrm_grammar.serve").joinpath("page", name)
    if kind is None or "/" in name or not source.is_file():
        raise HTTPException(404, "Not Found")
    return Response(source.read_bytes(), media_type=kind, headers=_HEADERS)
