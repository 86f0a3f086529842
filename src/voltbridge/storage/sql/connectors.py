"""Last known status of every connector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Table, Text, delete, select
from sqlalchemy import Row as ResultRow

from voltbridge.domain.evses import Connector, ConnectorStatus
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import Row, Upsert, metadata
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, to_ms

__all__ = ["Connectors", "connector_row", "connector_upsert", "connectors", "delete_connectors", "read_connectors"]

connectors = Table(
    "connectors",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", BigInteger, primary_key=True, autoincrement=False),
    Column("connector_id", BigInteger, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("status_at_ms", BigInteger, nullable=False),
    Column("error_code", Text),
    Column("error_info", Text),
    Column("vendor_id", Text),
    Column("vendor_error_code", Text),
    sqlite_with_rowid=False,
)

connector_upsert = Upsert.replacing(connectors)


def connector_row(connector: Connector) -> Row:
    """The connector in the order of the table's columns."""
    return (
        connector.station_id,
        connector.evse_id,
        connector.connector_id,
        connector.status.value,
        to_ms(connector.status_at),
        connector.error_code,
        connector.error_info,
        connector.vendor_id,
        connector.vendor_error_code,
    )


def read_connectors(connection: Connection, station_ids: Iterable[str]) -> dict[str, list[Connector]]:
    """The connectors of these stations, ordered by EVSE and connector."""
    query = (
        select(connectors)
        .where(connectors.c.station_id.in_(list(station_ids)))
        .order_by(connectors.c.station_id, connectors.c.evse_id, connectors.c.connector_id)
    )
    found: dict[str, list[Connector]] = {}
    for row in connection.execute(query):
        found.setdefault(row.station_id, []).append(_connector(row))
    return found


def delete_connectors(connection: Connection, station_id: str) -> None:
    """Forget the connectors of a station."""
    connection.execute(delete(connectors).where(connectors.c.station_id == station_id))


class Connectors:
    """Connectors as last reported."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def of_station(self, station_id: str) -> list[Connector]:
        """Ordered by EVSE and connector; (0, 0) is the station as a whole."""
        if not is_storable(station_id):
            return []
        found = await self._sessions.read(lambda connection: read_connectors(connection, [station_id]))
        return found.get(station_id, [])


def _connector(row: ResultRow[Any]) -> Connector:
    return Connector(
        station_id=row.station_id,
        evse_id=row.evse_id,
        connector_id=row.connector_id,
        status=ConnectorStatus(row.status),
        status_at=from_ms(row.status_at_ms),
        error_code=row.error_code,
        error_info=row.error_info,
        vendor_id=row.vendor_id,
        vendor_error_code=row.vendor_error_code,
    )
