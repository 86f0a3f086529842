"""Where the messages of the CSMS arrive: the rules that hold for all of them, then the handler of the table."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Registration
from voltbridge.station.context import Handling, Outbox
from voltbridge.station.dispatch import ROUTES, Route
from voltbridge.station.log_book import LogBook
from voltbridge.station.services import Services

__all__ = ["Desk", "Handled"]

_STEPS: Final = 10
_ROUTES: Final = {(route.version, route.action): route for route in ROUTES}


@dataclass(frozen=True, slots=True)
class Handled:
    """The answer, and what is to be done once it has left (each a coroutine to be run as a task)."""

    response: Payload
    after: list[Coroutine[Any, Any, None]]


class Desk:
    """Takes the messages of the CSMS for one station.

    While registration is Pending every message is taken (B02.FR.01); before it is answered, and while it is Rejected,
    none is (B03.FR.08).
    """

    __slots__ = ("_book", "_outbox", "_services")

    def __init__(self, outbox: Outbox, services: Services, book: LogBook) -> None:
        """``book``: which messages came, and what was wrong with them."""
        self._outbox = outbox
        self._book = book
        self._services = services

    async def handle(self, version: Version, action: str, request: Payload) -> Handled:
        """Answer a message that is sound by its schema. Raises OcppError to refuse."""
        for _ in range(_STEPS):  # the answer to our boot may have come just before, and be on its way to its reader
            if self._outbox.registration is not Registration.UNKNOWN:
                break
            await asyncio.sleep(0)
        route = self._route(version, action)
        handling = Handling(version)
        try:
            response = await route.handler(self._services, handling, request)
        except BaseException:
            for work in handling.after:
                work.close()
            self._book.note(f"{action} refused")
            raise
        self._book.note(f"{action} answered")
        return Handled(response, handling.after)

    def _route(self, version: Version, action: str) -> Route:
        route = _ROUTES.get((version, action))
        if route is None:
            raise OcppError(ErrorCode.NOT_SUPPORTED, f"this station does not take {action}")
        configuration = self._services.context.configuration
        if action in configuration.lacks:
            raise OcppError(configuration.lacks_as, f"this station has no {action}")
        registration = self._outbox.registration
        if registration not in (Registration.ACCEPTED, Registration.PENDING):
            raise OcppError(ErrorCode.SECURITY_ERROR, f"{action} is not allowed before registration is accepted")
        return route
