"""Tariffs and their assignments, whole as JSON: there are few, and they are always read at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Column, Connection, Table, Text, delete, insert, select, update

from voltbridge.domain.errors import NotFound
from voltbridge.domain.tariffs import Tariff, TariffAssignment
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import metadata

__all__ = ["Tariffs", "tariff_assignments", "tariffs"]

tariffs = Table("tariffs", metadata, Column("id", Text, primary_key=True), Column("tariff", Text, nullable=False))

tariff_assignments = Table(
    "tariff_assignments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("assignment", Text, nullable=False),
)

Noun = TypeVar("Noun")


class Tariffs:
    """The operator's tariffs, and for whom they are."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def all(self) -> tuple[Sequence[Tariff], Sequence[TariffAssignment]]:
        """All of both, in the order of their ids."""

        def read(connection: Connection) -> tuple[Sequence[Tariff], Sequence[TariffAssignment]]:
            return _all(connection, tariffs, Tariff), _all(connection, tariff_assignments, TariffAssignment)

        return await self._sessions.read(read)

    async def put(self, tariff: Tariff) -> bool:
        """Add the tariff or replace the one of its id; whether it was added."""
        return await self._put(tariffs, tariff.id, tariff)

    async def delete(self, id: str) -> None:
        """Forget a tariff; raises NotFound."""
        await self._delete(tariffs, id, "tariff")

    async def assign(self, assignment: TariffAssignment) -> bool:
        """Add the assignment or replace the one of its id; whether it was added."""
        return await self._put(tariff_assignments, assignment.id, assignment)

    async def withdraw(self, id: str) -> None:
        """Forget an assignment; raises NotFound."""
        await self._delete(tariff_assignments, id, "tariff assignment")

    async def _put(self, table: Table, id: str, noun: Tariff | TariffAssignment) -> bool:
        column = table.c[table.columns.keys()[1]]
        text = msgspec.json.encode(noun).decode()

        def put(connection: Connection) -> bool:
            if connection.execute(update(table).where(table.c.id == id).values({column: text})).rowcount:
                return False
            connection.execute(insert(table).values({table.c.id: id, column: text}))
            return True

        return await self._sessions.write(put)

    async def _delete(self, table: Table, id: str, noun: str) -> None:
        def forget(connection: Connection) -> None:
            if not connection.execute(delete(table).where(table.c.id == id)).rowcount:
                raise NotFound(noun, id)

        await self._sessions.write(forget)


def _all(connection: Connection, table: Table, kind: type[Noun]) -> list[Noun]:
    column = table.c[table.columns.keys()[1]]
    texts = connection.execute(select(column).order_by(table.c.id)).scalars()
    return [msgspec.json.decode(text, type=kind) for text in texts]
