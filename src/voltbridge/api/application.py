"""The REST API as one ASGI application, made from the services it calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from voltbridge import __version__
from voltbridge.api import (
    alerts,
    anonymisations,
    charging_profiles,
    commands,
    configurations,
    customer_information,
    deviations,
    display_messages,
    event_schemas,
    events,
    evses,
    export,
    files,
    firmware,
    health,
    inbox,
    local_lists,
    messages,
    monitors,
    ocpp,
    operations,
    reservations,
    retention,
    rollouts,
    sites,
    station_logs,
    stations,
    tariffs,
    tokens,
    transactions,
    variables,
    webhooks,
)
from voltbridge.api.admin_key import AdminKey
from voltbridge.api.authentication import PROTECTED, RequireKey
from voltbridge.api.bodies import LimitBody
from voltbridge.api.openapi import describe
from voltbridge.api.problems import Handler, ProblemError, install
from voltbridge.csms.blocks.n_diagnostics.alerts import AlertClosed
from voltbridge.csms.commands.execution import InvalidParameters
from voltbridge.csms.exports import TooManyExports
from voltbridge.csms.readiness import Readiness
from voltbridge.csms.services import Services
from voltbridge.csms.webhooks.service import MOST_WEBHOOKS, TooManyWebhooks
from voltbridge.domain.anonymisation import TokenBusy
from voltbridge.domain.commands import NotCancellable, Unsupported
from voltbridge.domain.errors import AlreadyExists, InUse, InvalidValue, NotFound, StorageUnavailable
from voltbridge.domain.files import FileInUse, FileTooLarge, StorageFull
from voltbridge.domain.paging import InvalidCursor
from voltbridge.domain.reservations import ReservationOver
from voltbridge.domain.station_calls import StationNotConnected
from voltbridge.metrics import Metrics

__all__ = ["build"]

_LARGEST_BODY: Final = 1024 * 1024

_NOUNS: Final = (
    stations,
    evses,
    messages,
    ocpp,
    commands,
    operations,
    inbox,
    deviations,
    tokens,
    anonymisations,
    local_lists,
    transactions,
    events,
    event_schemas,
    charging_profiles,
    reservations,
    variables,
    configurations,
    monitors,
    alerts,
    customer_information,
    sites,
    files,
    firmware,
    station_logs,
    rollouts,
    webhooks,
    retention,
    export,
    tariffs,
    display_messages,
)


def build(services: Services, readiness: Readiness, metrics: Metrics, admin_key: str) -> ASGIApp:
    """The application. Everything under ``/api/v1`` needs the admin key."""
    app = FastAPI(
        title="Voltbridge",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,  # the usual pages load their scripts from other people's servers
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.services = services
    app.state.readiness = readiness
    app.state.metrics = metrics
    for noun in _NOUNS:
        app.include_router(noun.router, prefix=PROTECTED)
    app.include_router(health.router)
    install(app, _PROBLEMS, _methods)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return RequireKey(LimitBody(app, _LARGEST_BODY), AdminKey(admin_key))


def _methods(path: str) -> set[str]:
    """What a path takes."""
    below = path.removeprefix(PROTECTED) if path.startswith(PROTECTED) else path
    routes = (route for noun in (*_NOUNS, health) for route in noun.router.routes)
    return {
        method
        for route in routes
        if isinstance(route, APIRoute) and route.path_regex.match(below)
        for method in route.methods or ()
    }


def _unusable(path: str, problem: str) -> ProblemError:
    """For what the schema allows and a rule does not."""
    return ProblemError(422, "unusable-value", "A value cannot be used", f"{path}: {problem}", errors=[(path, problem)])


_PROBLEMS: Final[Mapping[type[Exception], Handler]] = {
    NotFound: lambda error: ProblemError(404, "not-found", "Not found", f"There is no {error.noun} {error.key}."),
    AlreadyExists: lambda error: ProblemError(
        409, "already-exists", "It exists already", f"There is a {error.noun} {error.key} already."
    ),
    InUse: lambda error: ProblemError(
        409,
        "in-use",
        "It is in use",
        f"The {error.noun} {error.key} is in use by {error.user}; change or delete that first.",
    ),
    StationNotConnected: lambda error: ProblemError(
        409, "not-connected", "The station is not connected", f"{error.station_id}: {error.detail}"
    ),
    InvalidParameters: lambda error: ProblemError(
        400,
        "invalid-request",
        "The request is not valid",
        str(error),
        errors=[(error.path, error.detail)],
    ),
    Unsupported: lambda error: ProblemError(
        422, "unsupported-command", "The station's version cannot do this", str(error)
    ),
    NotCancellable: lambda error: ProblemError(
        409, "not-cancellable", "It is too late to cancel this", f"The {error.noun} {error.key} is {error.state}."
    ),
    ReservationOver: lambda error: ProblemError(
        409, "reservation-over", "The reservation is over", f"Reservation {error.id} is {error.state}."
    ),
    AlertClosed: lambda error: ProblemError(
        409, "alert-closed", "The alert is closed", f"Alert {error.id} is closed; nothing more can be said of it."
    ),
    InvalidValue: lambda error: _unusable(f"$.{error.field}", error.problem),
    TokenBusy: lambda error: ProblemError(
        409, "in-use", "It is in use", f"The token is in use by {error.user}; wait for its end, or end it."
    ),
    FileTooLarge: lambda error: ProblemError(
        413, "content-too-large", "The file is too large", f"No more than {error.limit_bytes} bytes are kept."
    ),
    FileInUse: lambda error: ProblemError(
        409, "in-use", "It is in use", f"The file {error.id} is used by {error.user}; remove that first."
    ),
    StorageFull: lambda error: ProblemError(
        507, "storage-full", "The disk is full", "Nothing was kept; make room on the server's disk and try again."
    ),
    TooManyWebhooks: lambda _error: ProblemError(
        409, "too-many-webhooks", "There are too many webhooks", f"There are {MOST_WEBHOOKS} already; delete one first."
    ),
    InvalidCursor: lambda error: _unusable("query.cursor", str(error)),
    TooManyExports: lambda _error: ProblemError(
        429,
        "too-many-exports",
        "Too many exports at a time",
        "Wait until another export has ended.",
        headers={"Retry-After": "10"},
    ),
    StorageUnavailable: lambda error: ProblemError(
        503,
        "storage-unavailable",
        "The storage does not answer",
        "Nothing was changed as far as we know; try again in a while.",
        headers={"Retry-After": "5"},
    ),
}
