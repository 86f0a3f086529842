"""The API's description: the framework's, plus what holds for every route and the framework does not know.

That is: the key, the problems that any route can answer with, and that a request which breaks its schema is a 400 (one
that keeps it and breaks another rule is a 422).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from voltbridge.api.authentication import PROTECTED
from voltbridge.api.problems import Problem, responses

__all__ = ["describe"]

_TEXT: Final = """\
Charging stations of every OCPP version in one model.

Everything under `/api/v1` needs the admin key: `Authorization: Bearer KEY`. Lists come in pages
(`{"items": [...], "next": cursor or null}`). Moments are RFC 3339 in UTC; units are in the names. Every error is
problem+json (RFC 9457).
"""

_TAGS: Final = (
    ("stations", "Charging stations, their EVSEs, their messages, and the door to send them any message."),
    ("commands", "What stations are told, the same for every version: to one station or to many."),
    ("inbox", "Stations never seen before that wait for your word."),
    ("variables", "The device model of stations (1.6: configuration keys), as reported, read and written."),
    ("configurations", "Values that many stations shall have, and where they differ from them."),
    ("monitoring", "Monitors of variables, and what is in force of them."),
    ("alerts", "What stations told that somebody should look at."),
    ("customer information", "What stations told of a customer, to be handed out and deleted."),
    ("tokens", "Who may charge."),
    ("local lists", "Tokens that stations know by heart, for when they are offline."),
    ("tariffs", "What charging costs, and for whom and where each tariff is."),
    ("display messages", "What stations show on their displays."),
    ("reservations", "Places kept for a token until a moment."),
    ("charging profiles", "Limits: named ones, those installed, and what they amount to."),
    ("sites", "Fuses that many stations share, and what each may draw."),
    ("transactions", "What was charged, with every sample."),
    ("files", "Firmware and other files for stations, and what they delivered."),
    ("firmware", "Images, what becomes of them on stations, and local controllers that publish them."),
    ("events", "What happens, live or after the fact."),
    ("webhooks", "Events delivered by HTTP POST to receivers of your own."),
    ("deviations", "Which kind of charger breaks the standard in which way."),
    ("export", "Whole lists and logs as files."),
    ("retention", "How long what is kept."),
    ("health", "Whether the server is well. No key needed."),
)


_SUMMARIES: Final = {
    "export": "Export a list or log",
    "get_asyncapi": "Get the AsyncAPI document",
    "healthz": "Is the process alive",
    "list_evses": "List EVSEs",
    "metrics": "Figures for Prometheus",
    "read_meter": "Tell a meter's reading",
    "readyz": "Is the server ready",
    "send_ocpp": "Send an OCPP message",
}
"""Where the name of the operation would not do, by operation id."""


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=_TEXT,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS],
    )
    components = document["components"]
    schemas = components["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _, made = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
    schemas.update(made["$defs"])
    components["securitySchemes"] = {
        "adminKey": {"type": "http", "scheme": "bearer", "description": "The key in the server's admin.key file."}
    }
    for path, operation in _operations(document):
        operation["summary"] = _SUMMARIES.get(operation["operationId"]) or operation["summary"].capitalize()
        for parameter in operation.get("parameters", ()):
            _without_null(parameter["schema"])
        if "application/json" in operation["responses"].get("422", {}).get("content", {}):
            del operation["responses"]["422"]  # the framework's; ours is a 400
        if path.startswith(PROTECTED):
            operation["security"] = [{"adminKey": []}]
            _add(operation, 401, 500, 503)
        if "requestBody" in operation:
            _add(operation, 413, 415)
    app.openapi_schema = document
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield path, operation


def _without_null(schema: dict[str, Any]) -> None:
    """A parameter is left out or a text; only the code behind it knows None."""
    either = schema.get("anyOf", [])
    if len(either) == 2 and {"type": "null"} in either:
        schema.pop("anyOf")
        schema.update(next(each for each in either if each != {"type": "null"}), **schema)


def _add(operation: dict[str, Any], *statuses: int) -> None:
    for status, response in responses(*statuses).items():
        operation["responses"].setdefault(str(status), response)
