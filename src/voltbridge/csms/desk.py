"""Where a station's messages are answered: finds the handler, keeps the rules that hold for every message.

Before a station is accepted only its boot is taken, and what the CSMS asked it for while its boot is pending; anything
else is a SecurityError (2.0.1 B01.FR.10, B02.FR.09, B03.FR.07; J-1.6 errata 3.10). A reply that lets the station
forget something leaves after the commit. When the storage loses what a station brought, or a handler fails half way,
the station's state is read again before its next message, so memory never says more than the storage.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import msgspec

from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.csms.live import LiveStations, StationStates
from voltbridge.domain.admission import Arrival
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import NotFound, NotStorable, StorageUnavailable
from voltbridge.domain.station_calls import StationCall
from voltbridge.domain.stations import LiveStation, RegistrationStatus
from voltbridge.protocol.actions import Action
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.policy import Deviation
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Desk", "Handler", "Route"]

Handler = Callable[[Any, LiveStation, Any], Awaitable[Payload | None]]
"""``handler(service, live, request)`` of a block's translator; raises OcppError to refuse."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the routing table."""

    version: Version
    action: str
    handler: Handler
    service: str
    """The attribute of ``Services`` the handler is given."""
    confirms: bool = True
    """Whether the reply lets the station forget what it sent, so that it has to wait for the commit."""
    before_acceptance: bool = False
    """Whether the action is taken from a station that is not accepted yet."""


@dataclass(frozen=True, slots=True)
class _Bound:
    handler: Handler
    service: Any
    confirms: bool
    before_acceptance: bool


_ACCEPTED: Final = RegistrationStatus.ACCEPTED
_TRIGGERS: Final = frozenset({"TriggerMessage", "ExtendedTriggerMessage"})
_REPORT_REQUESTS: Final = frozenset({"GetBaseReport", "GetReport"})


class Desk:
    """Answers the messages of this node's stations; the gateway's ``StationDesk``."""

    def __init__(
        self,
        services: object,
        stations: LiveStations,
        states: StationStates,
        journal: Journal,
        events: EventLog,
        clock: Clock,
        routes: Iterable[Route],
        leaving: Callable[[LiveStation], None] = lambda live: None,
        waiting: Container[str] = frozenset(),
        returned: Callable[[LiveStation], Awaitable[None]] | None = None,
    ) -> None:
        """``leaving`` puts into the journal what only the memory of a station knows; called when it goes.

        ``returned`` follows the next message of a station in ``waiting`` that shows it works: it is accepted.
        """
        self._stations = stations
        self._states = states
        self._journal = journal
        self._events = events
        self._clock = clock
        self._leaving = leaving
        self._waiting = waiting
        self._returned = returned
        self._routes: dict[Version, dict[str, _Bound]] = {version: {} for version in Version}
        for route in routes:
            service = getattr(services, route.service)
            self._routes[route.version][route.action] = _Bound(
                route.handler, service, route.confirms, route.before_acceptance
            )
        self._stale: set[str] = set()
        """Stations whose state in memory may say more than the storage."""
        self._asked_for: dict[str, set[str]] = {}
        """By station: actions that the CSMS has asked it for while its boot is pending."""
        journal.on_lost(self._on_lost)

    async def open(self, identity: str, version: Version, arrival: Arrival) -> LiveStation:
        """The station's state, now that it is connected. Raises NotFound and StorageUnavailable."""
        live = await self._read(identity)
        if live is None:
            raise NotFound("station", identity)
        now = self._clock.now()
        how: dict[str, Any] = {
            "protocol": version.value,
            "remote_address": arrival.remote_address,
            "secure": arrival.secure,
            "security_profile": arrival.security_profile,
        }
        live.report = replace(live.report, **how, last_seen_at=now)
        live.last_seen_at = now
        self._journal.put(live.report)
        self._events.emit("station.connected", identity, **how)
        self._stale.discard(identity)
        self._stations.add(live)
        return live

    async def close(self, live: LiveStation, reason: str) -> None:
        """The connection has ended. Raises StorageUnavailable when that cannot be written down."""
        self._stations.remove(live)
        self._asked_for.pop(live.station_id, None)
        if live.station_id not in self._stale:
            self._leaving(live)
        self._journal.put(replace(live.report, last_seen_at=live.last_seen_at))
        self._events.emit("station.disconnected", live.station_id, reason=reason)

    async def handle(
        self,
        live: LiveStation,
        version: Version,
        action: Action,
        request: Payload,
        deviations: Sequence[Deviation],
    ) -> Payload | None:
        """The handler's response, None to a SEND. Raises OcppError."""
        bound = self._routes[version].get(action.name)
        if bound is None:
            raise OcppError(ErrorCode.NOT_SUPPORTED, f"{action.name} is not supported")
        if live.registered is not _ACCEPTED and not bound.before_acceptance:
            self._check_asked_for(live, action.name)
        station_id = live.station_id
        try:
            if self._stale and station_id in self._stale:
                await self._load_again(live)
            live.last_seen_at = self._clock.now()
            response = await bound.handler(bound.service, live, request)
            if station_id in self._waiting and live.registered is RegistrationStatus.ACCEPTED and self._returned:
                live.followups.append(partial(self._returned, live))
            if bound.confirms:
                await self._journal.committed(station_id)
            return response
        except OcppError:
            raise
        except NotStorable:
            self._stale.add(station_id)
            raise OcppError(
                ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "a value has a character or a size that cannot be kept"
            ) from None
        except StorageUnavailable:
            self._stale.add(station_id)
            raise OcppError(ErrorCode.INTERNAL_ERROR, "the message could not be stored; please send it again") from None
        except Exception:
            self._stale.add(station_id)
            raise

    def calling(self, live: LiveStation, version: Version, call: StationCall) -> None:
        """Remember what a station is asked for while its boot is pending (2.0.1 B02.FR.02)."""
        if live.registered is not RegistrationStatus.PENDING:
            return
        asked_for = self._asked_for.setdefault(live.station_id, set())
        if call.action in _REPORT_REQUESTS:
            asked_for.add("NotifyReport")
        elif call.action in _TRIGGERS:
            wanted = str(msgspec.json.decode(call.payload)["requestedMessage"])
            # SignChargingStationCertificate, SignV2GCertificate and the like all ask for a SignCertificate.
            is_signing = wanted.startswith("Sign") and wanted.endswith("Certificate")
            asked_for.add("SignCertificate" if is_signing else wanted)

    def _check_asked_for(self, live: LiveStation, action: str) -> None:
        pending = live.registered is RegistrationStatus.PENDING
        if not (pending and action in self._asked_for.get(live.station_id, ())):
            raise OcppError(ErrorCode.SECURITY_ERROR, "the station is not accepted; only a BootNotification is taken")

    async def _load_again(self, live: LiveStation) -> None:
        """Replace what may be ahead of the storage; what only this connection knows stays."""
        self._stale.discard(live.station_id)  # first: what is lost from here on makes it stale again
        try:
            stored = await self._read(live.station_id)
        except BaseException:
            self._stale.add(live.station_id)
            raise
        if stored is None:
            self._stale.add(live.station_id)
            raise StorageUnavailable
        live.settings = stored.settings
        now = live.report
        live.report = replace(
            stored.report,
            protocol=now.protocol,
            remote_address=now.remote_address,
            secure=now.secure,
            security_profile=now.security_profile,
        )
        live.connectors = stored.connectors
        live.transactions = stored.transactions
        live.meters = stored.meters

    async def _read(self, station_id: str) -> LiveStation | None:
        """What is stored of a station, with all that was put, and changed by operators, until now."""
        while True:
            with self._stations.reading(station_id) as reading:
                await self._journal.committed(station_id)
                stored = await self._states.load(station_id)
            if not reading.overtaken:
                return stored

    def _on_lost(self, station_ids: frozenset[str]) -> None:
        self._stale.update(station_id for station_id in station_ids if self._stations.get(station_id) is not None)
