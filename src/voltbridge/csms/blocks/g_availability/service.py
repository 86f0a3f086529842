"""Heartbeats and the status of stations, EVSEs and connectors (2.0.1 G01, G02; 1.6 4.6, 4.9).

Every version's status becomes a ``Connector`` under (EVSE id, connector id). Id 0 means the whole: (0, 0) is the
station, (n, 0) an EVSE of a version that reports EVSEs as such.

Which of two statuses is the newer one? A station sends them in the order they came about (1.6 4.9), so the later to
arrive counts, whatever its timestamp says: clocks of stations start in 1970 after a power cut, run ahead, and are put
right in between. The one exception is a station that empties its queue after it has told where it stands now: a status
is late when its time lies before that of the connector's last one and also well before now, while the last one came a
short time ago and its time agreed with our clock, so that the station's clock can be believed. It is told as an event
and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from voltbridge.csms.blocks.g_availability.change import changes_shown
from voltbridge.csms.blocks.g_availability.ports import CommandOutcomes, Connected, ConnectorBook, KnownStations
from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import NotFound
from voltbridge.domain.evses import Connector, ConnectorStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import ErrorCode, OcppError

__all__ = [
    "CLOCK_TOLERANCE",
    "MAX_CONNECTORS",
    "TRUST_LASTS",
    "AvailabilityService",
    "ErrorWatch",
    "ReportedStatus",
    "StatusTold",
]

CLOCK_TOLERANCE: Final = timedelta(minutes=2)
"""How far a station's time may be from ours on receipt to count as right."""
TRUST_LASTS: Final = timedelta(minutes=15)
"""How long after such a status older ones are taken for late; bounds the harm if its clock is set back meanwhile."""
MAX_CONNECTORS: Final = 1000
"""How many a station may tell of, so that a mad one cannot fill memory and database."""
_MAX_ID = 2**31 - 1

StatusTold = Callable[[LiveStation, int, ConnectorStatus, datetime], None]
"""Is given the EVSE, the status and when it came about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedStatus:
    """What one message says of a connector."""

    evse_id: int
    connector_id: int
    status: ConnectorStatus
    at: datetime | None = None
    """The station's time, if it gave one."""
    error_code: str | None = None
    """None where the station reports no error."""
    error_info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None


class ErrorWatch(Protocol):
    """Who wants to know of the errors that connectors tell."""

    async def connector_told(self, station_id: str, said: ReportedStatus) -> None: ...


class AvailabilityService:
    """Keeps what stations say of their availability."""

    def __init__(
        self,
        connectors: ConnectorBook,
        stations: KnownStations,
        connected: Connected,
        journal: Journal,
        events: EventLog,
        clock: Clock,
        commands: CommandOutcomes | None = None,
        errors: ErrorWatch | None = None,
    ) -> None:
        self._commands = commands
        self._errors = errors
        self._told_status: StatusTold | None = None
        self._connectors = connectors
        self._stations = stations
        self._connected = connected
        self._journal = journal
        self._events = events
        self._clock = clock
        self._tell_status: Callable[[LiveStation, Connector], None] = lambda live, connector: None

    def on_status(self, tell: Callable[[LiveStation, Connector], None]) -> None:
        """Have ``tell`` called with every connector whose status or error has changed."""
        self._tell_status = tell

    def on_told_status(self, tell: StatusTold) -> None:
        """Have ``tell`` called with every status, late ones too."""
        self._told_status = tell

    def heartbeat(self, live: LiveStation) -> datetime:
        """The station lives (G02); gives the time for its clock."""
        now = self._clock.now()
        live.last_heartbeat_at = live.last_seen_at = now
        return now

    def status(self, live: LiveStation, said: ReportedStatus) -> None:
        """Take over a connector's status. Raises OcppError for numbers no connector can have."""
        key = (said.evse_id, said.connector_id)
        before = live.connectors.get(key)
        _check(live, key)
        now = self._clock.now()
        if self._told_status is not None:
            self._told_status(live, said.evse_id, said.status, said.at or now)
        after = Connector(
            station_id=live.station_id,
            evse_id=said.evse_id,
            connector_id=said.connector_id,
            status=said.status,
            status_at=said.at or now,
            error_code=said.error_code,
            error_info=said.error_info,
            vendor_id=said.vendor_id,
            vendor_error_code=said.vendor_error_code,
        )
        if self._is_late(live, after):
            self._tell(after, before, late=True)
            return
        if abs(now - after.status_at) <= CLOCK_TOLERANCE:
            live.trusted_status_at[key] = after.status_at
        else:
            live.trusted_status_at.pop(key, None)
        live.connectors[key] = after
        self._journal.put(after)
        if _content(after) != _content(before):
            self._tell(after, before, late=False)
            self._tell_status(live, after)
        self.conclude_changes(live, *key)

    async def told_with_error(self, live: LiveStation, said: ReportedStatus) -> None:
        """As ``status``, for versions that tell errors with it: from when there is one until there is none."""
        key = (said.evse_id, said.connector_id)
        _check(live, key)
        before = live.connectors.get(key)
        late = before is not None and self._is_late(live, replace(before, status_at=said.at or self._clock.now()))
        is_told = said.error_code is not None or (before is not None and before.error_code is not None)
        if self._errors is not None and is_told and not late:
            # First, so that a station which has to send this again still has the error to be cleared.
            await self._errors.connector_told(live.station_id, said)
        self.status(live, said)

    def conclude_changes(self, live: LiveStation, evse_id: int, connector_id: int) -> None:
        """Tell commands that changed the availability when every connector they mean shows it."""
        if self._commands is not None:
            for name in changes_shown(live, evse_id, connector_id):
                self._commands.conclude(live.station_id, "availability", name, True, {})

    async def evses(self, station_id: str) -> list[Connector]:
        """The connectors of a station in the order of their numbers. Raises NotFound for an unknown station."""
        live = self._connected.get(station_id)
        connectors = list(live.connectors.values()) if live else await self._connectors.of_station(station_id)
        if not connectors and await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)
        return sorted(connectors, key=lambda connector: (connector.evse_id, connector.connector_id))

    def _is_late(self, live: LiveStation, after: Connector) -> bool:
        now = self._clock.now()
        last = live.trusted_status_at.get((after.evse_id, after.connector_id))
        return (
            last is not None
            and after.status_at < last
            and now - after.status_at > CLOCK_TOLERANCE
            and now - last <= TRUST_LASTS
        )

    def _tell(self, after: Connector, before: Connector | None, *, late: bool) -> None:
        self._events.emit(
            "connector.status",
            after.station_id,
            evse_id=after.evse_id,
            connector_id=after.connector_id,
            status=after.status.value,
            previous_status=before.status.value if before else None,
            status_at=str(DateTime.of(after.status_at)),
            error_code=after.error_code,
            error_info=after.error_info,
            vendor_id=after.vendor_id,
            vendor_error_code=after.vendor_error_code,
            late=late,
        )


def _check(live: LiveStation, key: tuple[int, int]) -> None:
    if not all(0 <= number <= _MAX_ID for number in key):
        raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "no EVSE or connector has this number")
    if key not in live.connectors and len(live.connectors) >= MAX_CONNECTORS:
        raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "too many connectors for one station")


def _content(connector: Connector | None) -> tuple[str | None, ...] | None:
    """All but the time."""
    if connector is None:
        return None
    return (
        connector.status,
        connector.error_code,
        connector.error_info,
        connector.vendor_id,
        connector.vendor_error_code,
    )
