"""What the gateway asks of the rest of the CSMS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from voltbridge.domain.admission import AdmissionRequest, Admitted, Arrival, Credentials, Refused
from voltbridge.domain.station_calls import StationCall
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.actions import Action
from voltbridge.protocol.policy import Deviation
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = [
    "Admission",
    "AdmissionRequest",
    "Admitted",
    "Arrival",
    "Credentials",
    "OtherRequests",
    "Refused",
    "StationDesk",
]


class Admission(Protocol):
    """Decides who may connect."""

    async def admit(self, request: AdmissionRequest) -> Admitted | Refused:
        """The decision, before the upgrade and once a common subprotocol is found.

        May register a station that is new. Raises StorageUnavailable when the decision cannot be made.
        """


class StationDesk(Protocol):
    """Answers the messages of connected stations. Calls for one station never overlap, from open to close."""

    async def open(self, identity: str, version: Version, arrival: Arrival) -> LiveStation:
        """A station is about to be connected: its state.

        Raises NotFound for a station deleted since its admission, StorageUnavailable when nothing can be read.
        """

    async def handle(
        self,
        live: LiveStation,
        version: Version,
        action: Action,
        request: Payload,
        deviations: Sequence[Deviation],
    ) -> Payload | None:
        """The response to a request, or None to a SEND. Raises OcppError to refuse."""

    def calling(self, live: LiveStation, version: Version, call: StationCall) -> None:
        """A call is about to be sent to the station."""

    async def close(self, live: LiveStation, reason: str) -> None:
        """The connection has ended and everything it brought has been handled."""


class OtherRequests(Protocol):
    """Answers what is plain HTTP on the stations' port."""

    def takes(self, raw_path: str) -> bool:
        """Whether a request to this path is its."""

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer."""
