"""The configurations that stations should have. There are few, so they are always read together."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, delete, select
from sqlalchemy import Row as ResultRow

from voltbridge.domain.configurations import Configuration, DesiredValue
from voltbridge.domain.errors import NotFound
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import Row, Upsert, metadata
from voltbridge.storage.times import from_ms, to_ms

__all__ = ["Configurations", "configurations"]

configurations = Table(
    "configurations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("station_ids", Text, nullable=False),
    Column("vendor", Text),
    Column("model", Text),
    Column("priority", Integer, nullable=False),
    Column("desired", Text, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

_put = Upsert.replacing(configurations)


class Configurations:
    """What the operator wants."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def list(self) -> list[Configuration]:
        """All, in the order of their names."""

        def read(connection: Connection) -> list[Configuration]:
            return [_configuration(row) for row in connection.execute(select(configurations))]

        return sorted(await self._sessions.read(read), key=lambda one: one.name)

    async def put(self, configuration: Configuration) -> bool:
        """Add it, or replace the one of its name; whether it was added."""

        def put(connection: Connection) -> bool:
            query = select(configurations.c.name).where(configurations.c.name == configuration.name)
            known = connection.execute(query).one_or_none() is not None
            insert_rows(connection, _put, [_row(configuration)])
            return not known

        return await self._sessions.write(put)

    async def delete(self, name: str) -> None:
        """Raises NotFound."""

        def forget(connection: Connection) -> None:
            if not connection.execute(delete(configurations).where(configurations.c.name == name)).rowcount:
                raise NotFound("configuration", name)

        await self._sessions.write(forget)


def _row(one: Configuration) -> Row:
    return (
        one.name,
        msgspec.json.encode(one.station_ids).decode(),
        one.vendor,
        one.model,
        one.priority,
        msgspec.json.encode(one.values).decode(),
        to_ms(one.updated_at),
    )


def _configuration(row: ResultRow[Any]) -> Configuration:
    return Configuration(
        name=row.name,
        values=msgspec.json.decode(row.desired, type=tuple[DesiredValue, ...]),
        updated_at=from_ms(row.updated_at_ms),
        station_ids=msgspec.json.decode(row.station_ids, type=tuple[str, ...]),
        vendor=row.vendor,
        model=row.model,
        priority=row.priority,
    )
