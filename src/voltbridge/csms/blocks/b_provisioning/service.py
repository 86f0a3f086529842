"""The operator's list of stations: provisioning, passwords, adoption, settings (2.0.1 block B, A01).

Changes are stored first and announced then; the node that owns the station's connection takes them over into the
state it works with. A connected station is shown with what that state knows better than the storage.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from voltbridge.csms.blocks.a_security.passwords import (
    CHOSEN_ROUNDS,
    GENERATED_ROUNDS,
    check_password,
    generate_password,
    hash_password,
)
from voltbridge.csms.blocks.b_provisioning.boot import BootDesk
from voltbridge.csms.blocks.b_provisioning.ports import Announcements, Connected, Stations
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.identities import identity_problem
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_calls import StationNotConnected
from voltbridge.domain.stations import (
    LiveStation,
    RegistrationStatus,
    Station,
    StationFilter,
    StationReport,
    StationSettings,
    Strictness,
)

__all__ = ["CHANGEABLE", "StationService"]

CHANGEABLE: Final = frozenset(
    {"name", "registration", "strictness", "heartbeat_interval_s", "minimum_security_profile"}
)
"""The settings that ``update`` takes."""


class StationService:
    """Everything the operator does with stations. ``boots`` answers what the stations themselves say of it."""

    def __init__(
        self,
        stations: Stations,
        connected: Connected,
        bus: Announcements,
        events: EventLog,
        clock: Clock,
        boots: BootDesk,
    ) -> None:
        self._stations = stations
        self._connected = connected
        self._bus = bus
        self._events = events
        self._clock = clock
        self.boots = boots
        self._changing = asyncio.Lock()
        """Held from reading settings to saving them, so that of two changes at once none is lost."""
        bus.on_announcement("settings", self._take_over)

    async def list(self, wanted: StationFilter, page: PageRequest, *, connected: bool | None = None) -> Page[Station]:
        """Stations in the order of their ids, all or only those (not) connected. Raises InvalidCursor."""
        if connected is True:
            wanted = replace(wanted, among=self._connected.ids())
        elif connected is False:
            wanted = replace(wanted, not_among=self._connected.ids())
        return self._overlaid(await self._stations.list(wanted, page))

    async def inbox(self, page: PageRequest) -> Page[Station]:
        """Stations that wait to be adopted, newest first. Raises InvalidCursor."""
        return self._overlaid(await self._stations.inbox(page))

    async def get(self, station_id: str) -> Station:
        """One station. Raises NotFound."""
        station = await self._stations.get(station_id)
        if station is None:
            raise NotFound("station", station_id)
        return self._overlay(station)

    async def provision(
        self,
        station_id: str,
        *,
        password: str | None = None,
        generate: bool = False,
        name: str | None = None,
        strictness: Strictness | None = None,
        heartbeat_interval_s: int | None = None,
        minimum_security_profile: int | None = None,
    ) -> tuple[Station, str | None]:
        """Make a station known and accepted before it first connects; the second value is its password, if any.

        Raises InvalidValue for an identity or a password that cannot be one, AlreadyExists.
        """
        problem = identity_problem(station_id)
        if problem is not None:
            raise InvalidValue("station_id", problem)
        if generate and password is not None:
            raise InvalidValue("password", "must be left out when one is to be generated")
        hashed = None
        if generate or password is not None:
            password, hashed = _new_password(station_id, password)
        now = self._clock.now()
        settings = StationSettings(
            station_id=station_id,
            registration=RegistrationStatus.ACCEPTED,
            created_at=now,
            name=name,
            password_hash=hashed,
            strictness=strictness,
            heartbeat_interval_s=_checked_interval(heartbeat_interval_s),
            adopted_at=now,
            minimum_security_profile=_checked_profile(minimum_security_profile),
        )
        await self._stations.add(settings)
        self._events.emit("station.provisioned", station_id, name=name, has_password=hashed is not None)
        return Station(settings, StationReport(station_id)), password

    async def update(self, station_id: str, changes: Mapping[str, Any]) -> Station:
        """Change settings named in ``CHANGEABLE``; None returns one to the server's default. Raises NotFound.

        A registration of Accepted adopts the station; Pending makes its next boots wait, in the inbox if it was never
        adopted. Raises InvalidValue for other settings and for None where there is no default.
        """
        for name, value in changes.items():
            if name not in CHANGEABLE:
                raise InvalidValue(name, "cannot be changed")
            if name == "registration" and value is None:
                raise InvalidValue(name, "has no default")
        async with self._changing:
            station = await self.get(station_id)
            settings = replace(station.settings, **changes)
            _checked_interval(settings.heartbeat_interval_s)
            _checked_profile(settings.minimum_security_profile)
            if settings.registration is RegistrationStatus.ACCEPTED and settings.adopted_at is None:
                settings = replace(settings, adopted_at=self._clock.now())
            changed = sorted(name for name in changes if changes[name] != getattr(station.settings, name))
            return await self._save(station, settings, changed)

    async def adopt(self, station_id: str) -> Station:
        """Accept a station: its next boot is answered Accepted. Raises NotFound."""
        return await self.update(station_id, {"registration": RegistrationStatus.ACCEPTED})

    async def reject(self, station_id: str) -> Station:
        """Turn a station down: its connection ends and its boots are answered Rejected. Raises NotFound."""
        return await self.update(station_id, {"registration": RegistrationStatus.REJECTED})

    async def set_password(self, station_id: str, password: str | None = None) -> str:
        """Set a password, or a new one made here; the old one is refused from now on. Returns the one in force.

        A connection that stands is not affected (2.0.1 A01). Raises NotFound, InvalidValue.
        """
        async with self._changing:
            station = await self.get(station_id)
            password, hashed = _new_password(station_id, password)
            await self._save(station, replace(station.settings, password_hash=hashed), ["password"])
        return password

    async def remove_password(self, station_id: str) -> None:
        """Let a station connect without authentication. Raises NotFound."""
        async with self._changing:
            station = await self.get(station_id)
            if station.settings.password_hash is not None:
                await self._save(station, replace(station.settings, password_hash=None), ["password"])

    async def delete(self, station_id: str) -> None:
        """Forget a station and close its connection; its transactions stay. Raises NotFound.

        When it connects again it is one that was never seen.
        """
        await self._stations.delete(station_id)
        self._events.emit("station.deleted", station_id)
        self._bus.announce("deleted", station_id)

    async def disconnect(self, station_id: str) -> None:
        """Close a station's connection. Raises NotFound, or StationNotConnected when there is none."""
        await self.get(station_id)
        if not self._bus.is_connected(station_id):
            raise StationNotConnected(station_id)
        self._bus.announce("disconnect", station_id)

    async def _save(self, station: Station, settings: StationSettings, changed: Sequence[str]) -> Station:
        if not changed:
            return station
        station_id = settings.station_id
        await self._stations.save_settings(settings)
        self._connected.changed(station_id)
        live = self._connected.get(station_id)
        if live is not None:
            live.settings = settings  # at once, so that a boot right after this call finds it
        if "registration" in changed:
            self._events.emit(_DECISIONS[settings.registration], station_id, name=settings.name)
        others = [name for name in changed if name != "registration"]
        if others:
            self._events.emit("station.settings_changed", station_id, changed=others)
        self._bus.announce("settings", station_id)
        if "registration" in changed and settings.registration is RegistrationStatus.REJECTED:
            self._bus.announce("disconnect", station_id)
        return replace(station, settings=settings)

    async def _take_over(self, station_id: str) -> None:
        """Use changed settings for a station connected to this node."""
        live = self._connected.get(station_id)
        if live is None:
            return
        station = await self._stations.get(station_id)
        if station is None:
            return
        live.settings = station.settings
        if station.settings.registration is RegistrationStatus.REJECTED:
            live.registered = RegistrationStatus.REJECTED
        await self.boots.adopted(live)

    def _overlaid(self, page: Page[Station]) -> Page[Station]:
        return replace(page, items=tuple(self._overlay(station) for station in page.items))

    def _overlay(self, station: Station) -> Station:
        live: LiveStation | None = self._connected.get(station.settings.station_id)
        if live is None:
            return replace(station, connected=self._bus.is_connected(station.settings.station_id))
        report = live.report
        if live.last_seen_at is not None:
            report = replace(report, last_seen_at=live.last_seen_at)
        return Station(station.settings, report, connected=True)


_DECISIONS: Final = {
    RegistrationStatus.ACCEPTED: "station.adopted",
    RegistrationStatus.PENDING: "station.suspended",
    RegistrationStatus.REJECTED: "station.rejected",
}


def _new_password(station_id: str, chosen: str | None) -> tuple[str, str]:
    """The password and its hash."""
    if chosen is None:
        password = generate_password()
        return password, hash_password(password, GENERATED_ROUNDS)
    check_password(chosen, station_id)
    return chosen, hash_password(chosen, CHOSEN_ROUNDS)


def _checked_interval(seconds: int | None) -> int | None:
    if seconds is not None and not 1 <= seconds <= 2**31 - 1:
        raise InvalidValue("heartbeat_interval_s", "must be a number of seconds from 1 to 2147483647")
    return seconds


def _checked_profile(profile: int | None) -> int | None:
    """3 will be one once stations can show certificates here."""
    if profile is not None and profile not in (1, 2):
        raise InvalidValue("minimum_security_profile", "must be 1 or 2")
    return profile
