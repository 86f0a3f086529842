"""Messages on the displays of stations. Each is one JSON text; what is asked for has a column."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Table, Text, and_, delete, insert, select, update

from voltbridge.domain.display_messages import DisplayMessage
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import metadata

__all__ = ["DisplayMessages", "delete_display_messages", "display_messages"]

display_messages = Table(
    "display_messages",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("message", Text, nullable=False),
)

_decode = msgspec.json.Decoder(DisplayMessage).decode


class DisplayMessages:
    """What is known of them."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def of_station(self, station_id: str) -> Sequence[DisplayMessage]:
        """In the order of their ids."""
        table = display_messages
        query = select(table.c.message).where(table.c.station_id == station_id).order_by(table.c.message_id)

        def read(connection: Connection) -> Sequence[DisplayMessage]:
            return [_decode(text) for text in connection.execute(query).scalars()]

        return await self._sessions.read(read)

    async def put(self, messages: Sequence[DisplayMessage]) -> None:
        """Add them, each in the place of one of the same station and id."""

        def put(connection: Connection) -> None:
            for one in messages:
                table = display_messages
                where = and_(table.c.station_id == one.station_id, table.c.message_id == one.id)
                values = {"status": one.status.value, "message": msgspec.json.encode(one).decode()}
                if not connection.execute(update(table).where(where).values(values)).rowcount:
                    key = {"station_id": one.station_id, "message_id": one.id}
                    connection.execute(insert(table).values({**key, **values}))

        if messages:
            await self._sessions.write(put)

    async def forget(self, station_id: str, ids: Sequence[int]) -> None:
        """Keep nothing of those; ids that are not there do not matter."""

        def forget(connection: Connection) -> None:
            table = display_messages
            connection.execute(delete(table).where(table.c.station_id == station_id, table.c.message_id.in_(ids)))

        if ids:
            await self._sessions.write(forget)


def delete_display_messages(connection: Connection, station_id: str) -> None:
    """Forget a station's messages."""
    connection.execute(delete(display_messages).where(display_messages.c.station_id == station_id))
