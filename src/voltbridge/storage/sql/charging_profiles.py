"""Charging profiles: the operator's, those stations have, and the limits that others set at stations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, Table, Text, and_, delete, func, insert, select
from sqlalchemy import Row as ResultRow

from voltbridge.domain.charging_profiles import (
    ChargingLimit,
    ChargingProfile,
    ChargingSchedule,
    InstalledProfile,
    NamedProfile,
)
from voltbridge.domain.errors import AlreadyExists, NotFound
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import metadata
from voltbridge.storage.times import from_ms, to_ms

__all__ = [
    "ChargingLimits",
    "ChargingProfiles",
    "InstalledProfiles",
    "charging_limits",
    "charging_profiles",
    "delete_charging",
    "installed_profiles",
]

charging_profiles = Table(
    "charging_profiles",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
)

installed_profiles = Table(
    "installed_profiles",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("profile_id", BigInteger, primary_key=True, autoincrement=False),
    Column("evse_id", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("noted_at_ms", BigInteger, nullable=False),
)

charging_limits = Table(
    "charging_limits",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, primary_key=True),
    Column("is_grid_critical", Boolean),
    Column("schedules", Text, nullable=False),
    Column("noted_at_ms", BigInteger, nullable=False),
)

_SCHEDULES = tuple[ChargingSchedule, ...]


def delete_charging(connection: Connection, station_id: str) -> None:
    """Forget the profiles a station has and the limits set at it."""
    for table in (installed_profiles, charging_limits):
        connection.execute(delete(table).where(table.c.station_id == station_id))


class ChargingProfiles:
    """The operator's named profiles."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def get(self, id: int) -> NamedProfile | None:
        """The profile of this id."""

        def read(connection: Connection) -> NamedProfile | None:
            row = connection.execute(select(charging_profiles).where(charging_profiles.c.id == id)).one_or_none()
            return _named(row) if row else None

        return await self._sessions.read(read)

    async def list(self, page: PageRequest) -> Page[NamedProfile]:
        """In the order of their ids; raises InvalidCursor."""
        after = read_cursor("charging_profiles", page, (int,))

        def read(connection: Connection) -> Page[NamedProfile]:
            query = select(charging_profiles).order_by(charging_profiles.c.id).limit(page.limit + 1)
            if after:
                query = query.where(charging_profiles.c.id > after[0])
            rows = connection.execute(query).all()
            return cut("charging_profiles", [((row.id,), _named(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def add(self, named: NamedProfile) -> NamedProfile:
        """Keep a new profile, under the next free id when its own is 0; as it was kept. Raises AlreadyExists."""

        def add(connection: Connection) -> NamedProfile:
            kept = named
            if kept.profile.id == 0:
                last = connection.execute(select(func.max(charging_profiles.c.id))).scalar_one()
                kept = replace(named, profile=replace(named.profile, id=(last or 0) + 1))
            elif connection.execute(
                select(charging_profiles.c.id).where(charging_profiles.c.id == kept.profile.id)
            ).one_or_none():
                raise AlreadyExists("charging profile", str(kept.profile.id))
            connection.execute(insert(charging_profiles).values(_named_values(kept)))
            return kept

        return await self._sessions.write(add)

    async def replace(self, named: NamedProfile) -> None:
        """Keep another content under the same id; raises NotFound."""

        def change(connection: Connection) -> None:
            values = _named_values(named)
            where = charging_profiles.c.id == named.profile.id
            if not connection.execute(charging_profiles.update().where(where).values(values)).rowcount:
                raise NotFound("charging profile", str(named.profile.id))

        await self._sessions.write(change)

    async def delete(self, id: int) -> None:
        """Forget the profile, not those set on stations; raises NotFound."""

        def forget(connection: Connection) -> None:
            if not connection.execute(delete(charging_profiles).where(charging_profiles.c.id == id)).rowcount:
                raise NotFound("charging profile", str(id))

        await self._sessions.write(forget)


class InstalledProfiles:
    """What stations have, as far as they told or accepted it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def of_station(self, station_id: str) -> list[InstalledProfile]:
        """In the order of EVSEs and profile ids."""
        table = installed_profiles
        query = select(table).where(table.c.station_id == station_id).order_by(table.c.evse_id, table.c.profile_id)

        def read(connection: Connection) -> list[InstalledProfile]:
            return [_installed(row) for row in connection.execute(query)]

        return await self._sessions.read(read)

    async def put(self, profiles: Sequence[InstalledProfile]) -> None:
        """Add them, each in the place of one of the same station and id (K01.FR.05)."""

        def put(connection: Connection) -> None:
            for one in profiles:
                connection.execute(delete(installed_profiles).where(_key(one.station_id, one.profile.id)))
                connection.execute(insert(installed_profiles).values(_installed_values(one)))

        await self._sessions.write(put)

    async def remove(self, station_id: str, profile_ids: Sequence[int]) -> None:
        """Forget those; ids that are not there do not matter."""

        def remove(connection: Connection) -> None:
            for id in profile_ids:
                connection.execute(delete(installed_profiles).where(_key(station_id, id)))

        await self._sessions.write(remove)


class ChargingLimits:
    """Limits from outside."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def of_station(self, station_id: str) -> list[ChargingLimit]:
        """In the order of EVSEs and sources."""
        table = charging_limits
        query = select(table).where(table.c.station_id == station_id).order_by(table.c.evse_id, table.c.source)

        def read(connection: Connection) -> list[ChargingLimit]:
            return [_limit(row) for row in connection.execute(query)]

        return await self._sessions.read(read)

    async def put(self, limit: ChargingLimit) -> None:
        """Keep it in the place of one of the same station, EVSE and source."""

        def put(connection: Connection) -> None:
            where = and_(_of(limit.station_id, limit.source), charging_limits.c.evse_id == limit.evse_id)
            connection.execute(delete(charging_limits).where(where))
            connection.execute(
                insert(charging_limits).values(
                    station_id=limit.station_id,
                    evse_id=limit.evse_id,
                    source=limit.source,
                    is_grid_critical=limit.is_grid_critical,
                    schedules=msgspec.json.encode(limit.schedules).decode(),
                    noted_at_ms=to_ms(limit.noted_at),
                )
            )

        await self._sessions.write(put)

    async def remove(self, station_id: str, source: str, evse_id: int | None) -> None:
        """Forget the source's limit of an EVSE, or (None) all its limits at the station."""

        def remove(connection: Connection) -> None:
            where = _of(station_id, source)
            if evse_id is not None:
                where = and_(where, charging_limits.c.evse_id == evse_id)
            connection.execute(delete(charging_limits).where(where))

        await self._sessions.write(remove)


def _key(station_id: str, profile_id: int) -> Any:
    return and_(installed_profiles.c.station_id == station_id, installed_profiles.c.profile_id == profile_id)


def _of(station_id: str, source: str) -> Any:
    return and_(charging_limits.c.station_id == station_id, charging_limits.c.source == source)


def _named_values(named: NamedProfile) -> dict[str, Any]:
    return {
        "id": named.profile.id,
        "name": named.name,
        "profile": msgspec.json.encode(named.profile).decode(),
        "created_at_ms": to_ms(named.created_at),
        "updated_at_ms": to_ms(named.updated_at),
    }


def _named(row: ResultRow[Any]) -> NamedProfile:
    profile = msgspec.json.decode(row.profile, type=ChargingProfile)
    return NamedProfile(row.name, profile, from_ms(row.created_at_ms), from_ms(row.updated_at_ms))


def _installed_values(one: InstalledProfile) -> dict[str, Any]:
    return {
        "station_id": one.station_id,
        "profile_id": one.profile.id,
        "evse_id": one.evse_id,
        "source": one.source,
        "profile": msgspec.json.encode(one.profile).decode(),
        "noted_at_ms": to_ms(one.noted_at),
    }


def _installed(row: ResultRow[Any]) -> InstalledProfile:
    profile = msgspec.json.decode(row.profile, type=ChargingProfile)
    return InstalledProfile(row.station_id, row.evse_id, profile, row.source, from_ms(row.noted_at_ms))


def _limit(row: ResultRow[Any]) -> ChargingLimit:
    schedules = msgspec.json.decode(row.schedules, type=_SCHEDULES)
    return ChargingLimit(
        row.station_id, row.evse_id, row.source, row.is_grid_critical, schedules, from_ms(row.noted_at_ms)
    )
