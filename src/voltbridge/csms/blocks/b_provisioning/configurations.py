"""Desired configurations: kept by name, compared with what stations have, repaired after a boot and on demand.

After a boot that was answered Accepted or Pending (a station is best configured before it is accepted, B02.FR.01) the
desired values are read from the station, and those that differ are written. What needs a reboot is written and shows
as drifted until the station has the value; nothing reboots a station by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from voltbridge.csms.blocks.b_provisioning.device_model import DeviceModelService
from voltbridge.csms.blocks.b_provisioning.message_limits import Call
from voltbridge.csms.blocks.b_provisioning.ports import Announcements, ConfigurationBook, Connected, Stations
from voltbridge.csms.blocks.b_provisioning.variable_rules import is_secret
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.configurations import Configuration, DesiredValue, Drift, DriftState, desired_of, drift_of
from voltbridge.domain.device_model import ReadResult, ReadStatus, WriteResult
from voltbridge.domain.errors import InvalidValue, NotFound, StorageUnavailable
from voltbridge.domain.station_calls import StationNotConnected
from voltbridge.domain.stations import LiveStation, StationReport

__all__ = ["ConfigurationService", "Repair"]

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Repair:
    """What was found on a station, and what was done about it."""

    drifts: tuple[Drift, ...]
    """As found, before anything was written."""
    results: tuple[WriteResult, ...]
    """Of what was written."""


class ConfigurationService:
    """The operator's wishes, and what becomes of them."""

    def __init__(
        self,
        book: ConfigurationBook,
        model: DeviceModelService,
        stations: Stations,
        connected: Connected,
        bus: Announcements,
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._model = model
        self._stations = stations
        self._connected = connected
        self._bus = bus
        self._events = events
        self._clock = clock
        self._cached: Sequence[Configuration] | None = None
        """Read by every boot, and changed seldom."""
        self._changes = 0
        """How often they changed; what was read while one did may be as it was before."""
        bus.on_announcement("configurations", self._changed)

    async def list(self) -> Sequence[Configuration]:
        """All, in the order of their names."""
        if self._cached is not None:
            return self._cached
        changes_before = self._changes
        found = await self._book.list()
        if changes_before == self._changes:
            self._cached = found
        return found

    async def get(self, name: str) -> Configuration:
        """Raises NotFound."""
        for configuration in await self.list():
            if configuration.name == name:
                return configuration
        raise NotFound("configuration", name)

    async def put(
        self,
        name: str,
        values: Sequence[DesiredValue],
        *,
        station_ids: Sequence[str] = (),
        vendor: str | None = None,
        model: str | None = None,
        priority: int = 0,
    ) -> tuple[Configuration, bool]:
        """Add a configuration, or replace the one of its name; whether it was added. Raises InvalidValue for secrets.

        Stations get it with their next boot, or by ``repair``.
        """
        for index, value in enumerate(values):
            if is_secret(value.attribute):
                raise InvalidValue(
                    f"variables[{index}]", "is a secret and cannot be kept as a text; write it to each station"
                )
        configuration = Configuration(
            name=name,
            values=tuple({value.attribute.key: value for value in values}.values()),
            updated_at=self._clock.now(),
            station_ids=tuple(dict.fromkeys(station_ids)),
            vendor=vendor,
            model=model,
            priority=priority,
        )
        added = await self._book.put(configuration)
        self._tell(name)
        return configuration, added

    async def delete(self, name: str) -> None:
        """Stations keep what they have. Raises NotFound."""
        await self._book.delete(name)
        self._tell(name)

    async def drift(self, station_id: str) -> Sequence[Drift]:
        """The desired values of a station beside those it last told. Raises NotFound."""
        desired = await self._desired(await self._report(station_id))
        known = await self._model.known(station_id, [value.attribute for value, _ in desired.values()])
        return [drift_of(value, name, known.get(key)) for key, (value, name) in desired.items()]

    async def repair(self, station_id: str) -> Repair:
        """Read the desired values from the station, and write those that differ.

        Raises NotFound and StationNotConnected.
        """
        live = self._connected.get(station_id)
        if live is None:
            await self._report(station_id)
            raise StationNotConnected(station_id)
        return await self._repair(live)

    async def booted(self, live: LiveStation) -> None:
        """Repair a station that has just booted."""
        try:
            await self._repair(live)
        except StorageUnavailable as error:
            _log.warning("a configuration was not compared", station=live.station_id, why=str(error))

    async def _repair(self, live: LiveStation) -> Repair:
        desired = await self._desired(live.report)
        if not desired:
            return Repair((), ())
        call: Call = self._model.caller(live)
        read = await self._model.read_by(live, call, [value.attribute for value, _ in desired.values()])
        known = await self._model.known(live.station_id, [value.attribute for value, _ in desired.values()])
        drifts, wrong = [], []
        for result, (key, (value, name)) in zip(read, desired.items(), strict=True):
            found = known.get(key)
            drift = drift_of(value, name, found if result.status is ReadStatus.ACCEPTED else None)
            drifts.append(drift)
            if _is_wrong(drift, result):
                wrong.append(value)
        results = await self._model.write_by(live, call, wrong) if wrong else []
        if wrong:
            self._events.emit(
                "configuration.repaired",
                live.station_id,
                results=[
                    {"variable": str(one.attribute.variable), "status": one.status.value, "reason": one.reason}
                    for one in results
                ],
            )
        return Repair(tuple(drifts), tuple(results))

    async def _desired(self, report: StationReport) -> dict[str, tuple[DesiredValue, str]]:
        return desired_of(await self.list(), report)

    async def _report(self, station_id: str) -> StationReport:
        live = self._connected.get(station_id)
        if live is not None:
            return live.report
        station = await self._stations.get(station_id)
        if station is None:
            raise NotFound("station", station_id)
        return station.report

    def _tell(self, name: str) -> None:
        self._forget_cached()
        self._events.emit("configuration.changed", None, name=name)
        self._bus.announce("configurations", "")

    async def _changed(self, _station_id: str) -> None:
        self._forget_cached()

    def _forget_cached(self) -> None:
        self._cached = None
        self._changes += 1


def _is_wrong(drift: Drift, read: ReadResult) -> bool:
    """Whether to write: the value differs, or the station has it but does not let it be read."""
    return drift.state is DriftState.DRIFTED or (
        drift.state is DriftState.UNKNOWN and read.status is ReadStatus.REJECTED
    )
