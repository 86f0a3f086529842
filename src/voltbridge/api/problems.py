"""Errors as problem+json (RFC 9457): the one shape every refusal of the API has.

``type`` is a stable name for programs, ``detail`` is for people, ``errors`` points into the request: ``path`` is a JSON
path from the body (``$.connectorId``), or ``query.limit``, ``path.station_id``, ``header.Last-Event-ID``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from voltbridge.api.shapes import PATTERN_WORDS

__all__ = [
    "MEDIA_TYPE",
    "Handler",
    "OcppErrorBody",
    "Problem",
    "ProblemError",
    "WrongField",
    "install",
    "not_json",
    "problem_response",
    "responses",
    "too_large",
    "unsupported_media_type",
]

MEDIA_TYPE: Final = "application/problem+json"
_TYPES: Final = "urn:voltbridge:problem:"


class WrongField(BaseModel):
    """One thing that is wrong with the request."""

    path: str = Field(description="Where it is.", examples=["$.heartbeat_interval_s"])
    message: str = Field(description="What is wrong.", examples=["Input should be greater than or equal to 1"])


class OcppErrorBody(BaseModel):
    """The CALLERROR a station answered with."""

    code: str = Field(examples=["NotImplemented"])
    description: str = Field(examples=["Requested Action is not known by receiver"])
    details: dict[str, Any]


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(
        description="Stable name of the kind of problem.", examples=["urn:voltbridge:problem:invalid-request"]
    )
    title: str = Field(description="The kind of problem in words.", examples=["The request is not valid"])
    status: int = Field(description="The HTTP status.", examples=[400])
    detail: str = Field(description="What happened this time.", examples=["1 field is wrong"])
    errors: list[WrongField] | None = Field(default=None, description="The fields of the request that are wrong.")
    ocpp_error: OcppErrorBody | None = Field(
        default=None, description="Only when a station answered with a CALLERROR: what it said."
    )


class ProblemError(Exception):
    """Raised anywhere below a route to answer with a problem."""

    def __init__(
        self,
        status: int,
        name: str,
        title: str,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.title = title
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.members = members


Handler = Callable[[Any], ProblemError]
"""Makes the problem for an exception of the domain."""


def problem_response(problem: ProblemError) -> Response:
    """The problem as a response."""
    body = Problem(
        type=_TYPES + problem.name,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        errors=[WrongField(path=path, message=message) for path, message in problem.errors] or None,
        **problem.members,
    )
    return Response(
        body.model_dump_json(exclude_none=True),
        status_code=problem.status,
        headers=dict(problem.headers or {}),
        media_type=MEDIA_TYPE,
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of the problems a route can answer with."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def install(app: FastAPI, handlers: Mapping[type[Exception], Handler], methods: Callable[[str], Iterable[str]]) -> None:
    """Answer every error of the app with a problem: ours, the framework's and those in ``handlers``.

    ``methods`` tells which methods a path takes.
    """
    for kind, make in handlers.items():
        app.add_exception_handler(kind, _answer_with(make))
    app.add_exception_handler(ProblemError, _answer_with(lambda error: error))
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http(methods))
    app.add_exception_handler(Exception, _answer_with(lambda _error: _unforeseen()))


def _answer_with(make: Handler) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_request: Request, error: Exception) -> Response:
        return problem_response(make(error))

    return answer


def _unforeseen() -> ProblemError:
    """What is said of an error nobody foresaw; the HTTP server logs it."""
    return ProblemError(500, "internal", "Something went wrong on our side", "The server's log says more.")


_LOCATIONS: Final = frozenset({"path", "query", "header", "cookie"})


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if not_json(request) and any(item["loc"][0] == "body" for item in error.errors()):
        return problem_response(unsupported_media_type())
    errors = [(_path(item["loc"]), _sentence(item)) for item in error.errors()]
    first = f"{errors[0][0]}: {errors[0][1]}"
    detail = first if len(errors) == 1 else f"{len(errors)} fields are wrong; the first is {first}"
    return problem_response(ProblemError(400, "invalid-request", "The request is not valid", detail, errors=errors))


def not_json(request: Request) -> bool:
    """Whether the request says that its body is something else than JSON, or says nothing."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json"


def unsupported_media_type() -> ProblemError:
    """The problem with a body that is no JSON."""
    detail = "Send the body as JSON, with the header Content-Type: application/json."
    return ProblemError(415, "unsupported-media-type", "The body must be JSON", detail)


def too_large() -> ProblemError:
    """The problem with a body that nobody would read to its end."""
    return ProblemError(413, "content-too-large", "The body is too large", "The body is larger than 1 MiB.")


def _path(location: Sequence[int | str]) -> str:
    where, *rest = location
    if len(rest) == 1 and isinstance(rest[0], int) and where == "body":
        return "$"  # broken JSON: the number is a position in the text, not a field
    if where in _LOCATIONS:
        return str(where) + _steps(rest)
    return "$" + _steps(rest)


def _steps(parts: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


_NO_OBJECT: Final = frozenset({"dict_type", "mapping_type", "model_attributes_type", "model_type"})


def _sentence(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return "no such field"
    if item["type"] in _NO_OBJECT:
        return "must be an object"
    if item["type"] == "json_invalid":
        return f"not valid JSON at character {item['loc'][-1]}: {item['ctx']['error']}"
    if item["type"] == "string_pattern_mismatch" and (words := PATTERN_WORDS.get(item["ctx"]["pattern"])):
        return words
    return str(item["msg"]).removeprefix("Value error, ")


_DETAILS: Final = {
    404: "There is nothing at this address.",
    405: "This address does not take this method; the Allow header names those it takes.",
}


def _http(methods: Callable[[str], Iterable[str]]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        headers = dict(error.headers or {})
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            # The framework names those of one route; an address has a route for each method.
            headers["Allow"] = ", ".join(sorted(methods(request.url.path)))
        if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return problem_response(too_large())
        name = status.phrase.lower().replace(" ", "-")
        detail = _DETAILS.get(error.status_code, str(error.detail))
        title = status.phrase.capitalize()
        return problem_response(ProblemError(error.status_code, name, title, detail, headers=headers))

    return answer
