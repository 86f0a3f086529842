"""Stations' local lists. What a station has is one text: it is read and written as a whole, and seldom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, Table, Text, delete, insert, select, update
from sqlalchemy import Row as ResultRow

from voltbridge.domain.local_lists import LocalList, LocalListState, TokenSelection
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.tokens import Token
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.gathering import GatheredReads
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import metadata
from voltbridge.storage.times import from_ms, optional_from_ms, optional_to_ms, to_ms

__all__ = ["LocalLists", "delete_local_list", "local_lists"]

local_lists = Table(
    "local_lists",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("selection", Text, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("problem", Text),
    Column("version", BigInteger, nullable=False),
    Column("protocol", Text),
    Column("entries", Integer, nullable=False),
    Column("sent_at_ms", BigInteger),
    Column("verified_at_ms", BigInteger),
    Column("tokens", Text, nullable=False),
)

_WITHOUT_TOKENS = [column for column in local_lists.columns if column.name != "tokens"]
_TOKENS = msgspec.json.Decoder(tuple[Token, ...])


class LocalLists:
    """What the operator wants of them, and what they have."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._gathered = GatheredReads(sessions, _read)

    async def get(self, station_id: str) -> LocalList | None:
        """The station's list. Every boot asks for it."""
        return await self._gathered.get(station_id)

    async def entries(self, station_id: str) -> Sequence[Token]:
        """The tokens that the station has."""

        def read(connection: Connection) -> Sequence[Token]:
            query = select(local_lists.c.tokens).where(local_lists.c.station_id == station_id)
            found = connection.execute(query).scalar_one_or_none()
            return _TOKENS.decode(found) if found else ()

        return await self._sessions.read(read)

    async def list(self, state: LocalListState | None, page: PageRequest) -> Page[LocalList]:
        """In the order of the stations; raises InvalidCursor."""
        after = read_cursor("local_lists", page, (str,))

        def read(connection: Connection) -> Page[LocalList]:
            query = select(*_WITHOUT_TOKENS).order_by(local_lists.c.station_id).limit(page.limit + 1)
            if after:
                query = query.where(local_lists.c.station_id > after[0])
            if state is not None:
                query = query.where(local_lists.c.state == state.value)
            rows = connection.execute(query).all()
            return cut("local_lists", [((row.station_id,), _list(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def up_to_date(self) -> Sequence[LocalList]:
        """All that are Current."""

        def read(connection: Connection) -> Sequence[LocalList]:
            query = select(*_WITHOUT_TOKENS).where(local_lists.c.state == LocalListState.CURRENT.value)
            return [_list(row) for row in connection.execute(query)]

        return await self._sessions.read(read)

    async def mark_stale(self, station_id: str) -> bool:
        """Make a list that is Current stale; whether it was Current."""

        def mark(connection: Connection) -> bool:
            current = local_lists.c.state == LocalListState.CURRENT.value
            marked = update(local_lists).where(local_lists.c.station_id == station_id, current)
            return bool(connection.execute(marked.values(state=LocalListState.STALE.value)).rowcount)

        return await self._sessions.write(mark)

    async def put(self, one: LocalList, entries: Sequence[Token] | None = None) -> bool:
        """Add or replace a station's list, its tokens too unless ``entries`` is None; whether it was added."""
        values = _values(one)
        if entries is not None:
            values["tokens"] = msgspec.json.encode(entries).decode()

        def put(connection: Connection) -> bool:
            where = local_lists.c.station_id == one.station_id
            if connection.execute(update(local_lists).where(where).values(values)).rowcount:
                return False
            connection.execute(insert(local_lists).values({"tokens": "[]", **values}))
            return True

        return await self._sessions.write(put)

    async def delete(self, station_id: str) -> bool:
        """Forget it; whether there was one."""
        return await self._sessions.write(lambda connection: delete_local_list(connection, station_id))


def delete_local_list(connection: Connection, station_id: str) -> bool:
    """Forget a station's list; whether there was one."""
    return bool(connection.execute(delete(local_lists).where(local_lists.c.station_id == station_id)).rowcount)


def _read(connection: Connection, keys: Collection[str]) -> dict[str, LocalList]:
    query = select(*_WITHOUT_TOKENS).where(local_lists.c.station_id.in_(keys))
    return {row.station_id: _list(row) for row in connection.execute(query)}


def _values(one: LocalList) -> dict[str, Any]:
    return {
        "station_id": one.station_id,
        "selection": msgspec.json.encode(one.selection).decode(),
        "updated_at_ms": to_ms(one.updated_at),
        "automatic": one.automatic,
        "state": one.state.value,
        "problem": one.problem,
        "version": one.version,
        "protocol": one.protocol,
        "entries": one.entries,
        "sent_at_ms": optional_to_ms(one.sent_at),
        "verified_at_ms": optional_to_ms(one.verified_at),
    }


def _list(row: ResultRow[Any]) -> LocalList:
    return LocalList(
        station_id=row.station_id,
        selection=msgspec.json.decode(row.selection, type=TokenSelection),
        updated_at=from_ms(row.updated_at_ms),
        automatic=row.automatic,
        state=LocalListState(row.state),
        problem=row.problem,
        version=row.version,
        protocol=row.protocol,
        entries=row.entries,
        sent_at=optional_from_ms(row.sent_at_ms),
        verified_at=optional_from_ms(row.verified_at_ms),
    )
