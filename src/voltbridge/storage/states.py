"""The hot state of a station, put together for its owner's memory."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from voltbridge.domain.stations import LiveStation
from voltbridge.storage.gathering import GatheredReads
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.connectors import read_connectors
from voltbridge.storage.sql.stations import read_stations
from voltbridge.storage.sql.transactions import read_open_transactions

__all__ = ["StationStates"]


class StationStates:
    """Loads what the owner of a station keeps in memory; many stations at once when many come at once."""

    def __init__(self, sessions: Sessions) -> None:
        self._gathered = GatheredReads(sessions, _read)

    async def load(self, station_id: str) -> LiveStation | None:
        """Settings, report, connectors and active transactions as stored, or None when the station is unknown."""
        return await self._gathered.get(station_id)


def _read(connection: Connection, keys: Collection[str]) -> dict[str, LiveStation]:
    known = read_stations(connection, keys)
    connectors = read_connectors(connection, known)
    transactions = read_open_transactions(connection, known)
    return {
        station_id: LiveStation(
            station_id=station_id,
            settings=station.settings,
            report=station.report,
            registered=station.settings.registration,
            connectors={(one.evse_id, one.connector_id): one for one in connectors.get(station_id, ())},
            transactions={one.transaction_id: one for one in transactions.get(station_id, ())},
            last_seen_at=station.report.last_seen_at,
        )
        for station_id, station in known.items()
    }
