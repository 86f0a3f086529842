"""Reservations. Their ids go out on the wire, so they are counted and never given twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Select,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy import Row as ResultRow

from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.reservations import (
    LARGEST_RESERVATION_ID,
    OPEN_STATES,
    Reservation,
    ReservationChange,
    ReservationFilter,
    ReservationState,
    ReservationTerms,
)
from voltbridge.domain.tokens import IdToken
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.counters import RESERVATIONS, counters
from voltbridge.storage.sql.schema import metadata
from voltbridge.storage.texts import is_storable, storable
from voltbridge.storage.times import from_ms, optional_from_ms, optional_to_ms, to_ms

__all__ = ["Reservations", "delete_reservations", "reservations"]

_OPEN: Final = text("state IN ('Requested', 'Reserved')")

reservations = Table(
    "reservations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("station_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("evse_id", Integer),
    Column("connector_type", Text),
    Column("id_token", Text, nullable=False),
    Column("id_token_type", Text),
    Column("id_token_key", Text, nullable=False),
    Column("group_id_token", Text),
    Column("group_type", Text),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("reserved_at_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
    Column("reason", Text),
    Column("problem", Text),
    Column("transaction_id", BigInteger),
    Column("command_id", BigInteger),
    Index(None, "station_id", "id"),
    Index(None, "id_token_key", "id"),
    Index(None, "command_id"),
    Index("ix_reservations_open", "expires_at_ms", sqlite_where=_OPEN, postgresql_where=_OPEN),
)

_OPEN_NAMES: Final = sorted(state.value for state in OPEN_STATES)


def delete_reservations(connection: Connection, station_id: str) -> None:
    """Forget the reservations of a station."""
    connection.execute(delete(reservations).where(reservations.c.station_id == station_id))


_Found = list[Reservation]


class Reservations:
    """Reservations as stored."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def add(self, make: Callable[[int], Reservation]) -> Reservation:
        """Keep what ``make`` makes of an id that was never given before; as it was kept.

        Raises OverflowError once every id there can be was given.
        """

        def add(connection: Connection) -> Reservation:
            # One statement, so that two nodes cannot read the same value.
            bump = update(counters).where(counters.c.name == RESERVATIONS).values(value=counters.c.value + 1)
            id: int = connection.execute(bump.returning(counters.c.value)).scalar_one()
            if id > LARGEST_RESERVATION_ID:
                raise OverflowError("every number that a reservation can have was given")
            one = make(id)
            connection.execute(insert(reservations).values(_values(one)))
            return one

        return await self._sessions.write(add)

    async def get(self, id: int) -> Reservation | None:
        """The reservation of this id."""
        return await self._one(select(reservations).where(reservations.c.id == id))

    async def of_command(self, command_id: int) -> Reservation | None:
        """The reservation that a command asked for."""
        return await self._one(select(reservations).where(reservations.c.command_id == command_id).limit(1))

    async def change(
        self, station_id: str, id: int, rule: Callable[[Reservation], Reservation]
    ) -> ReservationChange | None:
        """Keep what the rule makes of a station's reservation, with nothing in between; None when there is none."""
        where = (reservations.c.id == id, reservations.c.station_id == station_id)

        def change(connection: Connection) -> ReservationChange | None:
            row = connection.execute(select(reservations).where(*where).with_for_update()).one_or_none()
            if row is None:
                return None
            before = _reservation(row)
            after = rule(before)
            if after is not before:
                connection.execute(update(reservations).where(*where).values(_values(after)))
            return ReservationChange(before, after)

        return await self._sessions.write(change)

    async def list(self, wanted: ReservationFilter, page: PageRequest) -> Page[Reservation]:
        """Newest first; raises InvalidCursor."""
        before = read_cursor("reservations", page, (int,))
        if not is_storable(wanted.station_id, wanted.id_token):
            return Page(())

        def read(connection: Connection) -> Page[Reservation]:
            query = select(reservations).order_by(reservations.c.id.desc()).limit(page.limit + 1)
            query = query.where(*_conditions(wanted))
            if before:
                query = query.where(reservations.c.id < before[0])
            rows = connection.execute(query).all()
            return cut("reservations", [((row.id,), _reservation(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def open_of(self, station_id: str, evse_id: int) -> _Found:
        """The open reservations of an EVSE; with 0 those of the whole station, with or without an EVSE."""
        query = _open().where(reservations.c.station_id == station_id).order_by(reservations.c.id)
        return await self._some(query if evse_id == 0 else query.where(reservations.c.evse_id == evse_id))

    async def stations_with_open(self) -> frozenset[str]:
        """Ids of the stations that have open reservations."""
        query = select(reservations.c.station_id).where(_OPEN).distinct()
        return await self._sessions.read(lambda connection: frozenset(connection.execute(query).scalars()))

    async def due(self, now: datetime, limit: int) -> _Found:
        """Open ones whose time is over, the oldest first."""
        query = _open().where(reservations.c.expires_at_ms <= to_ms(now))
        return await self._some(query.order_by(reservations.c.expires_at_ms).limit(limit))

    async def next_expiry(self) -> datetime | None:
        """The first moment at which an open one expires."""
        query = select(func.min(reservations.c.expires_at_ms)).where(_OPEN)
        return optional_from_ms(await self._sessions.read(lambda connection: connection.execute(query).scalar_one()))

    async def unexplained(self, limit: int) -> _Found:
        """Requested ones without an answer and without a problem."""
        waiting = (reservations.c.state == ReservationState.REQUESTED.value, reservations.c.problem.is_(None))
        return await self._some(select(reservations).where(*waiting).order_by(reservations.c.id).limit(limit))

    async def _one(self, query: Select[Any]) -> Reservation | None:
        found = await self._some(query)
        return found[0] if found else None

    async def _some(self, query: Select[Any]) -> _Found:
        return await self._sessions.read(
            lambda connection: [_reservation(row) for row in connection.execute(query).all()]
        )


def _open() -> Select[Any]:
    return select(reservations).where(_OPEN)


def _conditions(wanted: ReservationFilter) -> list[Any]:
    asked = [
        (reservations.c.station_id, wanted.station_id),
        (reservations.c.id_token_key, wanted.id_token.casefold() if wanted.id_token is not None else None),
        (reservations.c.state, wanted.state.value if wanted.state else None),
        (reservations.c.evse_id, wanted.evse_id),
    ]
    return [column == value for column, value in asked if value is not None]


def _values(one: Reservation) -> dict[str, Any]:
    terms = one.terms
    group = terms.group_id_token
    return {
        "id": one.id,
        "station_id": one.station_id,
        "state": one.state.value,
        "evse_id": terms.evse_id,
        "connector_type": terms.connector_type,
        "id_token": terms.id_token.id_token,
        "id_token_type": terms.id_token.type,
        "id_token_key": terms.id_token.key,
        "group_id_token": group.id_token if group else None,
        "group_type": group.type if group else None,
        "expires_at_ms": to_ms(terms.expires_at),
        "created_at_ms": to_ms(one.created_at),
        "updated_at_ms": to_ms(one.updated_at),
        "reserved_at_ms": optional_to_ms(one.reserved_at),
        "ended_at_ms": optional_to_ms(one.ended_at),
        "reason": storable(one.reason),
        "problem": storable(one.problem),
        "transaction_id": one.transaction_id,
        "command_id": one.command_id,
    }


def _reservation(row: ResultRow[Any]) -> Reservation:
    return Reservation(
        id=row.id,
        station_id=row.station_id,
        terms=ReservationTerms(
            id_token=IdToken(row.id_token, row.id_token_type),
            expires_at=from_ms(row.expires_at_ms),
            evse_id=row.evse_id,
            connector_type=row.connector_type,
            group_id_token=None if row.group_id_token is None else IdToken(row.group_id_token, row.group_type),
        ),
        state=ReservationState(row.state),
        created_at=from_ms(row.created_at_ms),
        updated_at=from_ms(row.updated_at_ms),
        reserved_at=optional_from_ms(row.reserved_at_ms),
        ended_at=optional_from_ms(row.ended_at_ms),
        reason=row.reason,
        problem=row.problem,
        transaction_id=row.transaction_id,
        command_id=row.command_id,
    )
